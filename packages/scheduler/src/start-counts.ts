// How the invocations of the last minute found their environments: a count a second for each way
// and reason, so that adding one costs an increment and nothing grows with the load.

import type { StartCount } from '@hearth/bus/messages'
import type { ColdReason, Start, StartKind } from '@hearth/core/invocation'

const SECONDS = 60

interface Minute {
  start: StartKind
  coldReason: ColdReason | undefined
  /** By second, modulo a minute. */
  counts: Uint32Array
  /** The newest second that was counted. */
  second: number
}

export class StartCounts {
  /** Few: there are five ways to start and six reasons. */
  readonly #minutes: Minute[] = []

  /** Counts one invocation; `now` is on the monotonic clock, in milliseconds. */
  add({ start, coldReason }: Start, now: number): void {
    const minute = this.#of(start, coldReason)
    const second = Math.floor(now / 1000)
    forget(minute, second)
    const index = second % SECONDS
    minute.counts[index] = (minute.counts[index] ?? 0) + 1
  }

  /** The minute before `now`, without zeros. */
  list(now: number): StartCount[] {
    return this.#minutes.flatMap((minute) => {
      forget(minute, Math.floor(now / 1000))
      const { start, coldReason, counts } = minute
      const count = counts.reduce((sum, one) => sum + one, 0)
      return count === 0 ? [] : [{ start, count, ...(coldReason && { coldReason }) }]
    })
  }

  #of(start: StartKind, coldReason: ColdReason | undefined): Minute {
    for (const known of this.#minutes) {
      if (known.start === start && known.coldReason === coldReason) return known
    }
    const minute = { start, coldReason, counts: new Uint32Array(SECONDS), second: 0 }
    this.#minutes.push(minute)
    return minute
  }
}

/** Zeroes the seconds since the newest, which are a minute old when they come round again. */
function forget(minute: Minute, second: number): void {
  const steps = Math.min(second - minute.second, SECONDS)
  for (let step = 0; step < steps; step += 1) minute.counts[(second - step) % SECONDS] = 0
  minute.second = Math.max(minute.second, second)
}
