// The roll-up as a whole: segments into books, whoever dies between any two writes. An attempt
// counts once, however often it was made, in whatever order it is told, and on its own day.

import { ledgerSubject, provisionedSubject } from '@hearth/bus/messages'
import type { InvocationRecord } from '@hearth/core/invocation'
import { PROVISIONED_PERIOD_MS } from '@hearth/core/provisioned-charge'
import type { DayKey, UseTotals } from '@hearth/store/use-totals'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { attemptOf, dayOf, isWork } from './billing.ts'
import { Books } from './books.ts'
import { recordOf } from './records-harness.ts'

const account = '000000000000'
const subject = ledgerSubject('s', '1', 0)
const DAY_MS = 86_400_000
const START = Date.UTC(2026, 10, 29, 23)

class Killed extends Error {}

/** What NATS would keep, in memory; `writesLeft` is how many more writes its user lives to see. */
class Kept implements UseTotals {
  readonly #values = new Map<string, { text: string; revision: number }>()
  #revision = 0
  writesLeft = Number.POSITIVE_INFINITY
  formerTotals: unknown

  #get<T>(key: string) {
    const found = this.#values.get(key)
    return found && { value: JSON.parse(found.text) as T, revision: found.revision }
  }

  #put(key: string, value: unknown, revision: number | undefined): number | 'stale' {
    if (this.writesLeft-- <= 0) throw new Killed()
    if (this.#values.get(key)?.revision !== revision) return 'stale'
    this.#revision += 1
    this.#values.set(key, { text: JSON.stringify(value), revision: this.#revision })
    return this.#revision
  }

  head = async <T>() => this.#get<T>('head')
  putHead = async (value: unknown, revision: number | undefined) =>
    this.#put('head', value, revision)
  day = async <T>({ account: of, day }: DayKey) => this.#get<T>(`${of}/${day}`)
  putDay = async (at: DayKey, value: unknown, revision: number | undefined) =>
    this.#put(`${at.account}/${at.day}`, value, revision)
  dropDay = async (at: DayKey) => void this.#values.delete(`${at.account}/${at.day}`)
  allDays = async () =>
    [...this.#values.keys()]
      .filter((key) => key !== 'head')
      .map((key) => ({ account: key.split('/')[0] ?? '', day: key.split('/')[1] ?? '' }))
  days = async (of: string, month = '') =>
    (await this.allDays()).filter((at) => at.account === of && at.day.startsWith(month))
  former = async <T>() => this.formerTotals as T | undefined
  bytes = async () => 0
}

interface Life {
  /** Segments that it takes before it stores, and writes after which it is killed. */
  takes: number
  writes: number
}

/** Books kept by one holder after another, each of which is killed but the last. */
async function keep(segments: InvocationRecord[][], lives: readonly Life[]): Promise<Kept> {
  const kept = new Kept()
  for (const { takes, writes } of [...lives, { takes: 2, writes: Number.POSITIVE_INFINITY }]) {
    kept.writesLeft = writes
    await live(kept, segments, takes).catch((error) => {
      if (!(error instanceof Killed)) throw error
    })
  }
  return kept
}

async function live(kept: Kept, segments: InvocationRecord[][], takes: number): Promise<void> {
  const books = await Books.open(kept)
  while (books.position < segments.length) {
    for (let count = 0; count < takes && books.position < segments.length; count += 1) {
      const index = books.position
      const segment = { records: segments[index] ?? [] }
      const names = new Set(books.doubtful(segment).map(attemptOf))
      const earlier = segments.slice(0, index).flat().filter(isWork).map(attemptOf)
      const counted = new Set(earlier.filter((name) => names.has(name)))
      await books.take({ sequence: index + 1, subject, segment }, counted)
    }
    await books.store()
  }
}

const made = fc.record({
  id: fc.nat(30),
  again: fc.boolean(),
  isCrashed: fc.boolean(),
  tenant: fc.constantFrom('', 'a', 'b'),
})
const cut = fc.array(fc.array(made, { maxLength: 8 }), { maxLength: 10 })
const lives = fc.array(fc.record({ takes: fc.integer({ min: 1, max: 4 }), writes: fc.nat(9) }), {
  maxLength: 5,
})

test('whoever dies between any two writes, each attempt counts once and on its day', async () => {
  await fc.assert(
    fc.asyncProperty(cut, lives, async (parts, killed) => {
      const segments = parts.map((part) =>
        part.map(({ id, again, isCrashed }) =>
          recordOf({
            requestId: String(id),
            startedAt: START + (id % 31) * DAY_MS,
            ...(again && { againSince: 1 }),
            ...(isCrashed && { outcome: 'crashed' }),
          }),
        ),
      )
      const books = await Books.open(await keep(segments, killed))
      const expected = new Map<string, Set<string>>()
      for (const record of segments.flat().filter(isWork)) {
        const day = dayOf(record)
        expected.set(day, (expected.get(day) ?? new Set()).add(attemptOf(record)))
      }
      const lines = [
        ...(await books.byDay(account, '2026-11')),
        ...(await books.byDay(account, '2026-12')),
      ]
      const found = lines.map(({ day, requests }) => [day, requests])
      expect(found).toEqual([...expected].map(([day, names]) => [day, names.size]).sort())
    }),
    { numRuns: 300 },
  )
})

