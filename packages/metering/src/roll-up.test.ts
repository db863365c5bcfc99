// An attempt counts once, however often it was made and in whatever order it is told: by restarts
// that send a segment again, and by pollers that died with an event in hand.

import type { InvocationRecord } from '@hearth/core/invocation'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { attemptOf, doubtful, isWork, NO_TOTALS, rollUp, type Totals } from './roll-up.ts'

const record = (requestId: string, changes: Partial<InvocationRecord> = {}): InvocationRecord => ({
  requestId,
  attempt: 1,
  account: '000000000000',
  functionName: 'f',
  version: '$LATEST',
  architecture: 'x86_64',
  memoryMb: 128,
  ephemeralStorageMb: 512,
  startedAt: 1_000_000,
  durationMicroseconds: 0,
  initMicroseconds: 0,
  billedMs: 10,
  start: 'warm',
  outcome: 'success',
  ...changes,
})

/** As the metering role does it: what is doubtful is looked for in what went before. */
function keep(segments: InvocationRecord[][]): Totals {
  let totals = NO_TOTALS
  for (const [index, records] of segments.entries()) {
    const earlier = segments.slice(0, index).flat().filter(isWork).map(attemptOf)
    const sought = doubtful(totals, { records }).map(attemptOf)
    const counted = new Set(sought.filter((name) => earlier.includes(name)))
    totals = rollUp(totals, { sequence: index + 1, segment: { records } }, counted)
  }
  return totals
}

const requests = (totals: Totals) =>
  Object.values(totals.use).reduce((sum, use) => sum + use.requests, 0)
const others = (count: number, name: string) =>
  Array.from({ length: count }, (_, index) => record(`${name}-${index}`))

test('a crash and the same attempt made again count once', () => {
  const crashed = record('a', { outcome: 'crashed', billedMs: 0 })
  expect(requests(keep([[crashed], [record('a', { againSince: 1 })]]))).toBe(1)
})

test('an attempt made again long after the first counts once', () => {
  const again = record('a', { againSince: 1 })
  expect(requests(keep([[record('a')], others(5_000, 'b'), [again]]))).toBe(5_001)
})

test('the first may be told long after the second', () => {
  const again = record('a', { againSince: 1 })
  expect(requests(keep([[again], others(5_000, 'b'), [record('a')]]))).toBe(5_001)
})

test('attempts of one event count each', () => {
  expect(requests(keep([[record('a'), record('a', { attempt: 2 })]]))).toBe(2)
})

test('whatever is repeated and however it is cut into segments, each attempt counts once', () => {
  const made = fc.record({ id: fc.integer({ min: 0, max: 20 }), again: fc.boolean() })
  fc.assert(
    fc.property(fc.array(fc.array(made, { maxLength: 8 }), { maxLength: 12 }), (cut) => {
      const segments = cut.map((part) =>
        part.map(({ id, again }) => record(String(id), again ? { againSince: 1 } : {})),
      )
      expect(requests(keep(segments))).toBe(new Set(segments.flat().map(attemptOf)).size)
    }),
  )
})
