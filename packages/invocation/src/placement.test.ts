// Ranking: the same everywhere, well spread, and little moved when a scheduler comes or goes.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rank } from './placement.ts'

const schedulers = (ids: readonly string[]) =>
  ids.map((schedulerId) => ({ schedulerId, draining: false }))
const ids = fc.uniqueArray(fc.stringMatching(/^[a-z0-9]{1,6}$/), { minLength: 1, maxLength: 8 })

test('does not depend on the order of the candidates', () => {
  fc.assert(
    fc.property(ids, fc.uuid(), (names, deployment) => {
      const forward = rank(deployment, schedulers(names)).map((one) => one.schedulerId)
      const backward = rank(deployment, schedulers([...names].reverse())).map(
        (one) => one.schedulerId,
      )
      expect(forward).toEqual(backward)
      expect([...forward].sort()).toEqual([...names].sort())
    }),
  )
})

test('leaves out those that drain', () => {
  const [first, second] = schedulers(['a', 'b'])
  if (!first || !second) throw new Error('two were made')
  expect(rank('d', [{ ...first, draining: true }, second])).toEqual([second])
  expect(rank('d', [{ ...first, draining: true }])).toEqual([])
})

test('moves no deployment but those whose home is gone', () => {
  fc.assert(
    fc.property(
      ids.filter((names) => names.length > 1),
      fc.uuid(),
      (names, deployment) => {
        const [home] = rank(deployment, schedulers(names))
        const without = names.filter((name) => name !== names[0])
        const [next] = rank(deployment, schedulers(without))
        if (home?.schedulerId !== names[0]) expect(next).toEqual(home)
      },
    ),
  )
})

test('spreads deployments evenly', () => {
  const all = schedulers(['one', 'two', 'three', 'four'])
  const counts = new Map<string, number>()
  for (let n = 0; n < 4000; n += 1) {
    const home = rank(`deployment-${n}`, all)[0]?.schedulerId ?? ''
    counts.set(home, (counts.get(home) ?? 0) + 1)
  }
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150)
})
