// Times as people write them on the command line, such as 10m or 2026-01-31T08:00:00Z. Pure: the
// time it is now is an argument.

import { usageError } from './failures.ts'

const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}
const ISO = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/

/**
 * A time in milliseconds since the epoch: `90s`, `10m`, `2h`, `1d`, `1w` ago, or an ISO 8601 date
 * or time.
 * @throws CommandError for anything else.
 */
export function parseSince(text: string, now: number): number {
  const [, amount, unit = ''] = /^(\d{1,9})([smhdw])$/.exec(text) ?? []
  if (amount) return Math.max(now - Number(amount) * (UNITS[unit] ?? 0), 0)
  const time = ISO.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(time)) return time
  throw usageError(
    `${text} is no time. Write how long ago (90s, 10m, 2h, 1d) or when (2026-01-31T08:00:00Z).`,
  )
}

/** A month as `YYYY-MM`. @throws CommandError for anything else. */
export function parseMonth(text: string): string {
  if (/^\d{4}-(0[1-9]|1[0-2])$/.test(text)) return text
  throw usageError(`${text} is no month. Write it as 2026-01.`)
}