describe('books', () => {
  const segment = (requestId: string, changes: Partial<InvocationRecord> = {}) => ({
    records: [recordOf({ requestId, startedAt: START, ...changes })],
  })

  test('answer for what is not stored yet, and tell what has been once it is', async () => {
    const kept = new Kept()
    const books = await Books.open(kept)
    const sums = async () =>
      (await books.byMonth(account, '2026-11')).map(({ alias, requests }) => [alias, requests])
    expect(await sums()).toEqual([])
    await books.take({ sequence: 1, subject, segment: segment('a', { alias: 'live' }) })
    await books.take({ sequence: 1, subject, segment: segment('b') })
    await books.take({ sequence: 2, subject, segment: segment('c', { tenantId: 't' }) })
    expect(await sums()).toEqual([
      ['live', 1],
      ['', 1],
    ])
    const heard: number[] = []
    const hear = (_: string, lines: Iterable<{ requests: number }>) =>
      heard.push(...[...lines].map(({ requests }) => requests))
    await books.store(hear)
    await books.store(hear)
    expect(heard).toEqual([1, 1])
    expect(await (await Books.open(kept)).byMonth(account, '2026-11')).toHaveLength(2)
  })

  test('of a holder that was overtaken are refused', async () => {
    const kept = new Kept()
    const [slow, quick] = [await Books.open(kept), await Books.open(kept)]
    for (const books of [slow, quick])
      await books.take({ sequence: 1, subject, segment: segment('a') })
    await quick.store()
    await expect(slow.store()).rejects.toThrow('another process has moved the books on')
  })

  test('know few days at a time, and all of them', async () => {
    const books = await Books.open(new Kept())
    const days = 40
    for (let day = 0; day < days; day += 1) {
      const startedAt = Date.UTC(2026, 0, 1) + day * DAY_MS
      await books.take({ sequence: day + 1, subject, segment: segment(`${day}`, { startedAt }) })
    }
    expect(await books.months(account)).toEqual(['2026-01', '2026-02'])
    expect(await books.byDay(account, '2026-01')).toHaveLength(31)
    const { position, months } = await books.everything()
    expect(position).toBe(days)
    expect([...months].map(([key, lines]) => [key, lines[0]?.requests])).toEqual([
      [`${account}/2026-01`, 31],
      [`${account}/2026-02`, 9],
    ])
  })

  test('outlive a clock that is years ahead, and are bounded all the same', async () => {
    const kept = new Kept()
    let books = await Books.open(kept)
    const days = 1_300
    const first = Date.UTC(2020, 0, 1)
    for (let day = 0; day < days; day += 1) {
      const startedAt = first + day * DAY_MS
      await books.take({ sequence: day + 1, subject, segment: segment(`${day}`, { startedAt }) })
    }
    await books.store()
    const count = async () => (await kept.days(account)).length
    expect(await count()).toBeLessThan(1_220)
    const before = await count()
    books = await Books.open(kept)
    const startedAt = Date.UTC(2090, 0, 1)
    await books.take({ sequence: days + 1, subject, segment: segment('early', { startedAt }) })
    await books.store()
    expect(await count()).toBeGreaterThan(before - 20)
    expect(await (await Books.open(kept)).byDay(account, '2023-07')).toHaveLength(23)
  })

  test('go on from what an earlier Hearth kept, however often they are opened', async () => {
    const kept = new Kept()
    kept.formerTotals = {
      position: 7,
      use: {
        [`${account}/2026-11/f/arm64`]: { requests: 5, mbMs: 50, storageMbMs: 0 },
        [`${account}/2026-10/g/x86_64`]: { requests: 1, mbMs: 2, storageMbMs: 3, streamedBytes: 4 },
      },
      recent: ['old#1'],
    }
    kept.writesLeft = 1
    await expect(Books.open(kept)).rejects.toThrow(Killed)
    kept.writesLeft = Number.POSITIVE_INFINITY
    const books = await Books.open(kept)
    expect(books.position).toBe(7)
    await books.take({ sequence: 8, subject, segment: segment('old') })
    await books.take({ sequence: 9, subject, segment: segment('new') })
    await books.store()
    const again = await Books.open(kept)
    const lines = await again.byDay(account, '2026-11')
    expect(lines.map(({ day, functionName, requests }) => [day, functionName, requests])).toEqual([
      ['2026-11-00', 'f', 5],
      ['2026-11-29', 'f', 1],
    ])
    expect((await again.byMonth(account, '2026-10'))[0]).toMatchObject({ streamedBytes: 4 })
  })
  test('count a period of provisioned concurrency once, whoever ships it again', async () => {
    const kept = new Kept()
    const durationMs = PROVISIONED_PERIOD_MS
    const owner = { account, functionName: 'p', version: '1', memoryMb: 1024, count: 1 }
    const take = (books: Books, sequence: number, period: number, configuration = 'id') => {
      const startedAt = START + period * durationMs
      const record = { ...owner, architecture: 'arm64' as const, startedAt, durationMs }
      return books.take({
        ...{ sequence, subject: provisionedSubject(configuration, period) },
        segment: { records: [], provisioned: [record] },
      })
    }
    const periods = async (books: Books) => {
      const [line] = await books.byMonth(account, '2026-11')
      return (line?.configuredMbMs ?? 0) / durationMs / 1024
    }
    const first = await Books.open(kept)
    // To one o'clock of the next day.
    for (let period = 0; period < 24; period += 1) await take(first, period + 1, period)
    expect(await periods(first)).toBe(24)
    await first.store()
    // The ledger has let them go, and one who was paused for long goes on where he was.
    const second = await Books.open(kept)
    for (const period of [3, 4, 23, 24]) await take(second, 30 + period, period)
    await take(second, 60, 3, 'other')
    expect(await periods(second)).toBe(26)
    await second.store()
    const third = await Books.open(kept)
    const begunOn = new Map(['id', 'other', 'new'].map((id) => [id, '2026-11-29']))
    const next = [
      ['id', 25],
      ['other', 4],
    ]
    expect([...(await third.nextPeriods(account, begunOn))]).toEqual(next)
    expect([...(await third.nextPeriods('another', begunOn))]).toEqual([])
  })
})
