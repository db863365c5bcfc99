// The X-Ray header of a request: kept as it came, or begun. Hearth records no traces of its own
// here; it only never loses a caller's.

import { randomFillSync } from 'node:crypto'

/** Random bytes are drawn for many ids at a time: each call costs what hundreds of bytes cost. */
const drawn = Buffer.alloc(4000)
const ID_BYTES = 20
let used = drawn.length

/** `Root=1-<time>-<96 random bits>;Sampled=0` unless the caller sent one. */
export function traceOf(given: string | string[] | undefined, now: number): string {
  if (typeof given === 'string' && given.length < 1024) return given
  const time = Math.floor(now / 1000)
    .toString(16)
    .padStart(8, '0')
  const random = randomId()
  return `Root=1-${time}-${random.slice(0, 24)};Parent=${random.slice(24)};Sampled=0`
}

/** 160 random bits in hex. */
function randomId(): string {
  if (used + ID_BYTES > drawn.length) {
    randomFillSync(drawn)
    used = 0
  }
  used += ID_BYTES
  return drawn.toString('hex', used - ID_BYTES, used)
}
