// What schedulers, pollers and doors tell of themselves when somebody looks: the bodies of the
// subjects `history`, `progress` and `throttles`, which messages.ts names.

import type { ColdReason, StartKind } from '@hearth/core/invocation'

/** Of which function the minutes are wanted; of all together when absent. */
export interface HistoryQuestion {
  functionName?: string
}

/** What one scheduler counted in the last hour, by its own clock. */
export interface SchedulerHistory {
  schedulerId: string
  /** Milliseconds since the epoch at which it began to count. */
  since: number
  /** Oldest first; minutes in which nothing happened are not there. */
  minutes: HistoryMinute[]
  /** Each function's part, unless one was named. */
  functions: FunctionHour[]
}

/** One minute; errors are those of functions, and are invocations, too. */
export interface HistoryMinute {
  /** Minutes since the epoch. */
  minute: number
  invocations: number
  errors: number
  /** Counted at doors: 0 as a scheduler tells it. */
  throttles: number
  /** All durations together, and the longest. */
  durationMs: number
  durationMsMax: number
  /** The most that held a token at a time. */
  runningMax: number
  starts: Partial<Record<StartKind, number>>
  coldReasons: Partial<Record<ColdReason, number>>
}

/** One in which nothing happened. */
export const emptyMinute = (minute: number): HistoryMinute => ({
  minute,
  invocations: 0,
  errors: 0,
  throttles: 0,
  durationMs: 0,
  durationMsMax: 0,
  runningMax: 0,
  starts: {},
  coldReasons: {},
})

/** One function's last hour in short. */
export interface FunctionHour {
  functionName: string
  /** By minute, oldest first; the last is this minute. */
  invocations: number[]
  errors: number
  throttles: number
  durationMs: number
}

/** Of which function the throttles are wanted; of all together when absent. */
export interface ThrottleQuestion {
  functionName?: string
}

/** What one process refused at its doors in the last hour, by its own clock. */
export interface DoorThrottles extends ThrottleQuestion {
  /** Tells its answers from those of others: each is the newest of its process. */
  doorId: string
  /** By minutes since the epoch; those in which nothing was refused are not there. */
  minutes: [minute: number, throttles: number][]
  /** Each function's sum, unless one was named. */
  functions: [functionName: string, throttles: number][]
}

/** How far the mappings are that one poller works for. */
export interface PollerProgress {
  /** Tells its answers from those of others: each is the newest of its poller. */
  pollerId: string
  mappings: MappingProgress[]
}

/** Records since that poller began; what is unknown of the lag is absent. */
export interface MappingProgress {
  uuid: string
  received: number
  filteredOut: number
  invoked: number
  failed: number
  lag: { records?: number; behindMs?: number }
}
