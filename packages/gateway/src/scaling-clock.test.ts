// The clock that obeys scheduled actions, on the test's time: several gateways write each
// occurrence once between them, and one that starts late makes up for what was missed.

import type { FunctionDocument } from '@hearth/core/function'
import type { ScheduledAction } from '@hearth/core/scaling'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startScalingClock } from './scaling-clock.ts'

const START = Date.parse('2026-06-01T00:00:30Z')
let stored: FunctionDocument
let writes: number
let races: number
const problems: string[] = []

beforeEach(() => {
  vi.useFakeTimers({ now: START })
  writes = 0
  races = 0
  problems.length = 0
})
afterEach(() => {
  vi.useRealTimers()
})

/** As store/functions over NATS: reading and writing take time, and a stale write is tried again. */
function functions(latencyMs: number) {
  const pause = () => new Promise((resolve) => setTimeout(resolve, latencyMs))
  return {
    all: () => [stored],
    list: () => [stored],
    async change(
      _account: string,
      _name: string,
      change: (one: FunctionDocument) => FunctionDocument,
    ) {
      for (;;) {
        const found = stored
        const next = change(found)
        if (next === found) return next
        await pause()
        races += stored === found ? 0 : 1
        if (stored !== found) continue
        stored = next
        writes += 1
        return next
      }
    },
  } as Parameters<typeof startScalingClock>[0]['functions']
}

function open(latencyMs = 5) {
  const report = (problem: string) => problems.push(problem)
  return startScalingClock({ functions: functions(latencyMs), limit: 1000, report })
}

function scheduled(actions: Partial<ScheduledAction>[]): FunctionDocument {
  const size = { architecture: 'x86_64', configuration: { memoryMb: 128 } }
  const version = { version: '1', ...size } as FunctionDocument['latest']
  const times = { id: 'a', createdAt: START, settledAt: START }
  const suspended = { dynamicIn: false, dynamicOut: false, scheduled: false }
  const all = actions.map((one, index) => ({ name: `${index}`, schedule: '', ...times, ...one }))
  const target = { id: 't', qualifier: '1', min: 0, max: 9, createdAt: START, suspended, tags: {} }
  return {
    account: '1',
    name: 'f',
    published: [version],
    latest: version,
    lastVersionNumber: 1,
    tags: {},
    scaling: [{ ...target, actions: all }],
  }
}

const held = () => stored.concurrency?.provisioned[0]?.requested ?? 0

test('three gateways obey each occurrence once', async () => {
  stored = scheduled([
    { schedule: 'cron(0/2 * * * ? *)', min: 4, max: 4 },
    { schedule: 'cron(1/2 * * * ? *)', min: 2, max: 2 },
  ])
  const clocks = [open(3), open(5), open(7)]
  await vi.advanceTimersByTimeAsync(29_000)
  expect([held(), writes]).toEqual([0, 0])
  for (let minute = 1; minute <= 10; minute += 1) {
    await vi.advanceTimersByTimeAsync(minute === 1 ? 3_000 : 60_000)
    expect([held(), writes]).toEqual([minute % 2 === 1 ? 2 : 4, minute])
  }
  // They did meet, or this proves nothing.
  expect(races).toBeGreaterThan(0)
  for (const clock of clocks) clock.close()
  await vi.advanceTimersByTimeAsync(120_000)
  expect(writes).toBe(10)
  expect(problems).toEqual([])
})

test('who starts late does at once what should hold now, and once', async () => {
  stored = scheduled([
    { schedule: 'cron(0 8 ? * MON-FRI *)', min: 5, max: 5 },
    { schedule: 'cron(0 18 ? * MON-FRI *)', min: 1, max: 1 },
    { schedule: 'at(2026-06-03T12:00:00)', min: 7, max: 7 },
  ])
  // Thursday at noon: Wednesday's one-time action is older than Wednesday's evening.
  vi.setSystemTime(Date.parse('2026-06-04T12:00:00Z'))
  const clock = open()
  await vi.advanceTimersByTimeAsync(2_000)
  expect([held(), writes]).toEqual([5, 1])
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect([held(), writes]).toEqual([5, 1])
  clock.close()
})

test('an action that cannot be, or cannot be read, stops no other', async () => {
  stored = scheduled([
    { schedule: 'rate(1 minute)', min: 950, max: 950 },
    { schedule: 'gibberish', min: 3, max: 3 },
    { schedule: 'cron(* * * * ? *)', min: 2, max: 2 },
  ])
  const clock = open()
  await vi.advanceTimersByTimeAsync(70_000)
  expect(held()).toBe(2)
  expect(problems[0]).toContain('0 could not scale f:1: Specified ConcurrentExecutions')
  clock.close()
})
