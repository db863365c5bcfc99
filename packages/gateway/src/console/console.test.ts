// The console's addresses without a browser: files for browsers, forms that are no forms, and who
// is refused after too many failures. What takes a Hearth is in e2e/console.test.ts.

import { randomBytes } from 'node:crypto'
import { createMapping, type EventSourceMapping } from '@hearth/core/event-source-mapping'
import { createEnvelope } from '@hearth/store/envelope'
import { Hono } from 'hono'
import { expect, test } from 'vitest'
import type { KnownKey } from '../identities.ts'
import { assetPath } from './assets.ts'
import type { ConsoleParts } from './client.ts'
import { openConsole } from './console.ts'
import { TRIES_MAX } from './failed-sign-ins.ts'

const account = '000000000000'
const root: KnownKey = {
  ...{ accessKeyId: 'ada', secret: 'right', userId: account },
  principal: { kind: 'root', account },
}
const envelope = createEnvelope([randomBytes(32)])
const found = createMapping(
  {
    ...{ uuid: 'b5a0e7d6-0000-4000-8000-000000000000', account, functionName: 'f', tags: {} },
    ...{ kind: 'kinesis', sourceArn: 'arn:aws:kinesis:us-east-1:000000000000:stream/orders' },
  },
  { start: { position: 'TRIM_HORIZON' } },
  0,
)
const changed: EventSourceMapping[] = []
const swept: string[] = []
const parts = {
  ...{ account, region: 'us-east-1', envelope, functions: {}, limits: {}, layers: {} },
  mappings: {
    cached: () => found,
    list: () => [found],
    change: async (
      _: string,
      __: string,
      change: (one: EventSourceMapping) => EventSourceMapping,
    ) => {
      changed.push(change(found))
      return changed.at(-1)
    },
  },
  requests: { subscribe: () => ({ close: () => {} }), publish: () => {} },
  sweepCheckpoints: async ({ uuid }: EventSourceMapping) => void swept.push(uuid),
}
const identities = { find: (id: string) => (id === root.accessKeyId ? root : undefined) }
const { app } = openConsole(parts as unknown as ConsoleParts, identities)
const site = new Hono().route('/console', app)
const HOST = 'hearth.lan'

function ask(path: string, form?: Record<string, string>, headers: Record<string, string> = {}) {
  const { from = '192.0.2.1', ...others } = headers
  const body = form && String(new URLSearchParams(form))
  const sent = { 'content-length': String(body?.length ?? 0), origin: `http://${HOST}` }
  const init = {
    method: form ? 'POST' : 'GET',
    headers: { host: HOST, ...(form && sent), ...others },
    ...(body !== undefined && { body }),
  }
  const incoming = { socket: { remoteAddress: from } }
  return site.request(`http://${HOST}/console${path}`, init, { incoming })
}
const signIn = (secret: string, headers?: Record<string, string>) =>
  ask('/sign-in', { key: 'ada', secret, next: '/console/bill' }, headers)

test('files for browsers are kept for ever, by a name that changes with them', async () => {
  const path = assetPath('console.css')
  expect(path).toMatch(/^\/console\/assets\/[0-9a-f]{12}\/console\.css$/)
  const answer = await ask(path.slice('/console'.length))
  expect([answer.status, answer.headers.get('cache-control')]).toEqual([
    200,
    'public, max-age=31536000, immutable',
  ])
  expect((await ask('/assets/000000000000/console.css')).status).toBe(404)
  expect((await ask('/assets/../console.ts')).status).toBe(303)
})

test('a right secret signs in, over https with a cookie for https alone', async () => {
  const answer = await signIn('right', { 'x-forwarded-proto': 'https' })
  expect([answer.status, answer.headers.get('location')]).toEqual([303, '/console/bill'])
  expect(answer.headers.get('set-cookie')).toMatch(/^hearth-console=.*SameSite=Strict; Secure$/)
  const plain = (await signIn('right')).headers.get('set-cookie') ?? ''
  expect(plain).toMatch(/HttpOnly; SameSite=Strict$/)
  const cookie = plain.split(';')[0] ?? ''
  expect((await ask('/nowhere', undefined, { cookie })).status).toBe(404)
  expect((await ask('/sign-in', undefined, { cookie })).status).toBe(303)
})

test('after ten failures even the right secret has to wait, with that key from that address', async () => {
  const from = '198.51.100.7'
  const statuses: number[] = []
  for (let count = 0; count < TRIES_MAX; count += 1) {
    statuses.push((await signIn('wrong', { from })).status)
  }
  expect(new Set(statuses)).toEqual(new Set([403]))
  const answer = await signIn('right', { from })
  expect(answer.status).toBe(429)
  expect(answer.headers.get('set-cookie')).toBeNull()
  expect(await answer.text()).toMatch(/Try again in (299|300) seconds/)
  const other = await ask('/sign-in', { key: 'bob', secret: 'wrong' }, { from })
  expect(other.status).toBe(403)
  expect((await signIn('right', { from: '198.51.100.8' })).status).toBe(303)
})

test('forms of others, of no length and of too great a length are refused', async () => {
  const length = (bytes: string) => ({ 'content-length': bytes })
  expect((await signIn('right', { origin: 'http://evil.example' })).status).toBe(403)
  expect((await signIn('right', length('x'))).status).toBe(413)
  expect((await signIn('right', length('100000'))).status).toBe(413)
})

test('a stream is reset to where the form says, and its checkpoints go', async () => {
  const cookie = ((await signIn('right')).headers.get('set-cookie') ?? '').split(';')[0] ?? ''
  const page = await (await ask('/event-sources', undefined, { cookie })).text()
  expect(page).toMatch(/Kinesis.*not known: nobody reads.*Reset…/s)
  const [, token = ''] = /name="token" value="([^"]+)"/.exec(page) ?? []
  const wish = { wish: 'reset', position: 'LATEST', token }
  const answer = await ask(`/event-sources/${found.uuid}`, wish, { cookie })
  expect([answer.status, answer.headers.get('location')]).toEqual([
    303,
    `/console/event-sources#${found.uuid}`,
  ])
  expect(changed).toMatchObject([{ resets: 1, startingPosition: 'LATEST' }])
  expect(swept).toEqual([found.uuid])
})

test('an event source does what it has buttons for, and nothing else', async () => {
  const cookie = ((await signIn('right')).headers.get('set-cookie') ?? '').split(';')[0] ?? ''
  const page = await (await ask('/event-sources', undefined, { cookie })).text()
  const [, token = ''] = /name="token" value="([^"]+)"/.exec(page) ?? []
  const before = changed.length
  const wishes: Record<string, string>[] = [
    { wish: 'delete' },
    {},
    { wish: 'reset', position: 'NOW' },
  ]
  for (const wish of wishes) {
    const answer = await ask(`/event-sources/${found.uuid}`, { ...wish, token }, { cookie })
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain('An event source has no button for')
  }
  expect(changed).toHaveLength(before)
})

test('what somebody types at the door stays text', async () => {
  const answer = await ask('/sign-in', { key: '"><script>', secret: 'x' })
  expect(await answer.text()).toContain('value="&quot;&gt;&lt;script&gt;"')
})
