// What may be subscribed to, in AWS's limits.

import { expect, test } from 'vitest'
import { readSubscription } from './telemetry-subscription.ts'

const HTTP = { protocol: 'HTTP', URI: 'http://sandbox.localdomain:8080/in?a=1' }
const wish = { schemaVersion: '2022-12-13', types: ['platform'], destination: HTTP }
const read = (changes: object, api: 'logs' | 'telemetry' = 'telemetry') =>
  readSubscription(api, Buffer.from(JSON.stringify({ ...wish, ...changes })))

test('defaults are AWS’s', () => {
  expect(read({})).toEqual({
    api: 'telemetry',
    types: ['platform'],
    hasObjects: true,
    destination: { protocol: 'HTTP', port: 8080, path: '/in?a=1' },
    buffering: { maxItems: 10_000, maxBytes: 262_144, timeoutMs: 1_000 },
  })
  const older = { schemaVersion: undefined, destination: { protocol: 'TCP', port: 1 } }
  expect(read(older, 'logs')).toMatchObject({
    api: 'logs',
    hasObjects: false,
    destination: { protocol: 'TCP', port: 1 },
  })
  expect(read({ schemaVersion: '2022-07-01' })).toMatchObject({ hasObjects: false })
  expect(read({ types: ['function', 'extension', 'function'] })).toMatchObject({
    types: ['function', 'extension'],
  })
})

test.each([
  [{ schemaVersion: '2020-08-15' }, 'schemaVersion must be one of 2022-07-01'],
  [{ schemaVersion: undefined }, 'schemaVersion must be one of'],
  [{ types: [] }, 'types must be a list'],
  [{ types: ['other'] }, 'types must be a list'],
  [{ destination: undefined }, 'destination must be an object'],
  [{ destination: { protocol: 'UDP' } }, 'destination.protocol'],
  [{ destination: { protocol: 'TCP', port: 0 } }, 'destination.port'],
  [{ destination: { ...HTTP, URI: 'http://10.0.0.1:80' } }, 'host must be sandbox.localdomain'],
  [{ destination: { ...HTTP, URI: 'https://sandbox.localdomain' } }, 'host must be'],
  [{ buffering: { maxItems: 999 } }, 'buffering.maxItems must be an integer from 1000 to 10000'],
  [{ buffering: { maxBytes: 1_048_577 } }, 'buffering.maxBytes'],
  [{ buffering: { timeoutMs: 25.5 } }, 'buffering.timeoutMs'],
])('%j is refused', (changes, words) => {
  const refused = read(changes)
  expect(refused).toMatchObject({
    errorType: 'ValidationError',
    errorMessage: expect.stringContaining(words),
  })
})

test.each(['', '[]', 'null', '{'])('a body of %j is refused', (body) => {
  expect(readSubscription('telemetry', Buffer.from(body))).toMatchObject({
    errorMessage: 'the body must be a JSON object',
  })
})
