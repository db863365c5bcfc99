// From the ledger to totals: a pure step that takes one segment in. The position travels in the
// same value as the totals, so whoever stores the outcome by compare-and-set counts each segment
// exactly once; attempts seen twice within the last ones remembered are counted the first time
// only.

import type { LedgerSegment } from '@hearth/bus/messages'
import type { InvocationRecord } from '@hearth/core/invocation'
import { add, monthOf, NO_USE, type Use, useOf } from './billing.ts'

/** `account/month/function/architecture` -> use. */
export type UseByKey = Record<string, Use>

export interface Totals {
  /** The ledger's sequence up to which everything is in here. */
  position: number
  use: UseByKey
  /** The newest attempts, oldest first, by which a repeated one is known. */
  recent: string[]
  /** Attempts that were made again, and when: what they repeat may be told later than they are. */
  repeated?: Record<string, number>
}

export const NO_TOTALS: Totals = { position: 0, use: {}, recent: [] }

/** Most repetitions come from a restart, and are not far behind. */
const RECENT_MAX = 2_000
/** Nothing that is repeated can be told later than this: no event lives longer. */
const REPEATED_MS = 24 * 3_600_000
const REPEATED_MAX = 20_000
const NONE: ReadonlySet<string> = new Set()

/** Attempts of a segment that may have been counted long ago: whoever had them died. */
export function doubtful(totals: Totals, segment: LedgerSegment): InvocationRecord[] {
  const known = new Set(totals.recent)
  return segment.records.filter(
    (record) => record.againSince !== undefined && isWork(record) && !known.has(attemptOf(record)),
  )
}

/** Names an attempt. */
export const attemptOf = ({ requestId, attempt }: InvocationRecord) => `${requestId}#${attempt}`

/** A crash is on the house, and the same attempt made again is not. */
export const isWork = ({ outcome }: InvocationRecord) => outcome !== 'crashed'

/**
 * Totals with one more segment; unchanged when the segment is behind the position.
 * @param counted attempts that an earlier segment has, of those that are doubtful.
 */
export function rollUp(
  totals: Totals,
  entry: { sequence: number; segment: LedgerSegment },
  counted: ReadonlySet<string> = NONE,
): Totals {
  if (entry.sequence <= totals.position) return totals
  const use = { ...totals.use }
  const recent = [...totals.recent]
  const repeated = { ...totals.repeated }
  const known = new Set([...recent, ...counted, ...Object.keys(repeated)])
  for (const record of entry.segment.records) {
    const attempt = attemptOf(record)
    if (!isWork(record) || known.has(attempt)) continue
    known.add(attempt)
    recent.push(attempt)
    if (record.againSince !== undefined) repeated[attempt] = record.startedAt
    const key = keyOf(record)
    use[key] = add(use[key] ?? NO_USE, useOf(record))
  }
  return {
    position: entry.sequence,
    use,
    recent: recent.slice(-RECENT_MAX),
    repeated: lately(repeated, entry.segment),
  }
}

/** Without those that nothing can repeat any more. */
function lately(repeated: Record<string, number>, { records }: LedgerSegment) {
  const now = Math.max(0, ...records.map(({ startedAt }) => startedAt))
  const kept = Object.entries(repeated).filter(([, at]) => at > now - REPEATED_MS)
  return Object.fromEntries(kept.slice(-REPEATED_MAX))
}

function keyOf(record: InvocationRecord): string {
  return [record.account, monthOf(record), record.functionName, record.architecture].join('/')
}
