// The X-Ray header of a request: kept as it came, or begun. Hearth records no traces of its own
// here; it only never loses a caller's.

import { randomBytes } from 'node:crypto'

/** `Root=1-<time>-<96 random bits>;Sampled=0` unless the caller sent one. */
export function traceOf(given: string | string[] | undefined, now: number): string {
  if (typeof given === 'string' && given.length < 1024) return given
  const time = Math.floor(now / 1000)
    .toString(16)
    .padStart(8, '0')
  const random = randomBytes(20).toString('hex')
  return `Root=1-${time}-${random.slice(0, 24)};Parent=${random.slice(24)};Sampled=0`
}
