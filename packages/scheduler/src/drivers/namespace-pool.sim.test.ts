// The pool of network namespaces in virtual time, by seed: sandboxes come in waves and go, holders
// take their time, fail, and end by themselves. No namespace is ever two sandboxes', not even one
// after the other; none is left at the end; demand decides how many wait.

import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Holders, NamespacePool, type NetworkKind } from './namespace-pool.ts'

const RUNS = 300
const MAX = 4

beforeEach(() =>
  vi.useFakeTimers({
    toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'performance'],
  }),
)
afterEach(() => vi.useRealTimers())

/** An engine that makes holders as its script says. */
class FakeHolders implements Holders {
  readonly alive = new Map<string, NetworkKind>()
  made = 0
  makingPeak = 0
  #making = 0
  next: () => { ms: number; fails: boolean } = () => ({ ms: 300, fails: false })

  async make(kind: NetworkKind): Promise<string> {
    this.#making += 1
    this.makingPeak = Math.max(this.makingPeak, this.#making)
    const { ms, fails } = this.next()
    await after(ms)
    this.#making -= 1
    if (fails) throw new Error('the engine refused')
    this.made += 1
    const id = `holder-${this.made}`
    this.alive.set(id, kind)
    return id
  }

  async remove(holder: string): Promise<void> {
    await after(20)
    this.alive.delete(holder)
  }
}

const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

function open(holders: FakeHolders, max = MAX) {
  const lost: string[] = []
  const problems: string[] = []
  const pool = new NamespacePool({
    holders,
    max,
    lost: (sandbox) => lost.push(sandbox),
    report: (problem) => problems.push(problem),
  })
  return { pool, lost, problems }
}

async function closed(pool: NamespacePool): Promise<void> {
  const closing = pool.close()
  await vi.advanceTimersByTimeAsync(120_000)
  await closing
}

const step = fc.record({
  waitMs: fc.integer({ min: 0, max: 3_000 }),
  kind: fc.constantFrom<NetworkKind>('internet', 'internet', 'internet', 'none'),
  what: fc.constantFrom('start', 'start', 'start', 'end', 'end', 'refused', 'holder ends'),
  makeMs: fc.integer({ min: 1, max: 2_000 }),
  fails: fc.integer({ min: 0, max: 19 }).map((roll) => roll === 0),
  startMs: fc.integer({ min: 1, max: 800 }),
  at: fc.nat(),
})

test('a namespace is one sandbox’s, once, and none is left', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const holders = new FakeHolders()
      const { pool, lost } = open(holders)
      const owners = new Map<string, string>()
      const live: string[] = []
      const ended = new Set<string>()
      let sandboxes = 0
      for (const { waitMs, kind, what, makeMs, fails, startMs, at } of steps) {
        holders.next = () => ({ ms: makeMs, fails })
        if (what === 'start' || what === 'refused') {
          sandboxes += 1
          const sandbox = `sandbox-${sandboxes}`
          const holder = pool.take(sandbox, kind)
          if (holder !== undefined) {
            expect(owners.has(holder)).toBe(false)
            owners.set(holder, sandbox)
            // One that has ended is found out by joining it, or a moment later.
            if (holders.alive.has(holder)) expect(holders.alive.get(holder)).toBe(kind)
          }
          if (what === 'refused' && holder !== undefined) void pool.refused(sandbox, 'by script')
          else live.push(sandbox)
          void pool.whileStarting(() => after(startMs))
        } else if (what === 'end' && live.length > 0) {
          const [sandbox = ''] = live.splice(at % live.length, 1)
          ended.add(sandbox)
          void pool.giveBack(sandbox)
        } else if (what === 'holder ends' && holders.alive.size > 0) {
          const holder = [...holders.alive.keys()][at % holders.alive.size] ?? ''
          holders.alive.delete(holder)
          pool.holderEnded(holder)
        }
        await vi.advanceTimersByTimeAsync(waitMs)
        expect(pool.waiting).toBeLessThanOrEqual(MAX)
      }
      for (const sandbox of lost) expect([...owners.values()]).toContain(sandbox)
      expect(holders.makingPeak).toBeLessThanOrEqual(1)
      await closed(pool)
      expect([...holders.alive]).toEqual([])
    }),
    { numRuns: RUNS },
  )
})

test('one waits before anybody asks, more while they are asked for, and one again later', async () => {
  const { pool } = open(new FakeHolders())
  await vi.advanceTimersByTimeAsync(1_000)
  expect(pool.waiting).toBe(1)
  for (const name of ['a', 'b']) pool.take(name, 'internet')
  await vi.advanceTimersByTimeAsync(10_000)
  expect(pool.waiting).toBe(3)
  await vi.advanceTimersByTimeAsync(700_000)
  expect(pool.waiting).toBe(1)
  await closed(pool)
})

test('nothing is made while a sandbox starts', async () => {
  const { pool } = open(new FakeHolders())
  await vi.advanceTimersByTimeAsync(1_000)
  pool.take('a', 'internet')
  const started = pool.whileStarting(() => after(20_000))
  await vi.advanceTimersByTimeAsync(19_000)
  expect(pool.waiting).toBe(0)
  await vi.advanceTimersByTimeAsync(5_000)
  await started
  expect(pool.waiting).toBe(2)
  await closed(pool)
})

test('a sandbox whose namespace has gone is told of, and one that was given back is not', async () => {
  const holders = new FakeHolders()
  const { pool, lost } = open(holders)
  await vi.advanceTimersByTimeAsync(1_000)
  const first = pool.take('first', 'internet') ?? ''
  await vi.advanceTimersByTimeAsync(10_000)
  expect(pool.take('second', 'internet')).toBeDefined()
  void pool.giveBack('second')
  holders.alive.delete(first)
  pool.holderEnded(first)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(lost).toEqual(['first'])
  await closed(pool)
})

test('an engine that lets nobody join is asked no more, and says so once', async () => {
  const holders = new FakeHolders()
  const { pool, problems } = open(holders)
  for (let count = 0; count < 10; count += 1) {
    await vi.advanceTimersByTimeAsync(3_000)
    const name = `s${count}`
    if (pool.take(name, 'internet')) void pool.refused(name, 'it cannot join')
  }
  expect(holders.made).toBeLessThan(8)
  expect(problems).toEqual(['sandboxes have network namespaces of their own again: it cannot join'])
  await vi.advanceTimersByTimeAsync(1_000)
  expect([...holders.alive]).toEqual([])
  await closed(pool)
})

test('an engine that makes none is asked now and then, and none are wanted with a maximum of 0', async () => {
  const holders = new FakeHolders()
  let asked = 0
  holders.next = () => {
    asked += 1
    return { ms: 10, fails: true }
  }
  const { pool, problems } = open(holders)
  await vi.advanceTimersByTimeAsync(130_000)
  expect(asked).toBe(3)
  expect(problems).toHaveLength(1)
  await closed(pool)
  const off = open(holders, 0)
  await vi.advanceTimersByTimeAsync(130_000)
  expect(off.pool.take('a', 'internet')).toBeUndefined()
  expect(asked).toBe(3)
})
