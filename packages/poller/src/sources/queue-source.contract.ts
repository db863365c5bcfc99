// What every queue keeps to, on its real server: all that is sent is received, what is settled is
// gone, what is released comes back, what is extended stays away, and what waits is counted.

import type { EventSourceMapping } from '@hearth/core/event-source-mapping'
import { expect, test } from 'vitest'
import type { QueueRecord, QueueSource } from './source.ts'

export interface QueueRig {
  send(bodies: readonly string[]): Promise<void>
  open(): Promise<QueueSource>
  bodyOf(record: QueueRecord): string
}

/** A mapping with nothing special about it, for tests. */
export function mappingOf(facts: Partial<EventSourceMapping>): EventSourceMapping {
  return {
    uuid: crypto.randomUUID(),
    account: '000000000000',
    functionName: 'f',
    kind: 'sqs',
    enabled: true,
    state: 'Enabled',
    stateReason: 'User action',
    modifiedAt: 0,
    generation: 1,
    resets: 0,
    batchSize: 10,
    batchingWindowSeconds: 0,
    filters: [],
    reportsItemFailures: false,
    parallelizationFactor: 1,
    retriesMax: -1,
    recordAgeSecondsMax: -1,
    bisects: false,
    tumblingWindowSeconds: 0,
    tags: {},
    echoed: {},
    ...facts,
  }
}

const { signal } = new AbortController()
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Receives until there are so many, or nothing came for a while. */
export async function receiveAll(
  source: QueueSource,
  count: number,
  withinMs = 20_000,
): Promise<QueueRecord[]> {
  const records: QueueRecord[] = []
  for (const giveUpAt = Date.now() + withinMs; records.length < count; ) {
    if (Date.now() > giveUpAt) break
    records.push(...(await source.receive({ max: count, waitMs: 1_000, signal })))
  }
  return records
}

/** @param start gives a queue of its own to each test. */
export function keepsQueueContract(start: () => Promise<QueueRig>): void {
  const opened = async () => {
    const rig = await start()
    return { ...rig, source: await rig.open() }
  }
  receives(opened)
  takesBack(opened)
}

type Opened = () => Promise<QueueRig & { source: QueueSource }>

function receives(opened: Opened): void {
  test('everything that is sent is received, and what is settled is gone', async () => {
    const { source, send, bodyOf } = await opened()
    const bodies = Array.from({ length: 25 }, (_, index) => `body ${index}`)
    await send(bodies)
    const records = await receiveAll(source, 25)
    expect(records.map(bodyOf).sort()).toEqual([...bodies].sort())
    expect(new Set(records.map(({ id }) => id)).size).toBe(25)
    for (const { size, event } of records) expect(size).toBe(JSON.stringify(event).length)
    await source.settle(records)
    expect(await receiveAll(source, 1, 3_000)).toEqual([])
    await source.close()
  })

  test('what is there is handed out at once, and waiting ends when something comes', async () => {
    const { source, send } = await opened()
    await send(['one', 'two'])
    const startedAt = Date.now()
    const records = await source.receive({ max: 10, waitMs: 15_000, signal })
    expect(records.length).toBeGreaterThan(0)
    expect(Date.now() - startedAt).toBeLessThan(5_000)
    await source.settle([...records, ...(await receiveAll(source, 2 - records.length))])
    const waiting = source.receive({ max: 10, waitMs: 15_000, signal })
    await pause(500)
    await send(['three'])
    const later = await waiting
    expect(later.length).toBe(1)
    expect(Date.now() - startedAt).toBeLessThan(14_000)
    await source.settle(later)
    await source.close()
  })

  test('waiting for nothing ends in time, and soon when it is given up', async () => {
    const { source } = await opened()
    const startedAt = Date.now()
    expect(await source.receive({ max: 10, waitMs: 1_000, signal })).toEqual([])
    expect(Date.now() - startedAt).toBeLessThan(4_000)
    const giveUp = new AbortController()
    const waiting = source.receive({ max: 10, waitMs: 20_000, signal: giveUp.signal })
    setTimeout(() => giveUp.abort(), 300)
    await waiting.catch(() => [])
    expect(Date.now() - startedAt).toBeLessThan(10_000)
    await source.close()
  })
}

function takesBack(opened: Opened): void {
  test('what failed comes back, and says so', async () => {
    const { source, send, bodyOf } = await opened()
    await send(['good', 'bad'])
    const records = await receiveAll(source, 2)
    const bad = records.filter((record) => bodyOf(record) === 'bad')
    await source.settle(records.filter((record) => bodyOf(record) === 'good'))
    await source.release(bad, 'failed')
    const again = await receiveAll(source, 1)
    expect(again.map(bodyOf)).toEqual(['bad'])
    expect(again[0]?.id).toBe(bad[0]?.id)
    await source.settle(again)
    expect(await receiveAll(source, 1, 3_000)).toEqual([])
    await source.close()
  })

  test('what nobody tried comes back at once, to whoever asks', async () => {
    const { source, open, send, bodyOf } = await opened()
    await send(['a', 'b', 'c'])
    const records = await receiveAll(source, 3)
    await source.extend(records, 30)
    await source.release(records, 'untried')
    await source.close()
    const next = await open()
    const startedAt = Date.now()
    const again = await receiveAll(next, 3)
    expect(again.map(bodyOf).sort()).toEqual(['a', 'b', 'c'])
    expect(Date.now() - startedAt).toBeLessThan(3_000)
    await next.settle(again)
    await next.close()
  })

  test('what is extended stays away for as long as it is', async () => {
    const { source, send } = await opened()
    await send(['slow'])
    const records = await receiveAll(source, 1)
    for (let turn = 0; turn < 2; turn += 1) {
      await source.extend(records, 30)
      expect(await receiveAll(source, 1, 2_500)).toEqual([])
    }
    await source.settle(records)
    await source.close()
  })

  test('what waits is counted', async () => {
    const { source, send } = await opened()
    expect(await source.backlog()).toBe(0)
    await send(['a', 'b', 'c', 'd'])
    expect(await source.backlog()).toBe(4)
    const records = await receiveAll(source, 4)
    await source.settle(records)
    expect(await source.backlog()).toBe(0)
    await source.close()
  })
}
