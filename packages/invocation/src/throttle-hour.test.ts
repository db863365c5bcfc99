// What a door remembers of its throttles: an hour of them, by minute and by function, and of so
// many functions at most; and what whoever asks on the bus hears of it.

import { SUBJECTS } from '@hearth/bus/messages'
import { ServiceError } from '@hearth/core/error'
import { expect, test } from 'vitest'
import { answerThrottles, createDoorCounts } from './door-counts.ts'
import { ThrottleHour } from './throttle-hour.ts'

const MINUTE = 60_000

test('throttles are told by minute, of all and of one function', () => {
  const hour = new ThrottleHour()
  hour.add('f', 5 * MINUTE)
  hour.add('g', 5 * MINUTE + 59_999)
  hour.add('f', 7 * MINUTE)
  expect(hour.answer({}, 8 * MINUTE)).toEqual({
    minutes: [
      [5, 2],
      [7, 1],
    ],
    functions: [
      ['g', 1],
      ['f', 2],
    ],
  })
  const own = { functionName: 'g', minutes: [[5, 1]], functions: [] }
  expect(hour.answer({ functionName: 'g' }, 8 * MINUTE)).toEqual(own)
  expect(hour.answer({ functionName: 'none' }, 8 * MINUTE).minutes).toEqual([])
})

test('a minute is forgotten after an hour, and what is kept is bounded', () => {
  const hour = new ThrottleHour()
  for (let minute = 0; minute < 100; minute += 1) hour.add('f', minute * MINUTE)
  const { minutes } = hour.answer({}, 99 * MINUTE)
  expect([minutes.length, minutes[0], minutes.at(-1)]).toEqual([60, [40, 1], [99, 1]])
  expect(hour.answer({}, 159 * MINUTE)).toEqual({ minutes: [], functions: [] })
  for (let count = 0; count < 200; count += 1) hour.add(`g${count}`, 99 * MINUTE)
  expect(hour.answer({}, 99 * MINUTE).functions).toHaveLength(200)
  expect(hour.answer({ functionName: 'f' }, 99 * MINUTE).minutes).toEqual([])
})

test('a door that refuses tells whoever asks on the bus', async () => {
  const counts = createDoorCounts()
  const Reason = 'ReservedFunctionConcurrentInvocationLimitExceeded'
  const door = counts.watch({
    resolve: () => expect.fail('nobody asks'),
    async invoke() {
      throw new ServiceError('TooManyRequestsException', 'Rate Exceeded.', { members: { Reason } })
    },
  })
  await expect(door.invoke({ functionName: 'held' } as never)).rejects.toThrow('Rate Exceeded.')
  let ask: (question: object) => void = () => expect.fail('nobody listens')
  const said: unknown[] = []
  const requests = {
    subscribe: (subject: string, hear: (question: never) => void) => {
      expect(subject).toBe(SUBJECTS.throttlesWanted)
      ask = hear as typeof ask
      return { close: () => {} }
    },
    publish: (_: string, answer: unknown) => said.push(answer),
  }
  answerThrottles(requests as never, counts)
  ask({ functionName: 'held' })
  ask({})
  const doorId = expect.any(String)
  expect(said).toMatchObject([
    { doorId, functionName: 'held', minutes: [[expect.any(Number), 1]] },
    { doorId, functions: [['held', 1]] },
  ])
})
