// Ownership on a real Valkey: one holder at a time while all is well, somebody new when the holder
// is gone, and a holder that was paused knows that it is none before it does anything.

import { type ChildProcess, spawn } from 'node:child_process'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Server, startValkey } from '../../../e2e/servers.ts'
import { connectLeases, type LeaseStore } from './connect.ts'
import { hold, type Ownership } from './ownership.ts'

const TTL_MS = 600
const RENEW_MS = 100
/** What a busy machine may take on top. */
const SLACK_MS = 1_500

interface Contender extends Ownership {
  store: LeaseStore
  /** When it gained and lost the lease, on one clock. */
  gained: number[]
  lost: number[]
  /** Its connection is gone for good, and it does not know why. */
  cut(): void
}

let valkey: Server
let contenders: Contender[] = []
let serial = 0

beforeAll(async () => {
  valkey = await startValkey()
})
afterAll(() => valkey?.stop())
afterEach(async () => {
  await Promise.all(contenders.map((one) => one.close()))
  await Promise.all(contenders.map((one) => one.store.close()))
  contenders = []
  serial += 1
})

function contend(): Contender {
  const store = connectLeases(valkey.url)
  const [gained, lost]: [number[], number[]] = [[], []]
  const ownership = hold(store, {
    name: `test-${serial}`,
    ttlMs: TTL_MS,
    renewMs: RENEW_MS,
    onGained: (signal) => {
      gained.push(performance.now())
      signal.addEventListener('abort', () => lost.push(performance.now()))
    },
  })
  const cut = () => store.redis.disconnect(false)
  const contender = { ...ownership, store, gained, lost, cut }
  contenders.push(contender)
  return contender
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const holders = (of = contenders) => of.filter((one) => one.held()).length

async function until(what: () => boolean, withinMs: number): Promise<number> {
  const startedAt = performance.now()
  while (!what()) {
    if (performance.now() - startedAt > withinMs) throw new Error(`not within ${withinMs} ms`)
    await pause(5)
  }
  return performance.now() - startedAt
}

/** The first contender holds the lease, the second wants it. */
async function pair(): Promise<[Contender, Contender]> {
  const first = contend()
  await until(first.held, SLACK_MS)
  const second = contend()
  await pause(2 * RENEW_MS)
  expect([first.held(), second.held()]).toEqual([true, false])
  return [first, second]
}

describe('a lease', () => {
  test('has one holder, who keeps it for much longer than it lasts', async () => {
    const many = [contend(), contend(), contend(), contend()]
    await until(() => holders() === 1, SLACK_MS)
    for (let at = 0; at < 3 * TTL_MS; at += 10) {
      expect(holders()).toBe(1)
      await pause(10)
    }
    expect(many.flatMap((one) => one.gained)).toHaveLength(1)
    expect(many.flatMap((one) => one.lost)).toHaveLength(0)
  })

  test('goes to another as soon as it is given back', async () => {
    const [first, second] = await pair()
    await first.close()
    expect(first.held()).toBe(false)
    expect(await until(second.held, RENEW_MS + SLACK_MS)).toBeLessThan(TTL_MS)
  })

  test('goes to another when its holder is cut off, who knows before the other begins', async () => {
    const [first, second] = await pair()
    first.cut()
    await until(second.held, TTL_MS + RENEW_MS + SLACK_MS)
    expect(first.held()).toBe(false)
    expect(first.lost[0]).toBeLessThanOrEqual(second.gained[0] ?? 0)
    await pause(2 * RENEW_MS)
    expect(holders()).toBe(1)
  })

  test('is somebody’s again after FLUSHALL, and two hold it for one renewal at most', async () => {
    const [first, second] = await pair()
    for (let round = 0; round < 5; round += 1) {
      await first.store.redis.flushall()
      await pause(RENEW_MS + 100)
      await until(() => holders() === 1, SLACK_MS)
      await pause(RENEW_MS)
      expect(holders([first, second])).toBe(1)
    }
  })

  test('is somebody’s again after Valkey was killed and came back empty', async () => {
    const [first, second] = await pair()
    await valkey.kill()
    await until(() => holders() === 0, TTL_MS + SLACK_MS)
    await pause(TTL_MS)
    expect([first.held(), second.held()]).toEqual([false, false])
    await valkey.start()
    await until(() => holders() === 1, 5_000)
    await pause(3 * RENEW_MS)
    expect(holders()).toBe(1)
  })

  test('is not believed when the answer took longer than it lasts', async () => {
    const [first] = await pair()
    await first.store.redis.client('PAUSE', 2 * TTL_MS, 'ALL')
    await until(() => !first.held(), TTL_MS + SLACK_MS)
    expect(holders()).toBe(0)
    await until(() => holders() === 1, 3 * TTL_MS + SLACK_MS)
  })

  test('closes in good time while Valkey is away', async () => {
    const first = contend()
    await until(first.held, SLACK_MS)
    await valkey.kill()
    try {
      const startedAt = performance.now()
      await first.close()
      expect(performance.now() - startedAt).toBeLessThan(6_000)
      expect(first.held()).toBe(false)
    } finally {
      await valkey.start()
    }
  })
})

describe('a holder in a process of its own', () => {
  /** Says at every moment whether it holds the lease, with the time. */
  function spawnHolder(): { child: ChildProcess; heard: { at: number; held: boolean }[] } {
    const program = `
      import { connectLeases } from ${JSON.stringify(new URL('./connect.ts', import.meta.url))}
      import { hold } from ${JSON.stringify(new URL('./ownership.ts', import.meta.url))}
      const ownership = hold(connectLeases(${JSON.stringify(valkey.url)}), {
        name: 'test-${serial}', ttlMs: ${TTL_MS}, renewMs: ${RENEW_MS}, onGained() {},
      })
      setInterval(() => console.log(Date.now(), ownership.held()), 5)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program])
    const heard: { at: number; held: boolean }[] = []
    child.stdout.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().trim().split('\n')) {
        const [at, held] = line.split(' ')
        heard.push({ at: Number(at), held: held === 'true' })
      }
    })
    return { child, heard }
  }

  test('that is killed is replaced within the time that the lease lasts', async () => {
    const { child, heard } = spawnHolder()
    await until(() => heard.at(-1)?.held === true, 10_000)
    const next = contend()
    await pause(2 * RENEW_MS)
    child.kill('SIGKILL')
    const took = await until(next.held, TTL_MS + RENEW_MS + SLACK_MS)
    expect(took).toBeLessThan(TTL_MS + RENEW_MS + SLACK_MS)
  })

  test('that was stopped knows at its first moment that it holds nothing', async () => {
    const { child, heard } = spawnHolder()
    try {
      await until(() => heard.at(-1)?.held === true, 10_000)
      const next = contend()
      await pause(2 * RENEW_MS)
      child.kill('SIGSTOP')
      await until(next.held, TTL_MS + RENEW_MS + SLACK_MS)
      await pause(200)
      const resumedAt = Date.now()
      child.kill('SIGCONT')
      await until(() => heard.some(({ at }) => at >= resumedAt), 5_000)
      await pause(300)
      const after = heard.filter(({ at }) => at >= resumedAt)
      expect(after.length).toBeGreaterThan(3)
      expect(after.filter(({ held }) => held)).toEqual([])
      expect(next.held()).toBe(true)
    } finally {
      child.kill('SIGKILL')
    }
  })
})
