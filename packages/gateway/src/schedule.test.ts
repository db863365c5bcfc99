// Schedules as AWS writes them: what each form means, what is refused, and that windows hold at
// every quarter of an hour across both changes of the clock, with the scheduler away or not.

import type { FunctionDocument } from '@hearth/core/function'
import { type ScheduledAction, settleDue } from '@hearth/core/scaling'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Schedule, scheduleOf } from './schedule.ts'

const iso = (time: number | undefined) =>
  time && new Date(time).toISOString().replace(':00.000Z', '')
const at = (text: string) => Date.parse(`${text}:00Z`)
const read = (schedule: string, timezone?: string, more = {}) =>
  scheduleOf({
    schedule,
    createdAt: at('2026-01-01T00:00'),
    ...(timezone && { timezone }),
    ...more,
  })

test.each([
  ['cron(0 8 ? * MON-FRI *)', 'UTC', '2026-03-27T09:00', '2026-03-30T08:00'],
  ['cron(0 8 ? * 2-6 *)', 'UTC', '2026-03-27T09:00', '2026-03-30T08:00'],
  ['cron(0 8 ? * MON-FRI *)', 'Europe/Berlin', '2026-03-27T09:00', '2026-03-30T06:00'],
  ['cron(0 0 ? * 1 *)', 'UTC', '2026-03-27T09:00', '2026-03-29T00:00'],
  ['cron(0 0 ? * L *)', 'UTC', '2026-03-27T09:00', '2026-03-28T00:00'],
  ['cron(0 0 ? * 6L *)', 'UTC', '2026-10-24T00:00', '2026-10-30T00:00'],
  ['cron(0 0 ? * 6#2 *)', 'UTC', '2026-10-24T00:00', '2026-11-13T00:00'],
  ['cron(0 0 L * ? *)', 'UTC', '2026-02-01T00:00', '2026-02-28T00:00'],
  ['cron(0 0 LW * ? *)', 'UTC', '2026-10-24T00:00', '2026-10-30T00:00'],
  ['cron(0 0 15W * ? *)', 'UTC', '2026-11-01T00:00', '2026-11-16T00:00'],
  ['cron(0/20 8-9 * * ? *)', 'UTC', '2026-03-27T08:25', '2026-03-27T08:40'],
  ['cron(5,35 * 1 JAN,JUL ? 2027)', 'UTC', '2026-03-27T08:25', '2027-01-01T00:05'],
  ['cron(0 0 1 1 ? 2020)', 'UTC', '2026-03-27T08:25', undefined],
  ['rate(5 minutes)', 'UTC', '2026-01-01T00:07', '2026-01-01T00:10'],
  ['rate(1 day)', 'UTC', '2026-01-05T00:00', '2026-01-06T00:00'],
  ['at(2026-06-01T12:00:00)', 'UTC', '2026-01-01T00:00', '2026-06-01T12:00'],
  ['at(2026-06-01T12:00:00)', 'America/New_York', '2026-01-01T00:00', '2026-06-01T16:00'],
  ['at(2026-06-01T12:00:00)', 'UTC', '2026-06-01T12:00', undefined],
  // The hour that is left out, and the hour that comes twice.
  ['cron(30 2 * * ? *)', 'Europe/Berlin', '2026-03-28T12:00', '2026-03-29T01:00'],
  ['cron(30 2 * * ? *)', 'Europe/Berlin', '2026-10-24T12:00', '2026-10-25T00:30'],
  ['cron(30 2 * * ? *)', 'Europe/Berlin', '2026-10-25T00:30', '2026-10-26T01:30'],
])('%s in %s after %s is %s', (schedule, timezone, after, next) => {
  const found = read(schedule, timezone)
  expect(iso(found.next(at(after)))).toBe(next)
  if (next === undefined) return
  // The moment itself is the latest at that moment, and not before.
  expect(iso(found.latest(at(next)))).toBe(next)
  expect(found.latest(at(next) - 1) ?? 0).toBeLessThanOrEqual(at(after))
})

