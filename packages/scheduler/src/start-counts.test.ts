// The last minute's starts: every one is counted for a minute, and none for longer.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { StartCounts } from './start-counts.ts'

const WARM = { start: 'warm' } as const
const FIRST = { start: 'stem', coldReason: 'first invocation' } as const
const BUSY = { start: 'stem', coldReason: 'all environments busy' } as const

test('tells ways and reasons apart, and leaves out what did not happen', () => {
  const counts = new StartCounts()
  for (const one of [WARM, FIRST, WARM, BUSY, WARM]) counts.add(one, 5_000)
  expect(counts.list(5_900)).toEqual([
    { start: 'warm', count: 3 },
    { ...FIRST, count: 1 },
    { ...BUSY, count: 1 },
  ])
  expect(counts.list(64_999)).toHaveLength(3)
  expect(counts.list(65_000)).toEqual([])
})

test('counts what a list of all times would', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 90_000 }), { maxLength: 60 }), (steps) => {
      const counts = new StartCounts()
      let now = 1_000
      const times: number[] = []
      for (const step of steps) {
        now += step
        times.push(now)
        counts.add(WARM, now)
        const second = Math.floor(now / 1000)
        const expected = times.filter((at) => second - Math.floor(at / 1000) < 60).length
        expect(counts.list(now)).toEqual([{ start: 'warm', count: expected }])
      }
    }),
  )
})
