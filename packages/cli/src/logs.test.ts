// Laws of following a log: each line once, none missed, however they arrive.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LATE_MS, type Line, Place } from './logs.ts'

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
