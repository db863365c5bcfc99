// Waits under one clock: each ends by its own time or with its signal, what has ended hears
// nothing, and the clock stops with the last.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Patience, type Wait } from './patience.ts'

const told: string[] = []
let patience: Patience
beforeEach(() => {
  vi.useFakeTimers()
  told.length = 0
  patience = new Patience()
})
afterEach(() => {
  vi.useRealTimers()
})

function open(name: string, ms: number, signal?: AbortSignal): Wait {
  const wait: Wait = {
    until: performance.now() + ms,
    fail: (why) => {
      told.push(`${name} ${why}`)
      patience.delete(wait, signal)
    },
  }
  patience.add(wait, signal)
  return wait
}

test('each wait ends by its own time, soon and never early', () => {
  open('long', 1_000)
  open('short', 100)
  vi.advanceTimersByTime(99)
  expect(told).toEqual([])
  vi.advanceTimersByTime(100)
  expect(told).toEqual(['short late'])
  vi.advanceTimersByTime(1_000)
  expect(told).toEqual(['short late', 'long late'])
  expect(vi.getTimerCount()).toBe(0)
})

test('a signal ends all that wait on it, and nobody else', () => {
  const [one, other] = [new AbortController(), new AbortController()]
  open('first', 1_000, one.signal)
  open('second', 1_000, one.signal)
  const third = open('third', 1_000, other.signal)
  patience.delete(open('over', 1_000, one.signal), one.signal)
  one.abort()
  expect(told).toEqual(['first gone', 'second gone'])
  patience.delete(third, other.signal)
  other.abort()
  vi.advanceTimersByTime(5_000)
  expect(told).toHaveLength(2)
})

test('however many wait, the signal has one listener', () => {
  const { signal } = new AbortController()
  const listen = vi.spyOn(signal, 'addEventListener')
  for (let count = 0; count < 100; count += 1) open(`${count}`, 1_000, signal)
  expect(listen).toHaveBeenCalledOnce()
})
