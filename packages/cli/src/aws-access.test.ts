// The configuration of neighbours: which end point each service is at, who Hearth is there, and
// what webhooks may do.

import { describe, expect, test } from 'vitest'
import { awsAccess } from './aws-access.ts'
import { readConfig } from './config.ts'

/** Whatever the machine that runs this has set. */
const NOTHING = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) => /^(AWS|HEARTH)_/.test(name))
    .map((name) => [name, undefined]),
) as Record<string, never>
const accessWith = (set: Record<string, string>) => awsAccess(readConfig({ ...NOTHING, ...set }))

describe('AWS-shaped services', () => {
  test('are where AWS has them, with whatever credentials the SDK finds', () => {
    const access = accessWith({})
    expect(access.endpoint('sqs')).toBeUndefined()
    expect(access).not.toHaveProperty('credentials')
    expect(access.region).toBe('us-east-1')
  })

  test('are where one end point says, but for those that have their own', () => {
    const access = accessWith({
      AWS_ENDPOINT_URL: 'http://all:1',
      AWS_ENDPOINT_URL_SQS: 'http://queues:2',
      AWS_ENDPOINT_URL_EVENTBRIDGE: 'http://buses:3',
      AWS_ENDPOINT_URL_DYNAMODB_STREAMS: 'https://tables:4',
    })
    const services = ['dynamodb', 'events', 'kinesis', 's3', 'sns', 'sqs'] as const
    expect(services.map((service) => access.endpoint(service))).toEqual([
      'https://tables:4',
      'http://buses:3',
      ...['http://all:1', 'http://all:1', 'http://all:1', 'http://queues:2'],
    ])
  })

  test('know Hearth by the keys that it is given, and empty ones are none', () => {
    const keys = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
    expect(accessWith({ ...keys, AWS_SESSION_TOKEN: '' }).credentials).toEqual(credentials)
    expect(accessWith({ ...keys, AWS_SESSION_TOKEN: 'c' }).credentials).toEqual({
      ...credentials,
      sessionToken: 'c',
    })
    const empty = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_ENDPOINT_URL: '' }
    expect(accessWith(empty)).not.toHaveProperty('credentials')
    expect(accessWith(empty).endpoint('s3')).toBeUndefined()
  })

  test('are not at something that is no address', () => {
    expect(() => accessWith({ AWS_ENDPOINT_URL_S3: 'localhost:9000' })).toThrow(
      'AWS_ENDPOINT_URL_S3: must be an http or https address',
    )
  })
})

test('webhooks have secrets and an allowance, and none unless they are set', () => {
  const { HEARTH_WEBHOOK_SECRET, HEARTH_WEBHOOK_ALLOW } = readConfig({
    ...NOTHING,
    HEARTH_WEBHOOK_SECRET: 'whsec_bmV3, whsec_b2xk',
    HEARTH_WEBHOOK_ALLOW: '10.1.0.0/16, hooks.lan:8080',
  })
  expect(HEARTH_WEBHOOK_SECRET).toEqual(['whsec_bmV3', 'whsec_b2xk'])
  expect(HEARTH_WEBHOOK_ALLOW).toEqual([{ host: '10.1.0.0/16' }, { host: 'hooks.lan', port: 8080 }])
  expect(readConfig(NOTHING)).toMatchObject({ HEARTH_WEBHOOK_SECRET: [], HEARTH_WEBHOOK_ALLOW: [] })
})

test('functions may reach the very port of the endpoint that they are told, and nothing unsaid', () => {
  const reached = (HEARTH_FUNCTION_ENDPOINT: string) =>
    readConfig({ ...NOTHING, HEARTH_FUNCTION_ENDPOINT }).HEARTH_FUNCTION_ENDPOINT
  expect(reached('http://host.docker.internal:4574/')).toEqual({
    url: 'http://host.docker.internal:4574',
    destination: { host: 'host.docker.internal', port: 4574 },
  })
  expect(reached('https://hearth.lan')?.destination).toEqual({ host: 'hearth.lan', port: 443 })
  expect(reached('')).toBeUndefined()
  for (const bad of ['10.1.2.3:4574', 'http://hearth.lan/path', 'nats://hearth.lan']) {
    expect(() => reached(bad)).toThrow('HEARTH_FUNCTION_ENDPOINT: must be an address as http://')
  }
})
