// The throttles of an hour, put together from what doors tell: each door once, for the question
// that was asked, and functions that never came to a scheduler among the others.

import type { DoorThrottles } from '@hearth/bus/figures'
import { expect, test } from 'vitest'
import { gatherThrottles, withThrottles } from './door-throttles.ts'
import { addUp } from './history.ts'

const MINUTE = 60_000
const door = (changes: Partial<DoorThrottles>): DoorThrottles => ({
  ...{ doorId: 'a', minutes: [], functions: [] },
  ...changes,
})

test('each door that tells counts once, and answers to another question do not', async () => {
  const requests = {
    subscribe: (_: string, hear: (answer: never) => void) => {
      const answers = [
        door({ functions: [['f', 1]] }),
        door({ functionName: 'f', minutes: [[1, 9]] }),
        door({ functions: [['f', 2]] }),
        door({ doorId: 'b', functions: [['f', 4]] }),
      ]
      for (const one of answers) hear(one as never)
      return { close: () => {} }
    },
    publish: () => {},
  }
  const told = await gatherThrottles(requests as never, {})
  expect(told.map(({ functions }) => functions)).toEqual([[['f', 2]], [['f', 4]]])
})

test('doors’ throttles stand in their minutes and at their functions', () => {
  const invocations = [1]
  const f = { functionName: 'f', invocations, errors: 0, throttles: 0, durationMs: 1 }
  const history = { schedulerId: 's', since: 0, minutes: [], functions: [f] }
  const hour = { ...addUp([history], 100 * MINUTE), silent: [] }
  const told = [
    door({ minutes: [[100, 2]], functions: [['held', 2]] }),
    door({
      minutes: [
        [100, 1],
        [99, 3],
        [1, 9],
      ],
      functions: [
        ['f', 1],
        ['held', 3],
      ],
    }),
  ]
  const { minutes, functions } = withThrottles(hour, told)
  expect(minutes.slice(-2)).toMatchObject([
    { minute: 99, throttles: 3 },
    { minute: 100, throttles: 3 },
  ])
  expect(minutes.reduce((sum, { throttles }) => sum + throttles, 0)).toBe(6)
  expect(functions).toMatchObject([
    { functionName: 'f', throttles: 1 },
    { functionName: 'held', throttles: 5, errors: 0 },
  ])
  expect(functions[1]?.invocations).toHaveLength(60)
})
