// What happened here in the last hour, minute by minute: in all, and for each of the functions that
// were used last. The console draws its charts from it. Counting is a few increments and no I/O;
// what it keeps is bounded, and gone with the scheduler.

import {
  emptyMinute,
  type FunctionHour,
  type HistoryMinute,
  type HistoryQuestion,
  type SchedulerHistory,
} from '@hearth/bus/figures'
import type { InvocationReport } from '@hearth/core/invocation'

export const HISTORY_MINUTES = 60
const MINUTE_MS = 60_000
/** Of more functions than these the least recently used has no minutes of its own. */
const FUNCTIONS_MAX = 200

export class History {
  readonly #since: number
  readonly #max: number
  readonly #all = new Hour()
  readonly #functions = new Map<string, Hour>()
  readonly #idle = new IdleFunctions()

  constructor(now: number, functionsMax = FUNCTIONS_MAX) {
    this.#since = now
    this.#max = functionsMax
  }

  /** It holds a token from now on. */
  began(functionName: string, now: number): void {
    this.#all.begin(now)
    const hour = this.#of(functionName)
    this.#idle.remove(functionName)
    hour.begin(now)
  }

  /** It gave its token back, whatever became of it. */
  ended(functionName: string): void {
    this.#all.end()
    const hour = this.#functions.get(functionName)
    hour?.end()
    if (hour?.running === 0) this.#idle.place(functionName, hour.newest)
  }

  finished(functionName: string, report: InvocationReport, now: number): void {
    count(this.#all.at(now), report)
    count(this.#minuteOf(functionName, now), report)
  }

  /** What runs is of each minute in which it runs; called more than once in each. */
  tick(now: number): void {
    for (const hour of [this.#all, ...this.#functions.values()]) if (hour.running > 0) hour.at(now)
  }

  /** Of one function, or of all together and a summary of each. */
  answer({ functionName }: HistoryQuestion, now: number): Omit<SchedulerHistory, 'schedulerId'> {
    const since = this.#since
    if (functionName !== undefined) {
      const minutes = this.#functions.get(functionName)?.list(now) ?? []
      return { since, minutes, functions: [] }
    }
    const functions = [...this.#functions].flatMap(([name, hour]) => {
      const minutes = hour.list(now)
      return minutes.length === 0 ? [] : [summary(name, minutes, now)]
    })
    return { since, minutes: this.#all.list(now), functions }
  }

  #minuteOf(functionName: string, now: number): HistoryMinute {
    const hour = this.#of(functionName)
    const minute = hour.at(now)
    if (hour.running === 0) this.#idle.place(functionName, hour.newest)
    return minute
  }

  #of(functionName: string): Hour {
    const known = this.#functions.get(functionName)
    if (known) return known
    if (this.#functions.size >= this.#max) this.#forget()
    const hour = new Hour()
    this.#functions.set(functionName, hour)
    return hour
  }

  /** Of those of which nothing runs the one that was used longest ago, else any. */
  #forget(): void {
    const [first] = this.#functions.keys()
    const oldest = this.#idle.takeOldest() ?? first
    if (oldest !== undefined) this.#functions.delete(oldest)
  }
}

/**
 * Functions of which nothing runs, by the minute in which each was last used. Whoever calls one new
 * function after another has one forgotten with each call, so that must not look at all of them.
 */
class IdleFunctions {
  readonly #minuteOf = new Map<string, number>()
  readonly #byMinute = new Map<number, Set<string>>()
  /** No minute before it has any. It grows with time, and so do the steps that it takes. */
  #oldest = 0

  place(functionName: string, minute: number): void {
    if (this.#minuteOf.get(functionName) === minute) return
    this.remove(functionName)
    this.#oldest = this.#minuteOf.size === 0 ? minute : Math.min(this.#oldest, minute)
    this.#minuteOf.set(functionName, minute)
    const names = this.#byMinute.get(minute)
    if (names) names.add(functionName)
    else this.#byMinute.set(minute, new Set([functionName]))
  }

  remove(functionName: string): void {
    const minute = this.#minuteOf.get(functionName)
    if (minute === undefined) return
    this.#minuteOf.delete(functionName)
    const names = this.#byMinute.get(minute)
    names?.delete(functionName)
    if (names?.size === 0) this.#byMinute.delete(minute)
  }

  takeOldest(): string | undefined {
    if (this.#minuteOf.size === 0) return undefined
    while (!this.#byMinute.has(this.#oldest)) this.#oldest += 1
    const [name = ''] = this.#byMinute.get(this.#oldest) ?? []
    this.remove(name)
    return name
  }
}

/** Minutes by their number modulo an hour; each place is taken over when its minute comes round. */
class Hour {
  readonly #minutes: (HistoryMinute | undefined)[] = []
  newest = 0
  running = 0

  begin(now: number): void {
    this.running += 1
    const minute = this.at(now)
    minute.runningMax = Math.max(minute.runningMax, this.running)
  }

  /** One that began before this hour was kept is not known here. */
  end(): void {
    this.running = Math.max(this.running - 1, 0)
  }

  at(now: number): HistoryMinute {
    const minute = Math.floor(now / MINUTE_MS)
    const known = this.#minutes[minute % HISTORY_MINUTES]
    if (known?.minute === minute) return known
    const made = { ...emptyMinute(minute), runningMax: this.running }
    this.#minutes[minute % HISTORY_MINUTES] = made
    this.newest = Math.max(this.newest, minute)
    return made
  }

  /** Oldest first, without those in which nothing happened. */
  list(now: number): HistoryMinute[] {
    const oldest = Math.floor(now / MINUTE_MS) - HISTORY_MINUTES
    const lately = this.#minutes.filter((one) => one !== undefined && one.minute > oldest)
    return (lately as HistoryMinute[]).sort((a, b) => a.minute - b.minute)
  }
}

function count(minute: HistoryMinute, report: InvocationReport): void {
  const { start, coldReason, outcome, durationMs } = report
  minute.invocations += 1
  if (outcome !== 'success') minute.errors += 1
  minute.durationMs += durationMs
  minute.durationMsMax = Math.max(minute.durationMsMax, durationMs)
  minute.starts[start] = (minute.starts[start] ?? 0) + 1
  if (coldReason) minute.coldReasons[coldReason] = (minute.coldReasons[coldReason] ?? 0) + 1
}

function summary(functionName: string, minutes: HistoryMinute[], now: number): FunctionHour {
  const first = Math.floor(now / MINUTE_MS) - HISTORY_MINUTES + 1
  const invocations = Array.from({ length: HISTORY_MINUTES }, () => 0)
  const hour = { functionName, invocations, errors: 0, throttles: 0, durationMs: 0 }
  for (const one of minutes) {
    invocations[one.minute - first] = one.invocations
    hour.errors += one.errors
    hour.throttles += one.throttles
    hour.durationMs += one.durationMs
  }
  return hour
}
