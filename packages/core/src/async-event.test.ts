// The law of asynchronous events as a table: attempts, retries and age.

import { expect, test } from 'vitest'
import { type AsyncEvent, expiryOf, settle } from './async-event.ts'

const event = (attempt: number): AsyncEvent => ({
  requestId: 'id',
  account: '000000000000',
  functionName: 'f',
  invokedArn: 'arn:aws:lambda:us-east-1:000000000000:function:f',
  acceptedAt: 1_000,
  attempt,
})
const config = (retriesMax?: number) => ({
  modifiedAt: 0,
  ...(retriesMax !== undefined && { retriesMax }),
})

test.each([
  [1, undefined, { next: 'retry', afterSeconds: 60 }],
  [2, undefined, { next: 'retry', afterSeconds: 120 }],
  [3, undefined, { next: 'give up', condition: 'RetriesExhausted' }],
  [1, config(), { next: 'retry', afterSeconds: 60 }],
  [1, config(0), { next: 'give up', condition: 'RetriesExhausted' }],
  [1, config(1), { next: 'retry', afterSeconds: 60 }],
  [2, config(1), { next: 'give up', condition: 'RetriesExhausted' }],
])('attempt %i that failed, with %o', (attempt, given, sequel) => {
  expect(settle(event(attempt), { failed: true, config: given, now: 1_000 })).toEqual(sequel)
})

test('an attempt that succeeded is the last', () => {
  const facts = { failed: false, config: undefined, now: 1_000 }
  expect(settle(event(1), facts)).toEqual({ next: 'done' })
})

test('an operator may change the waits', () => {
  const facts = { failed: true, config: undefined, now: 1_000, retrySeconds: [1] }
  expect(settle(event(1), facts)).toEqual({ next: 'retry', afterSeconds: 1 })
  expect(settle(event(2), facts)).toEqual({ next: 'retry', afterSeconds: 1 })
})

test.each([
  [1, 60, 1_000, true],
  [1, 61, 1_000, false],
  [1, 61, 2_000, true],
  [1, 90, 1_000, false],
  [2, 90, 61_000, true],
])('attempt %i of an event that may be %i seconds old', (attempt, ageSecondsMax, now, isOver) => {
  const facts = { failed: true, config: { modifiedAt: 0, ageSecondsMax }, now }
  const { next } = settle(event(attempt), facts)
  expect(next).toBe(isOver ? 'give up' : 'retry')
})

test('an event may wait for six hours, or for as long as was configured', () => {
  expect(expiryOf(event(1), undefined)).toBe(1_000 + 21_600_000)
  expect(expiryOf(event(1), { modifiedAt: 0, ageSecondsMax: 60 })).toBe(61_000)
})
