// What a day remembers of provisioned concurrency: each period once, and no more than fits a value.

import { expect, test } from 'vitest'
import { HeldPeriods } from './held-periods.ts'

test('each period is taken once, by whoever has it from what is stored', () => {
  const first = new HeldPeriods()
  const take = (held: HeldPeriods, ...periods: number[]) =>
    periods.filter((period) => held.take({ configuration: 'a', period }))
  expect(take(first, 7, 7, 8, 6)).toEqual([7, 8])
  const second = new HeldPeriods(JSON.parse(JSON.stringify(first.stored())))
  expect(second.next('a')).toBe(9)
  expect(take(second, 0, 8, 9, 9)).toEqual([9])
})

test('of too many the one that was charged longest ago is left to the ledger', () => {
  const held = new HeldPeriods({}, 2)
  for (const configuration of ['a', 'b', 'a', 'c']) {
    held.take({ configuration, period: held.next(configuration) ?? 0 })
  }
  expect(held.stored()).toEqual({ a: 2, c: 1 })
})
