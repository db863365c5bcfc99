// Sharing on a real NATS and a real Valkey: each piece of work runs in one place, moves when a
// poller joins, leaves or is killed, and its epochs grow even when Valkey forgets everything.

import { type ChildProcess, spawn } from 'node:child_process'
import { openClaims as openBodies } from '@hearth/bus/claims'
import { connectBus } from '@hearth/bus/connect'
import { createRequests } from '@hearth/bus/requests'
import { connectLeases } from '@hearth/leases/connect'
import { openClaims } from '@hearth/store/claims'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { flush, type Nats, type Server, startNats, startValkey } from '../../../e2e/servers.ts'
import { openShares, type Shares } from './shares.ts'

let nats: Nats
let valkey: Server
let closing: (() => Promise<unknown>)[] = []
const children: ChildProcess[] = []

beforeAll(async () => {
  ;[nats, valkey] = await Promise.all([startNats(), startValkey()])
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  for (const close of closing.reverse()) await close()
  closing = []
})
afterAll(async () => {
  await nats?.stop()
  await valkey?.stop()
})

/** What ran where: one journal for all sharers of a test. */
class Journal {
  readonly running = new Map<string, Set<string>>()
  readonly epochs = new Map<string, number[]>()
  overlaps = 0

  begin(work: string, poller: string, epoch: number): void {
    const there = this.running.get(work) ?? new Set()
    this.running.set(work, there.add(poller))
    if (there.size > 1) this.overlaps += 1
    this.epochs.set(work, [...(this.epochs.get(work) ?? []), epoch])
  }

  end(work: string, poller: string): void {
    this.running.get(work)?.delete(poller)
  }

  /** Pieces by the poller that runs them; undefined unless each runs in exactly one place. */
  places(works: readonly string[]): Map<string, number> | undefined {
    const places = new Map<string, number>()
    for (const work of works) {
      const [only, ...more] = this.running.get(work) ?? []
      if (only === undefined || more.length > 0) return undefined
      places.set(only, (places.get(only) ?? 0) + 1)
    }
    return places
  }
}

async function join(pollerId: string, works: readonly string[], journal: Journal): Promise<Shares> {
  const bus = await connectBus({ url: nats.url, monitorUrl: nats.monitorUrl })
  const bodies = await openBodies('127.0.0.1', '127.0.0.1')
  const leases = connectLeases(valkey.url)
  const claims = await openClaims(bus)
  const requests = createRequests(bus, bodies)
  const shares = openShares({ requests, leases, claims, report: console.error, pollerId })
  for (const work of works) {
    shares.share(work, async ({ epoch, lost }) => {
      journal.begin(work, pollerId, epoch)
      await new Promise<void>((resolve) => {
        if (lost.aborted) resolve()
        lost.addEventListener('abort', () => resolve())
      })
      journal.end(work, pollerId)
    })
  }
  closing.push(async () => {
    await shares.close()
    claims.close()
    await leases.close()
    await bodies.close()
    await bus.close()
  })
  return shares
}

async function eventually(what: () => boolean, withinMs = 30_000): Promise<void> {
  for (const giveUpAt = Date.now() + withinMs; !what(); ) {
    if (Date.now() > giveUpAt) throw new Error('it did not come to that')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const named = (prefix: string) => Array.from({ length: 12 }, (_, index) => `${prefix}-${index}`)

test('work spreads as pollers join, comes back as they leave, and never runs twice', async () => {
  const works = named('spread')
  const journal = new Journal()
  await join('a', works, journal)
  await eventually(() => journal.places(works)?.get('a') === 12)
  const b = await join('b', works, journal)
  const c = await join('c', works, journal)
  await eventually(() => journal.places(works)?.size === 3)
  const spread = journal.places(works)
  await b.close()
  await c.close()
  await eventually(() => journal.places(works)?.get('a') === 12)
  expect([...(spread?.values() ?? [])].every((count) => count < 12)).toBe(true)
  expect(journal.overlaps).toBe(0)
  for (const epochs of journal.epochs.values()) {
    expect(epochs).toEqual([...epochs].sort((x, y) => x - y))
    expect(new Set(epochs).size).toBe(epochs.length)
  }
})

test('a Valkey that forgets everything makes no epoch go back', async () => {
  const works = named('forgotten')
  const journal = new Journal()
  await join('a', works, journal)
  await join('b', works, journal)
  await eventually(() => journal.places(works)?.size === 2)
  const before = new Map([...journal.epochs].map(([work, epochs]) => [work, Math.max(...epochs)]))
  await flush(valkey)
  const c = await join('c', works, journal)
  await eventually(() => journal.places(works)?.size === 3)
  await flush(valkey)
  await c.close()
  await eventually(() => journal.places(works)?.size === 2)
  for (const [work, epochs] of journal.epochs) {
    const later = epochs.filter((epoch) => epoch > (before.get(work) ?? 0))
    expect(later).toEqual([...later].sort((x, y) => x - y))
    expect(Math.max(...epochs)).toBe(epochs.at(-1))
  }
})

test('what a killed poller did is taken over within seconds', async () => {
  const works = named('killed')
  const journal = new Journal()
  const child = spawnSharer('doomed', works)
  await eventually(() => child.began.size === 12)
  await join('heir', works, journal)
  await eventually(() => (journal.places(works.filter(runsHere(journal)))?.get('heir') ?? 0) > 0)
  child.process.kill('SIGKILL')
  const killedAt = Date.now()
  await eventually(() => journal.places(works)?.get('heir') === 12)
  expect(Date.now() - killedAt).toBeLessThan(15_000)
  for (const work of works) {
    expect(journal.epochs.get(work)?.at(-1)).toBeGreaterThan(child.began.get(work) ?? 0)
  }
})

const runsHere = (journal: Journal) => (work: string) => journal.running.has(work)

/** A sharer in a process of its own, which says what it begins. */
function spawnSharer(pollerId: string, works: readonly string[]) {
  const at = (path: string) => JSON.stringify(new URL(path, import.meta.url))
  const program = `
    import { openClaims as openBodies } from ${at('../../bus/src/claims.ts')}
    import { connectBus } from ${at('../../bus/src/connect.ts')}
    import { createRequests } from ${at('../../bus/src/requests.ts')}
    import { connectLeases } from ${at('../../leases/src/connect.ts')}
    import { openClaims } from ${at('../../store/src/claims.ts')}
    import { openShares } from ${at('./shares.ts')}
    const bus = await connectBus(${JSON.stringify({ url: nats.url, monitorUrl: nats.monitorUrl })})
    const shares = openShares({
      requests: createRequests(bus, await openBodies('127.0.0.1', '127.0.0.1')),
      leases: connectLeases(${JSON.stringify(valkey.url)}),
      claims: await openClaims(bus),
      pollerId: ${JSON.stringify(pollerId)},
      report: console.error,
    })
    for (const work of ${JSON.stringify(works)}) shares.share(work, async ({ epoch, lost }) => {
      console.log(work, epoch)
      await new Promise((resolve) => lost.addEventListener('abort', resolve))
    })`
  const process_ = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(process_)
  const began = new Map<string, number>()
  process_.stdout.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().trim().split('\n')) {
      const [work = '', epoch] = line.split(' ')
      began.set(work, Number(epoch))
    }
  })
  return { process: process_, began }
}
