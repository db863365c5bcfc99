// Tumbling windows: which records belong together by the time at which they arrived, and what the
// function is told of its window beside them. Pure; the lane keeps the open window and its state.
// A window that was closed is never opened again for late records: they go into the next.

export interface WindowState {
  /** Milliseconds since the epoch. */
  startsAt: number
  /** What the function returned last. */
  state: unknown
}

/** AWS ends a window early when its state is larger (Lambda guide, "tumbling windows"). */
export const STATE_BYTES_MAX = 1024 * 1024

/** When the window begins into which a record falls that arrived then. */
export function windowStart(arrivedAt: number, seconds: number, open?: WindowState): number {
  const ms = seconds * 1000
  const startsAt = Math.floor(arrivedAt / ms) * ms
  return Math.max(startsAt, open?.startsAt ?? startsAt)
}

export const windowEnd = ({ startsAt }: WindowState, seconds: number) => startsAt + seconds * 1000

/** How many of the records, from the first on, fall into one window. */
export function inOneWindow(
  arrivals: readonly number[],
  seconds: number,
  open?: WindowState,
): { startsAt: number; count: number } {
  const [first = 0] = arrivals
  const startsAt = windowStart(first, seconds, open)
  const later = arrivals.findIndex((at) => windowStart(at, seconds, open) > startsAt)
  return { startsAt, count: later < 0 ? arrivals.length : later }
}

/** What AWS adds to the event. */
export function windowFacts(
  window: WindowState,
  about: {
    seconds: number
    shard: string
    sourceArn: string
    isFinal: boolean
    endsEarly: boolean
  },
): Record<string, unknown> {
  return {
    window: { start: timeOf(window.startsAt), end: timeOf(windowEnd(window, about.seconds)) },
    state: window.state,
    shardId: about.shard,
    eventSourceARN: about.sourceArn,
    isFinalInvokeForWindow: about.isFinal,
    isWindowTerminatedEarly: about.endsEarly,
  }
}

/** The state that the function handed back; none is an empty one. */
export function stateIn(payload: string): unknown {
  try {
    return JSON.parse(payload)?.state ?? {}
  } catch {
    return {}
  }
}

const timeOf = (ms: number) => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z')
