// The parts into which schedulers divide provisioned concurrency: together they are the whole.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shareOf } from './tokens.ts'

test('parts add up, differ by one at most, and do not depend on the order', () => {
  const ids = fc.uniqueArray(fc.stringMatching(/^[a-z0-9]{1,6}$/), { minLength: 1, maxLength: 9 })
  fc.assert(
    fc.property(fc.nat(1000), ids, (count, all) => {
      const parts = all.map((id) => shareOf(count, id, all))
      expect(parts.reduce((sum, part) => sum + part, 0)).toBe(count)
      expect(Math.max(...parts) - Math.min(...parts)).toBeLessThanOrEqual(1)
      expect(all.map((id) => shareOf(count, id, [...all].reverse()))).toEqual(parts)
    }),
  )
  expect(shareOf(5, 'stranger', ['a', 'b'])).toBe(0)
})
