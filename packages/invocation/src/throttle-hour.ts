// The throttles of the last hour at a process's doors, minute by minute, in all and for each of the
// functions that were throttled last. The console draws them; what is kept is bounded, and gone
// with the process.

import type { DoorThrottles, ThrottleQuestion } from '@hearth/bus/figures'

const HOUR_MINUTES = 60
const MINUTE_MS = 60_000
/** Of more functions than these the one that was throttled longest ago has no minutes of its own. */
const FUNCTIONS_MAX = 200

/** By minutes since the epoch. */
type Minutes = Map<number, number>

export class ThrottleHour {
  readonly #all: Minutes = new Map()
  /** The one that was throttled longest ago comes first. */
  readonly #functions = new Map<string, Minutes>()

  add(functionName: string, now: number): void {
    const minute = Math.floor(now / MINUTE_MS)
    const own = this.#functions.get(functionName) ?? new Map()
    this.#functions.delete(functionName)
    const [oldest] = this.#functions.keys()
    if (this.#functions.size >= FUNCTIONS_MAX && oldest !== undefined) {
      this.#functions.delete(oldest)
    }
    this.#functions.set(functionName, own)
    for (const minutes of [this.#all, own]) count(minutes, minute)
  }

  /** Of one function, or of all together and a sum of each. */
  answer({ functionName }: ThrottleQuestion, now: number): Omit<DoorThrottles, 'doorId'> {
    const since = Math.floor(now / MINUTE_MS) - HOUR_MINUTES
    const lately = (minutes: Minutes) => [...minutes].filter(([minute]) => minute > since)
    if (functionName !== undefined) {
      const own = this.#functions.get(functionName) ?? new Map()
      return { functionName, minutes: lately(own), functions: [] }
    }
    const functions = [...this.#functions].flatMap(([name, minutes]): [string, number][] => {
      const sum = lately(minutes).reduce((total, [, times]) => total + times, 0)
      return sum === 0 ? [] : [[name, sum]]
    })
    return { minutes: lately(this.#all), functions }
  }
}

function count(minutes: Minutes, minute: number): void {
  minutes.set(minute, (minutes.get(minute) ?? 0) + 1)
  // Minutes come in their order, but for a clock that was set.
  const [oldest] = minutes.keys()
  if (minutes.size > HOUR_MINUTES && oldest !== undefined) minutes.delete(oldest)
}
