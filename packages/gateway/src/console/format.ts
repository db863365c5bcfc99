// Numbers, times and sizes as people read them, always with their unit. Pure; the same everywhere
// in the console, and in UTC, because a server does not know where its reader is.

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const BYTES_PER_KB = 1024

export const NOTHING = '–'

export const count = (number: number) => Math.round(number).toLocaleString('en-US')

/** For axes and tiles, where there is little room. */
export function shortCount(number: number): string {
  if (number < 10_000) return Number.isInteger(number) ? count(number) : String(number)
  return number < 1_000_000 ? `${trim(number / 1000)}k` : `${trim(number / 1_000_000)}M`
}

export function duration(ms: number): string {
  if (ms < 1) return `${trim(ms, 2)} ms`
  if (ms < 1000) return `${trim(ms)} ms`
  if (ms < MINUTE_MS) return `${trim(ms / 1000, 2)} s`
  if (ms < HOUR_MS) return `${trim(ms / MINUTE_MS)} min`
  return ms < DAY_MS ? `${trim(ms / HOUR_MS)} h` : `${trim(ms / DAY_MS)} days`
}

export function bytes(number: number): string {
  if (number < BYTES_PER_KB) return `${number} B`
  const units = ['KB', 'MB', 'GB']
  let value = number / BYTES_PER_KB
  while (value >= BYTES_PER_KB && units.length > 1) {
    value /= BYTES_PER_KB
    units.shift()
  }
  return `${trim(value)} ${units[0]}`
}

export const megabytes = (mb: number) => bytes(mb * BYTES_PER_KB * BYTES_PER_KB)

/** Cents and more as money is written; less with as many digits as it takes to see it. */
export function dollars(amount: number): string {
  // What is charged and what comes free rarely meet at zero to the last digit.
  const isNothing = Math.abs(amount) < 1e-12
  if (isNothing || amount >= 0.995) {
    const money = { minimumFractionDigits: 2, maximumFractionDigits: 2 }
    return `$${(isNothing ? 0 : amount).toLocaleString('en-US', money)}`
  }
  if (amount < 0.000_001) return 'under $0.000001'
  return `$${Number(amount.toPrecision(2)).toFixed(amount < 0.01 ? 6 : 4)}`
}

export function share(part: number, whole: number): string {
  if (whole === 0) return NOTHING
  const percent = (part / whole) * 100
  return percent > 0 && percent < 0.1 ? 'under 0.1 %' : `${trim(percent)} %`
}

export const gbSeconds = (number: number) =>
  `${number.toLocaleString('en-US', { maximumFractionDigits: number < 100 ? 2 : 0 })} GB-s`

/** `26 Nov 2026, 14:20:57 UTC`. */
export const moment = (time: number) =>
  `${day(time)}, ${new Date(time).toISOString().slice(11, 19)} UTC`

/** `26 Nov 2026`. */
export const day = (time: number) =>
  new Date(time).toLocaleDateString('en-GB', {
    ...{ day: 'numeric', month: 'short', year: 'numeric' },
    timeZone: 'UTC',
  })

/** `14:20`, of a day that the reader knows. */
export const clock = (time: number) => new Date(time).toISOString().slice(11, 16)

export function ago(time: number, now: number): string {
  const ms = now - time
  if (ms < 5_000) return 'just now'
  if (ms < MINUTE_MS) return `${Math.floor(ms / 1000)} s ago`
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min ago`
  if (ms < 2 * DAY_MS) return `${Math.floor(ms / HOUR_MS)} h ago`
  return `${Math.floor(ms / DAY_MS)} days ago`
}

/** `November 2026`, of `2026-11`. */
export function monthName(month: string): string {
  const date = new Date(`${month}-01T00:00:00Z`)
  return date.toLocaleDateString('en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' })
}

/** One of a thing, or several. */
export const some = (number: number, one: string, many = `${one}s`) =>
  `${count(number)} ${number === 1 ? one : many}`

/** JSON with air in it; any other text as it is. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}

function trim(number: number, digits = 1): string {
  return number.toLocaleString('en-US', { maximumFractionDigits: number < 100 ? digits : 0 })
}
