// Tenants in the pool under virtual time, on a lucky engine: whose environment an invocation finds,
// that many tenants take turns in a host's memory, and what an update does to all of them.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { FakeEngine } from './drivers/fake.ts'
import { launch } from './launch.ts'
import { Pool } from './pool.ts'
import { makeMessage, makeVersion } from './scheduler-harness.ts'

/** As many as fit into the host of these tests. */
const FITTING = 16

let engine: FakeEngine
let pool: Pool
let version = makeVersion({ memoryMb: 128, tenancy: 'PER_TENANT' })

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
  })
  version = makeVersion({ memoryMb: 128, tenancy: 'PER_TENANT' })
  engine = new FakeEngine({
    start: () => ({ ms: 10, outcome: 'runs' }),
    init: () => ({ ms: 5, outcome: 'asks' }),
    run: () => ({ ms: 20, outcome: 'answers', pieces: 0, settleMs: 0 }),
    stop: () => ({ ms: 1 }),
    specialise: () => ({ ms: 1, outcome: 'done' }),
  })
  const parts = {
    ...engine,
    runDirectory: 'run',
    region: 'us-east-1',
    codeDirectory: async () => 'code',
    layersDirectory: async () => 'layers',
    publishLogs() {},
    report() {},
  }
  pool = new Pool({
    limits: {
      memoryMb: FITTING * 128,
      concurrency: 100,
      environmentsMax: 1000,
      idleSeconds: 600,
      ageSecondsMax: 14_400,
    },
    launch: (place, why, events) => launch(parts, place, { why, events }),
    hasStem: () => false,
  })
})
afterEach(async () => {
  const stopped = pool.stopAll()
  await vi.advanceTimersByTimeAsync(1_000)
  await stopped
  expect([engine.broken, engine.sandboxes]).toEqual([[], 0])
  vi.useRealTimers()
})

/** How an invocation for a tenant ended: how it found its environment, and why. */
function ask(tenantId: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const { accepted } = pool.take({
    message: { ...makeMessage(version), tenantId },
    payload: Buffer.from('{}'),
    began: (leave) => leave(),
    finished: ({ report: { start, coldReason } }) =>
      resolve(coldReason ? `${start}: ${coldReason}` : start),
    failed: (reason) => resolve(`failed: ${reason}`),
  })
  return accepted ? promise : Promise.resolve('refused')
}

async function done<T>(work: Promise<T>): Promise<T> {
  await vi.advanceTimersByTimeAsync(100)
  return work
}

test('each has environments of its own, and finds them again', async () => {
  expect(await done(ask('blue'))).toBe('cold: first invocation')
  expect(await done(ask('green'))).toBe('cold: first invocation')
  expect(await done(Promise.all([ask('blue'), ask('green')]))).toEqual(['warm', 'warm'])
  expect(pool.environments).toBe(2)
})

test('one that waits is not helped by an environment of another', async () => {
  // All at once: none may take what starts for the other.
  const starts = await done(Promise.all(['blue', 'green', 'blue'].map(ask)))
  expect(starts.filter((start) => start.startsWith('cold'))).toHaveLength(3)
  expect(pool.environments).toBe(3)
})

test('a spare for a tenant that grows is that tenant’s', async () => {
  await done(ask('blue'))
  await done(Promise.all([ask('blue'), ask('blue')]))
  // It grows, and both are busy: a third starts for nobody in particular.
  await done(Promise.all([ask('blue'), ask('blue')]))
  expect(pool.environments).toBe(3)
  expect(await done(ask('green'))).toBe('cold: first invocation')
  expect(pool.environments).toBe(4)
})

test('thousands take turns in the memory of the host, and the longest idle goes first', async () => {
  for (let round = 0; round < 2_000; round += 1) {
    expect(await done(ask(`tenant ${round}`))).toBe('cold: first invocation')
    // Whoever comes often stays, however many come once.
    if (round % 8 === 0) expect(await done(ask('often'))).toMatch(round === 0 ? 'cold' : 'warm')
  }
  expect(pool.environments).toBe(FITTING)
  expect([...pool.deployments]).toHaveLength(FITTING)
  expect(engine.memoryMbPeak).toBeLessThanOrEqual(FITTING * 128)
  expect(await done(ask('tenant 1990'))).toBe('warm')
  expect(await done(ask('tenant 7'))).toBe('cold: evicted for memory')
})

test('an update ends what idles for every tenant, and a late call of the old one keeps none', async () => {
  await done(Promise.all(['blue', 'green', 'grey'].map(ask)))
  const old = version
  version = makeVersion({ memoryMb: 128, tenancy: 'PER_TENANT' })
  expect(await done(ask('blue'))).toBe('cold: configuration changed')
  expect(pool.environments).toBe(1)
  expect(await done(ask('green'))).toBe('cold: configuration changed')
  version = old
  expect(await done(ask('grey'))).toBe('cold: configuration changed')
  expect(pool.environments).toBe(2)
})
