// Hours of several schedulers, added up.

import { emptyMinute, type HistoryMinute, type SchedulerHistory } from '@hearth/bus/figures'
import { expect, test } from 'vitest'
import { addUp, HOUR_MINUTES } from './history.ts'

const MINUTE = 60_000
const minute = (at: number, changes: Partial<HistoryMinute>) => ({ ...emptyMinute(at), ...changes })
const invocations = (newest: number) => [...Array(HOUR_MINUTES - 1).fill(0), newest]
const history = (changes: Partial<SchedulerHistory>): SchedulerHistory => ({
  ...{ schedulerId: 's', since: 0, minutes: [], functions: [] },
  ...changes,
})

test('minutes are added up, each in its place', () => {
  const one = minute(100, {
    ...{ invocations: 2, errors: 1, durationMs: 30, durationMsMax: 20, runningMax: 3 },
    ...{ starts: { warm: 1, cold: 1 }, coldReasons: { 'first invocation': 1 } },
  })
  const other = minute(100, {
    ...{ invocations: 1, throttles: 4, durationMs: 40, durationMsMax: 40, runningMax: 1 },
    starts: { warm: 1 },
  })
  const { minutes, since, schedulers } = addUp(
    [
      history({ since: 9, minutes: [one, minute(40, { invocations: 7 })] }),
      history({ since: 5, minutes: [other, minute(102, { invocations: 9 })] }),
    ],
    101 * MINUTE,
  )
  expect([since, schedulers, minutes.length]).toEqual([5, 2, HOUR_MINUTES])
  expect(minutes.map((each) => each.minute)).toEqual(
    Array.from({ length: HOUR_MINUTES }, (_, index) => 42 + index),
  )
  expect(minutes.filter((each) => each.invocations > 0)).toEqual([
    {
      ...{ minute: 100, invocations: 3, errors: 1, throttles: 4, durationMs: 70, runningMax: 4 },
      ...{ durationMsMax: 40, starts: { warm: 2, cold: 1 } },
      coldReasons: { 'first invocation': 1 },
    },
  ])
})

test('functions are added up, the most used first', () => {
  const of = (functionName: string, count: number) => ({
    ...{ functionName, errors: 1, throttles: 0, durationMs: 10 },
    invocations: invocations(count),
  })
  const { functions } = addUp(
    [history({ functions: [of('f', 2), of('g', 4)] }), history({ functions: [of('f', 3)] })],
    0,
  )
  expect(functions).toEqual([
    { ...of('f', 5), errors: 2, durationMs: 20 },
    { ...of('g', 4), errors: 1 },
  ])
})

test('of nobody there is an hour in which nothing happened', () => {
  const { minutes, since } = addUp([], 0)
  expect([minutes.length, since]).toEqual([HOUR_MINUTES, undefined])
})
