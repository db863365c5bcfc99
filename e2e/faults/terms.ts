// The terms of a trial: what its functions do and may do, by which everything is judged. Pure; the
// load obeys them, and the checker holds Hearth to them.

export interface Terms {
  functions: readonly FunctionTerms[]
  /** Runs that all functions may have at a time. */
  concurrency: number
  /** Seconds before the first retry of an event, and the second. */
  retrySeconds: readonly number[]
}

export interface FunctionTerms {
  name: string
  reserved?: number
  /** How many of its runs for one event fail before one succeeds. */
  fails: number
  /** The most milliseconds for which a run does nothing. */
  waitMs: number
}

/** AWS's law where nothing is configured (core/async-event). */
export const RETRIES_MAX = 2
export const AGE_SECONDS_MAX = 21_600

/** How often an event of this function runs when nothing is repeated. */
export const runsOf = ({ fails }: FunctionTerms): number => Math.min(fails, RETRIES_MAX) + 1

const ALWAYS = Number.MAX_SAFE_INTEGER
const KINDS: readonly Omit<FunctionTerms, 'name'>[] = [
  { fails: 0, waitMs: 0 },
  { fails: 0, waitMs: 40, reserved: 1 },
  { fails: 1, waitMs: 0 },
  { fails: 0, waitMs: 300, reserved: 7 },
  { fails: ALWAYS, waitMs: 0 },
  { fails: 0, waitMs: 1_500 },
]
const NAMES = ['quick', 'one', 'once', 'seven', 'never', 'slow']

/** So many functions, of every kind as far as they go round. */
export function termsFor(functions: number): Terms {
  return {
    functions: Array.from({ length: functions }, (_, index) => {
      const kind = KINDS[index % KINDS.length] as (typeof KINDS)[number]
      return { name: `${NAMES[index % NAMES.length]}-${index}`, ...kind }
    }),
    concurrency: 40,
    // AWS's 60 and 120, sixty times as fast.
    retrySeconds: [1, 2],
  }
}
