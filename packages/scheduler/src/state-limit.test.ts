// The limit of a state: it expires once, when the newest one is over, however often it was moved
// and in whichever direction.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { StateLimit } from './state-limit.ts'

const expired = vi.fn()
let limit: StateLimit
beforeEach(() => {
  vi.useFakeTimers()
  expired.mockReset()
  limit = new StateLimit(expired)
})
afterEach(() => {
  vi.useRealTimers()
})

test('a limit that is moved back is not reached at its former time', () => {
  limit.set(100)
  vi.advanceTimersByTime(60)
  limit.set(100)
  vi.advanceTimersByTime(99)
  expect(expired).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(expired).toHaveBeenCalledOnce()
  vi.advanceTimersByTime(10_000)
  expect(expired).toHaveBeenCalledOnce()
})

test('a limit that is moved forward is reached at its new time', () => {
  limit.set(10_000)
  limit.set(100)
  vi.advanceTimersByTime(100)
  expect(expired).toHaveBeenCalledOnce()
})

test('a state without a limit lasts, and leaves no timer', () => {
  limit.set(100)
  limit.set(undefined)
  expect(vi.getTimerCount()).toBe(0)
  vi.advanceTimersByTime(10_000)
  expect(expired).not.toHaveBeenCalled()
})

test('many moves cost no timer each', () => {
  const made = vi.spyOn(globalThis, 'setTimeout')
  limit.set(100)
  for (let step = 0; step < 1_000; step += 1) limit.set(1_000)
  expect(made).toHaveBeenCalledOnce()
  made.mockRestore()
})
