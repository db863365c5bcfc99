// How far back a page looks, and how long, through a log that spans days: what it read, what it
// found, and whether whoever goes on from there misses or repeats anything.

import { afterEach, expect, test, vi } from 'vitest'
import type { LogLines, StoredBatch } from './log-lines.ts'
import { pageBackward } from './log-pages.ts'

const MINUTE_MS = 60_000
const NEWEST = 1_000_000 * MINUTE_MS
const question = { account: '000000000000', group: '/g', limit: 5 }

/** Time passes as batches are read, and no faster. */
let clock = 0
vi.spyOn(performance, 'now').mockImplementation(() => clock)
afterEach(() => {
  clock = 0
})

/** One line each ten minutes, the oldest first, and the sequences that were read. */
function logOf(count: number, msEach = 0) {
  const all = Array.from({ length: count }, (_, index): StoredBatch => {
    const timestamp = NEWEST - (count - 1 - index) * 10 * MINUTE_MS
    const events = [{ timestamp, message: String(index) }]
    return { sequence: index + 1, storedAt: timestamp, stream: 's', events }
  })
  const read: number[] = []
  const lines: Pick<LogLines, 'batches' | 'first' | 'last' | 'timeOf'> = {
    first: async () => all[0],
    last: async () => all.at(-1),
    timeOf: async (sequence) => all[sequence - 1]?.storedAt,
    async *batches(_, { time = 0 }) {
      for (const batch of all.filter(({ storedAt }) => storedAt >= time)) {
        clock += msEach
        read.push(batch.sequence)
        yield batch
      }
    },
  }
  return { lines: lines as LogLines, read }
}
const textsOf = (events: { message: string }[]) => events.map(({ message }) => message)

test('a page backward reads what it needs, and hardly anything twice', async () => {
  const { lines, read } = logOf(1_000)
  const { events, ...page } = await pageBackward(lines, question)
  expect(textsOf(events)).toEqual(['995', '996', '997', '998', '999'])
  expect(page).toMatchObject({ isEnd: false })
  expect(page).not.toHaveProperty('lookedBackTo')
  expect(read.length).toBeLessThan(12)
  const all = await pageBackward(lines, { ...question, isWanted: () => false })
  expect([all.events, all.isEnd, all.lookedBackTo]).toEqual([[], true, undefined])
  // Each look but the first ends at the first batch of the one before.
  expect(read.length).toBeLessThan(1_000 + 30)
})

test('a page of which more lines are there than fit is not the end', async () => {
  const { lines } = logOf(1)
  const batch = await lines.last({ account: '', group: '' })
  for (let count = 1; count < 11; count += 1) batch?.events.push({ ...batch.events[0] } as never)
  const page = await pageBackward(lines, question)
  expect([page.events.length, page.isEnd]).toEqual([5, false])
  const last = await pageBackward(lines, question, { before: { sequence: 1, index: 3 } })
  expect([last.events.length, last.isEnd]).toEqual([3, true])
})

test('a look whose time is over tells how far it came, and another goes on from there', async () => {
  const { lines, read } = logOf(200, 1)
  const isWanted = (_: string, message: string) => Number(message) % 50 === 0
  const found: string[] = []
  let storedBefore: number | undefined
  let looks = 0
  for (let isEnd = false; !isEnd; looks += 1) {
    read.length = 0
    const look = { msMax: 20, ...(storedBefore !== undefined && { storedBefore }) }
    const page = await pageBackward(lines, { ...question, isWanted }, look)
    found.unshift(...textsOf(page.events))
    isEnd = page.isEnd
    expect(page.lookedBackTo === undefined).toBe(isEnd)
    expect(page.lookedBackTo ?? 0).toBeLessThan(storedBefore ?? NEWEST)
    expect(read.length).toBeLessThan(25)
    storedBefore = page.lookedBackTo
  }
  expect(found).toEqual(['0', '50', '100', '150'])
  expect(looks).toBeGreaterThan(3)
})

test('a look goes on even where there is no time at all', async () => {
  const { lines } = logOf(30, 1)
  const none = { ...question, isWanted: () => false }
  const { lookedBackTo = 0, isEnd } = await pageBackward(lines, none, { msMax: 0 })
  expect([isEnd, lookedBackTo]).toEqual([false, NEWEST - MINUTE_MS])
  const next = await pageBackward(lines, none, { msMax: 0, storedBefore: lookedBackTo })
  expect(next.lookedBackTo).toBe(lookedBackTo - MINUTE_MS)
})
