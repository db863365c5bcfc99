// How Valkey is, as metrics tell it, on a real one: and nothing, at once, when it is gone.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Server, startValkey } from '../../../e2e/servers.ts'
import { connectLeases, type LeaseStore } from './connect.ts'
import { lookAtValkey } from './health.ts'

let valkey: Server
let store: LeaseStore
beforeAll(async () => {
  valkey = await startValkey()
  store = connectLeases(valkey.url)
})
afterAll(async () => {
  await store?.close()
  await valkey?.stop()
})

const look = () => lookAtValkey(store)

test('tells a round trip and its memory, and the limit where there is one', async () => {
  await expect.poll(look, { timeout: 10_000 }).toBeDefined()
  const found = await look()
  expect(found?.roundTripMs).toBeLessThan(1_000)
  expect(found?.bytes).toBeGreaterThan(100_000)
  expect(found?.bytesMax).toBeUndefined()
  await store.redis.config('SET', 'maxmemory', '64mb')
  expect((await look())?.bytesMax).toBe(64 * 1024 ** 2)
})

test('tells nothing when it is gone, and again when it is back', async () => {
  await valkey.kill()
  await expect.poll(look, { timeout: 10_000 }).toBeUndefined()
  const askedAt = performance.now()
  expect(await look()).toBeUndefined()
  expect(performance.now() - askedAt).toBeLessThan(500)
  await valkey.start()
  await expect.poll(look, { timeout: 10_000 }).toBeDefined()
})
