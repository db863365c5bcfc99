// Laws of following a log: each line once, none missed, however they arrive.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LATE_MS, type Line, Place, toneOf } from './logs.ts'

const line = (id: string, timestamp: number): Line => ({ id, timestamp, message: id })

test('shows a late line, and none twice', () => {
  const place = new Place(1_000)
  const early = line('a', 100_000)
  const late = line('late', 100_000 - LATE_MS)
  expect(place.take([early])).toEqual([early])
  expect(place.take([late, early, line('b', 100_001)]).map(({ id }) => id)).toEqual(['late', 'b'])
  expect(place.take([early, line('b', 100_001)])).toEqual([])
})

test('goes on from the newest line, not from our clock', () => {
  const place = new Place(5_000)
  place.take([])
  expect(place.from).toBe(5_000)
  place.take([line('a', 6_000)])
  expect(place.from).toBe(5_000)
  place.take([line('b', 5_000 + 2 * LATE_MS)])
  expect(place.from).toBe(5_000 + LATE_MS)
})

test('shows every line exactly once when none is later than allowed', () => {
  const written = fc.record({
    timestamp: fc.nat(200_000),
    delay: fc.nat(LATE_MS - 1_000),
  })
  fc.assert(
    fc.property(fc.array(written, { maxLength: 60 }), (lines) => {
      const all = lines.map((one, index) => ({ ...one, ...line(`${index}`, one.timestamp) }))
      const place = new Place(0)
      const shown: string[] = []
      for (let now = 0; now <= 220_000; now += 1_000) {
        const visible = all.filter(
          ({ timestamp, delay }) => timestamp >= place.from && timestamp + delay <= now,
        )
        shown.push(...place.take(visible).map(({ id }) => id))
      }
      expect(shown.sort()).toEqual(all.map(({ id }) => id).sort())
    }),
  )
})

test.each([
  ['START RequestId: r Version: $LATEST', 'dim'],
  ['REPORT RequestId: r\tDuration: 1.00 ms\t', 'dim'],
  ['REPORT RequestId: r\tDuration: 1.00 ms\tStatus: timeout\t', 'red'],
  ['EXTENSION\tName: x\tState: Ready\tEvents: []', 'dim'],
  ['{"time":"t","type":"platform.start","record":{}}', 'dim'],
  ['{"time":"t","type":"platform.report","record":{"status":"error"}}', 'red'],
  ['2026-01-01T00:00:00.000Z\tr\tERROR\tno good', 'red'],
  ['2026-01-01T00:00:00.000Z\tr\tWARN\tnot so good', 'yellow'],
  ['[WARNING]\t2026-01-01T00:00:00.000Z\tr\tnot so good', 'yellow'],
  ['{"timestamp":"t","level":"ERROR","message":"no good"}', 'red'],
  ['an ERROR is only a word here', undefined],
])('%j is %s', (line, tone) => {
  expect(toneOf(line)).toBe(tone)
})
