// An attempt counts once, however often it was made and in whatever order it is told: by restarts
// that send a segment again, and by pollers that died with an event in hand.

import type { InvocationRecord } from '@hearth/core/invocation'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { attemptOf, isWork } from './billing.ts'
import { recordOf } from './records-harness.ts'
import { SeenAttempts } from './seen-attempts.ts'

const record = (requestId: string, changes: Partial<InvocationRecord> = {}) =>
  recordOf({ requestId, startedAt: 1_000_000, ...changes })

/** As the metering role does it, by another holder at each segment. */
function requests(segments: InvocationRecord[][]): number {
  let seen = new SeenAttempts()
  let count = 0
  for (const [index, records] of segments.entries()) {
    const earlier = segments.slice(0, index).flat().filter(isWork).map(attemptOf)
    const sought = seen.doubtful({ records }).map(attemptOf)
    const counted = new Set(sought.filter((name) => earlier.includes(name)))
    count += records.filter((one) => seen.count(one, counted)).length
    seen.tidy({ records })
    seen = new SeenAttempts(seen.stored())
  }
  return count
}

const others = (count: number, name: string) =>
  Array.from({ length: count }, (_, index) => record(`${name}-${index}`))

test('a crash and the same attempt made again count once', () => {
  const crashed = record('a', { outcome: 'crashed', billedMs: 0 })
  expect(requests([[crashed], [record('a', { againSince: 1 })]])).toBe(1)
})

test('an attempt made again long after the first counts once', () => {
  const again = record('a', { againSince: 1 })
  expect(requests([[record('a')], others(5_000, 'b'), [again]])).toBe(5_001)
})

test('what falls out of the recent within a segment is known to the end of it', () => {
  const again = record('a', { againSince: 1 })
  const segments = [[record('a')], others(1_990, 'b'), [...others(20, 'c'), again]]
  expect(requests(segments)).toBe(2_011)
})

test('the first may be told long after the second', () => {
  const again = record('a', { againSince: 1 })
  expect(requests([[again], others(5_000, 'b'), [record('a')]])).toBe(5_001)
})

test('attempts of one event count each', () => {
  expect(requests([[record('a'), record('a', { attempt: 2 })]])).toBe(2)
})

test('what is remembered of repetitions is bounded by a day and by number', () => {
  const seen = new SeenAttempts()
  const day = 24 * 3_600_000
  const records = others(25_000, 'a').map((one) => ({ ...one, againSince: 1 }))
  for (const one of records) seen.count(one)
  seen.tidy({ records })
  expect(Object.keys(seen.stored().repeated)).toHaveLength(20_000)
  expect(seen.stored().recent).toHaveLength(2_000)
  seen.tidy({ records: [record('b', { startedAt: 1_000_000 + day })] })
  expect(seen.stored().repeated).toEqual({})
})

test('whatever is repeated and however it is cut into segments, each attempt counts once', () => {
  const made = fc.record({ id: fc.integer({ min: 0, max: 20 }), again: fc.boolean() })
  fc.assert(
    fc.property(fc.array(fc.array(made, { maxLength: 8 }), { maxLength: 12 }), (cut) => {
      const segments = cut.map((part) =>
        part.map(({ id, again }) => record(String(id), again ? { againSince: 1 } : {})),
      )
      expect(requests(segments)).toBe(new Set(segments.flat().map(attemptOf)).size)
    }),
  )
})
