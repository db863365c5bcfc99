// How a queue's records become batches, and how many of those may run at a time: decisions alone,
// with time handed in. AWS gathers until the batch is full, its window has passed or its payload is
// 6 MB, begins with five batches at a time, and adds up to 300 a minute while there is work.

import { SYNC_PAYLOAD_BYTES_MAX } from '@hearth/core/invocation'

/** Bytes of records in one payload; the rest is the list around them. */
export const BATCH_BYTES_MAX = SYNC_PAYLOAD_BYTES_MAX - 64
/** How long an idle lane waits for a first record in one go. */
const IDLE_WAIT_MS = 20_000

export type Step = { kind: 'invoke' } | { kind: 'receive'; max: number; waitMs: number }

/** What to do with a batch that gathers. */
export function nextStep(
  facts: { count: number; isFull: boolean; sinceFirstMs: number },
  settings: { batchSize: number; windowMs: number },
): Step {
  const max = settings.batchSize - facts.count
  if (facts.count === 0) return { kind: 'receive', max, waitMs: IDLE_WAIT_MS }
  const waitMs = settings.windowMs - facts.sinceFirstMs
  if (facts.isFull || max <= 0 || waitMs <= 0) return { kind: 'invoke' }
  return { kind: 'receive', max, waitMs: Math.min(waitMs, IDLE_WAIT_MS) }
}

/** As many of the records, in order, as fit into one batch with what is gathered; at least one. */
export function fitting<R extends { size: number }>(
  records: readonly R[],
  gathered: { count: number; bytes: number },
  batchSize: number,
): number {
  let { bytes } = gathered
  let fits = 0
  for (const { size } of records) {
    const count = gathered.count + fits
    bytes += size + 1
    if (count >= batchSize || (bytes > BATCH_BYTES_MAX && count > 0)) break
    fits += 1
  }
  return fits
}

/** Lanes of a mapping: each gathers a batch, has it run, and begins again. */
export interface Lanes {
  allowed: number
  /** No growth before this moment, in milliseconds. */
  growAt: number
}

const FIRST_LANES = 5
/** AWS adds up to 300 batches at a time a minute. */
const GROW_EVERY_MS = 200
const AFTER_REFUSAL_MS = 5_000
const AFTER_FAILURE_MS = 1_000

export type Seen =
  /** All lanes are busy, so nobody looks whether more is waiting. */
  | 'all busy'
  /** Nothing was there, and another lane looks, too. */
  | 'idle'
  /** The function failed for the whole batch. */
  | 'failed'
  /** The invocation was throttled, or the platform could not run it. */
  | 'refused'

/** How many lanes there may be after what was seen; always one, and never more than `max`. */
export function adjustLanes(
  lanes: Lanes,
  seen: Seen,
  { now, max }: { now: number; max: number },
): Lanes {
  switch (seen) {
    case 'all busy': {
      if (lanes.allowed >= max || now < lanes.growAt) return lanes
      const allowed = lanes.allowed + 1
      return { allowed, growAt: allowed < FIRST_LANES ? now : now + GROW_EVERY_MS }
    }
    case 'idle':
      return { ...lanes, allowed: Math.max(1, lanes.allowed - 1) }
    case 'failed':
      return { allowed: Math.max(1, lanes.allowed - 1), growAt: now + AFTER_FAILURE_MS }
    case 'refused':
      // One refusal of many at the same moment says all that they say together.
      if (lanes.growAt > now + AFTER_REFUSAL_MS / 2) return lanes
      return {
        allowed: Math.max(1, Math.floor(lanes.allowed / 2)),
        growAt: now + AFTER_REFUSAL_MS,
      }
  }
}

const REFUSED_MS = 500
const REFUSED_MS_MAX = 30_000

/** How long a refused batch waits before it is offered again; `chance` in [0, 1) spreads them. */
export function againMs(refusals: number, chance: number): number {
  const full = Math.min(REFUSED_MS * 2 ** Math.min(refusals - 1, 10), REFUSED_MS_MAX)
  return full * (0.5 + chance / 2)
}
