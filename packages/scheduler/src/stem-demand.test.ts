// The law of how many stems to hold, as a table and as properties.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DEMAND_MS, type KindDemand, REFILL_MS, stemTargets } from './stem-demand.ts'

const NOW = 10 * DEMAND_MS
const demand = (key: string, asked: number[], isStanding = false): KindDemand => ({
  key,
  isStanding,
  asked: asked.map((ago) => NOW - ago),
})
const targets = (demands: KindDemand[], max = 8) =>
  Object.fromEntries(stemTargets(demands, NOW, max))

test.each<[string, KindDemand[], Record<string, number>]>([
  ['nobody asked', [demand('a', [])], {}],
  ['nobody asked, but it stands', [demand('a', [], true)], { a: 1 }],
  ['one call is followed by one more', [demand('a', [500])], { a: 2 }],
  ['calls far apart need one at a time', [demand('a', [50_000, 30_000, 10])], { a: 2 }],
  ['calls at once need all at once', [demand('a', [1_900, 1_000, 10])], { a: 4 }],
  ['a window slides', [demand('a', [2_500, 2_000, 1_500, 400])], { a: 4 }],
  ['what is long ago is forgotten', [demand('a', [DEMAND_MS, DEMAND_MS])], {}],
])('%s', (_what, demands, expected) => {
  expect(targets(demands)).toEqual(expected)
})

test('the latest asked for comes first, and each kind once before any comes twice', () => {
  const demands = [demand('old', [90, 80, 70]), demand('new', [5, 4]), demand('none', [], true)]
  expect(targets(demands, 1)).toEqual({ new: 1 })
  expect(targets(demands, 3)).toEqual({ new: 1, old: 1, none: 1 })
  expect(targets(demands, 5)).toEqual({ new: 2, old: 2, none: 1 })
  expect(targets(demands, 99)).toEqual({ new: 3, old: 4, none: 1 })
})

test('never more than allowed, and never fewer than a burst took while there is room', () => {
  const ages = fc.array(fc.integer({ min: 0, max: DEMAND_MS - 1 }), { maxLength: 40 })
  fc.assert(
    fc.property(fc.array(ages, { maxLength: 6 }), fc.integer({ min: 0, max: 40 }), (all, max) => {
      const demands = all.map((asked, index) =>
        demand(
          `k${index}`,
          asked.toSorted((a, b) => b - a),
        ),
      )
      const held = stemTargets(demands, NOW, max)
      const sum = [...held.values()].reduce((total, one) => total + one, 0)
      expect(sum).toBeLessThanOrEqual(max)
      if (sum === max) return
      demands.forEach(({ key, asked }) => {
        for (const end of asked) {
          const burst = asked.filter((at) => at <= end && end - at < REFILL_MS).length
          expect(held.get(key)).toBeGreaterThan(burst)
        }
      })
    }),
  )
})
