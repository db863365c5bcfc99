// Who is taken for dead: a scheduler that is not heard by an ear that hears. A connection that is
// away, or a process that stood still, proves nothing about anybody else.

import type { SchedulerHeartbeat } from '@hearth/bus/messages'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { watchSchedulers } from './schedulers.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const HEARTBEAT_MS = 1_000

/** A gateway's ear, and a scheduler that speaks each second while the connection is there. */
function open(own?: string) {
  let hear: (beat: SchedulerHeartbeat) => void = () => {}
  const state = { connected: true, speaks: true }
  const schedulers = watchSchedulers(
    {
      publish: () => {},
      subscribe: (_, listener) => {
        hear = listener as typeof hear
        return { close: () => {} }
      },
    },
    { hears: () => state.connected, own },
  )
  const beat = {
    schedulerId: 'one',
    epoch: '1',
    draining: false,
    memoryMbFree: 1,
    environments: 0,
    running: 0,
  }
  const speak = () => {
    if (state.connected && state.speaks) hear(beat)
  }
  speak()
  const timer = setInterval(speak, HEARTBEAT_MS)
  const [life] = schedulers.live()
  if (!life) throw new Error('it was heard')
  const close = () => {
    clearInterval(timer)
    schedulers.close()
  }
  return { schedulers, state, life, close }
}

test('one that falls silent is dead after four seconds', async () => {
  const { schedulers, state, life, close } = open()
  state.speaks = false
  await vi.advanceTimersByTimeAsync(3_500)
  expect(schedulers.live()).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(1_500)
  expect([schedulers.live(), life.lost.aborted]).toEqual([[], true])
  close()
})

test('while NATS is away nobody is dead, and afterwards whoever stays silent is', async () => {
  const { schedulers, state, life, close } = open('one')
  state.connected = false
  await vi.advanceTimersByTimeAsync(60_000)
  expect([schedulers.live().length, life.lost.aborted]).toEqual([1, false])
  state.connected = true
  await vi.advanceTimersByTimeAsync(10_000)
  expect([schedulers.live().length, life.lost.aborted]).toEqual([1, false])
  state.connected = false
  await vi.advanceTimersByTimeAsync(60_000)
  state.connected = true
  state.speaks = false
  await vi.advanceTimersByTimeAsync(6_000)
  expect([schedulers.live(), life.lost.aborted]).toEqual([[], true])
  close()
})

test('what another scheduler says while NATS is away is not waited for', async () => {
  const { schedulers, state, life, close } = open('another')
  state.connected = false
  await vi.advanceTimersByTimeAsync(6_000)
  expect([schedulers.live().length, life.lost.aborted]).toEqual([1, true])
  state.connected = true
  await vi.advanceTimersByTimeAsync(10_000)
  expect(schedulers.live()[0]?.lost.aborted).toBe(false)
  close()
})

test('after a pause of our own we listen before we judge', async () => {
  const { schedulers, life, close } = open()
  // Time goes by and no timer runs, as in a stopped process; heartbeats wait in the socket.
  const standstill = performance.now() + 30_000
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => standstill)
  await vi.advanceTimersByTimeAsync(500)
  clock.mockRestore()
  expect([schedulers.live().length, life.lost.aborted]).toEqual([1, false])
  close()
})