test.each([
  'cron(0 8 * * MON-FRI *)',
  'cron(0 8 ? * ? *)',
  'cron(0 8 * * *)',
  'cron(99 8 ? * MON *)',
  'cron(0 8 ? * NEVER *)',
  'rate(0 minutes)',
  'rate(5 weeks)',
  'at(2026-06-01)',
  'at(2026-02-30T00:00:00)',
  'at(2026-13-41T99:00:00)',
  'every day',
  '',
])('%s is refused', (schedule) => {
  expect(() => read(schedule)).toThrow(`Schedule ${schedule} cannot be read: `)
})

test('a time zone that is none is refused', () => {
  expect(() => read('rate(1 day)', 'Nowhere/Else')).toThrow('There is no time zone Nowhere/Else.')
})

test('nothing occurs before the start or after the end, and a rate begins with the start', () => {
  const times = { startAt: at('2026-02-01T00:30'), endAt: at('2026-02-02T00:00') }
  const bounded = read('cron(0 * * * ? *)', 'UTC', times)
  expect(iso(bounded.next(0))).toBe('2026-02-01T01:00')
  expect(bounded.latest(at('2026-02-01T00:59'))).toBeUndefined()
  expect(iso(bounded.latest(at('2027-01-01T00:00')))).toBe('2026-02-02T00:00')
  expect(bounded.next(at('2026-02-02T00:00'))).toBeUndefined()
  const rate = read('rate(7 hours)', 'UTC', times)
  expect(iso(rate.next(0))).toBe('2026-02-01T00:30')
  expect(iso(rate.latest(at('2026-02-01T08:00')))).toBe('2026-02-01T07:30')
})

const QUARTER_MS = 15 * 60_000
/** Of ten days. */
const QUARTERS = 10 * 96
const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri']
const wallClock = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/Berlin',
  weekday: 'short',
  hour: '2-digit',
  hourCycle: 'h23',
})

/** What a clock on a wall in Berlin says should hold. */
function wanted(now: number): number {
  const parts = wallClock.formatToParts(now)
  const partOf = (type: string) => parts.find((one) => one.type === type)?.value ?? ''
  const hour = Number(partOf('hour'))
  return WEEKDAYS.includes(partOf('weekday')) && hour >= 8 && hour < 18 ? 5 : 1
}

function working(createdAt: number): FunctionDocument {
  const action = (name: string, hour: number, count: number): ScheduledAction => ({
    id: name,
    name,
    schedule: `cron(0 ${hour} ? * MON-FRI *)`,
    timezone: 'Europe/Berlin',
    min: count,
    max: count,
    createdAt,
    settledAt: createdAt,
  })
  const size = { architecture: 'x86_64', configuration: { memoryMb: 128 } }
  const version = { version: '1', ...size } as FunctionDocument['latest']
  return {
    account: '1',
    name: 'f',
    published: [version],
    latest: version,
    lastVersionNumber: 1,
    tags: {},
    scaling: [
      {
        id: 't',
        qualifier: '1',
        min: 0,
        max: 9,
        createdAt,
        suspended: { dynamicIn: false, dynamicOut: false, scheduled: false },
        tags: {},
        actions: [action('morning', 8, 5), action('evening', 18, 1)],
      },
    ],
  }
}

test.each(['2026-03-23', '2026-10-19'])('a working week and its change of the clock: %s', (day) => {
  const start = at(`${day}T00:00`)
  const read = new Map<string, Schedule>()
  const latest = (action: ScheduledAction, until: number) => {
    const schedule = read.get(action.name) ?? scheduleOf(action)
    return read.set(action.name, schedule).get(action.name)?.latest(until)
  }
  // Nobody looks for some hours, again and again: what should hold holds as soon as somebody does.
  const outages = fc.array(fc.record({ from: fc.nat(QUARTERS), length: fc.nat(300) }))
  fc.assert(
    fc.property(outages, (away) => {
      let document = working(start)
      for (let step = 1; step < QUARTERS; step += 1) {
        const now = start + step * QUARTER_MS
        if (away.some(({ from, length }) => step >= from && step < from + length)) continue
        document = settleDue(document, { documents: [document], limit: 1000, now }, latest).document
        const held = document.concurrency?.provisioned[0]?.requested ?? 0
        // Before the first morning nothing has occurred.
        if (wanted(now) === 1 && held === 0) expect(step).toBeLessThan(8 * 4)
        else expect([new Date(now), held]).toEqual([new Date(now), wanted(now)])
      }
    }),
    { numRuns: 4 },
  )
})
