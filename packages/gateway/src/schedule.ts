// Schedules in AWS's three forms: at(...), rate(...) and cron(...), in a time zone. Says when one
// occurs next, and when it did last; nothing here waits. The one user of croner, which knows AWS's
// cron by its Quartz dialect: `?`, `L`, `W`, `#`, years, and 1 for Sunday.

import { ServiceError } from '@hearth/core/error'
import type { ScheduledAction } from '@hearth/core/scaling'
import { Cron } from 'croner'

/** Times in milliseconds since the epoch. */
export interface Schedule {
  /** The first occurrence after a moment. */
  next(after: number): number | undefined
  /** The last occurrence at or before a moment. */
  latest(until: number): number | undefined
}

type Timing = Pick<ScheduledAction, 'createdAt' | 'endAt' | 'schedule' | 'startAt' | 'timezone'>

const FORM = /^(at|cron|rate)\((.*)\)$/
const AT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/
const RATE = /^([1-9]\d{0,6}) (minute|hour|day)s?$/
const UNIT_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const
const CRON_FIELDS = 6
/** Of minute, hour, day of month, month, day of week, year. */
const [DAY_OF_MONTH, DAY_OF_WEEK] = [2, 4]

/** An action's schedule between its start and its end. @throws ServiceError as readSchedule does. */
export function scheduleOf(action: Timing): Schedule {
  const { startAt = Number.NEGATIVE_INFINITY, endAt = Number.POSITIVE_INFINITY } = action
  const inner = readSchedule(action)
  const within = (time: number | undefined) =>
    time !== undefined && time >= startAt && time <= endAt ? time : undefined
  return {
    next: (after) => within(inner.next(Math.max(after, startAt - 1))),
    latest: (until) => within(inner.latest(Math.min(until, endAt))),
  }
}

/** @throws ServiceError that says what is wrong with the expression, or the time zone. */
function readSchedule({ schedule, timezone = 'UTC', startAt, createdAt }: Timing): Schedule {
  requireZone(timezone)
  const [, form, inside = ''] = FORM.exec(schedule) ?? []
  if (form === 'at' && isMoment(inside)) return once(cronOf(schedule, inside, timezone))
  const [, count, unit] = (form === 'rate' && RATE.exec(inside)) || []
  if (count) {
    return every(startAt ?? createdAt, Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS])
  }
  if (form === 'cron') return again(cronOf(schedule, toQuartz(schedule, inside), timezone))
  throw refusal(schedule, 'use at(yyyy-mm-ddThh:mm:ss), rate(value unit) or cron(fields)')
}

/** A day that no month has would otherwise be one of the next month. */
function isMoment(text: string): boolean {
  const time = AT.test(text) ? Date.parse(`${text}Z`) : Number.NaN
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text)
}

/** With seconds, and Saturday for an L on its own, which croner does not know. */
function toQuartz(schedule: string, inside: string): string {
  const fields = inside.trim().split(/\s+/)
  if (fields.length !== CRON_FIELDS) {
    throw refusal(schedule, 'cron has minutes, hours, day of month, month, day of week and year')
  }
  if ((fields[DAY_OF_MONTH] === '?') === (fields[DAY_OF_WEEK] === '?')) {
    throw refusal(schedule, 'exactly one of day of month and day of week must be ?')
  }
  if (fields[DAY_OF_WEEK] === 'L') fields[DAY_OF_WEEK] = 'SAT'
  return ['0', ...fields].join(' ')
}

function cronOf(schedule: string, pattern: string, timezone: string): Cron {
  try {
    return new Cron(pattern, {
      timezone,
      paused: true,
      alternativeWeekdays: true,
      sloppyRanges: true,
      // What is set for 2:30 happens on each day, also on one without that hour, or with two.
      fixedTimeRule: 'no-wildcard',
    })
  } catch (cause) {
    throw refusal(schedule, (cause as Error).message)
  }
}

const again = (cron: Cron): Schedule => ({
  next: (after) => cron.nextRun(new Date(after))?.getTime(),
  // The moment itself counts.
  latest: (until) => cron.previousRuns(1, new Date(until + 1))[0]?.getTime(),
})

function once(cron: Cron): Schedule {
  const at = cron.nextRun(new Date(0))?.getTime() ?? Number.POSITIVE_INFINITY
  return {
    next: (after) => (at > after ? at : undefined),
    latest: (until) => (at <= until ? at : undefined),
  }
}

function every(from: number, ms: number): Schedule {
  const turn = (time: number) => Math.floor((time - from) / ms)
  return {
    next: (after) => from + Math.max(turn(after) + 1, 0) * ms,
    latest: (until) => (until < from ? undefined : from + turn(until) * ms),
  }
}

function requireZone(timezone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch {
    throw new ServiceError('ValidationException', `There is no time zone ${timezone}.`)
  }
}

const refusal = (schedule: string, why: string) =>
  new ServiceError('ValidationException', `Schedule ${schedule} cannot be read: ${why}.`)
