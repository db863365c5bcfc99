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
}

export const NO_TOTALS: Totals = { position: 0, use: {}, recent: [] }

/** A repetition can only come from a restart, so it is never far behind. */
const RECENT_MAX = 2_000

/** Totals with one more segment; unchanged when the segment is behind the position. */
export function rollUp(
  totals: Totals,
  entry: { sequence: number; segment: LedgerSegment },
): Totals {
  if (entry.sequence <= totals.position) return totals
  const use = { ...totals.use }
  const recent = [...totals.recent]
  const known = new Set(recent)
  for (const record of entry.segment.records) {
    const attempt = `${record.requestId}#${record.attempt}`
    if (known.has(attempt)) continue
    known.add(attempt)
    recent.push(attempt)
    const key = keyOf(record)
    use[key] = add(use[key] ?? NO_USE, useOf(record))
  }
  return { position: entry.sequence, use, recent: recent.slice(-RECENT_MAX) }
}

function keyOf(record: InvocationRecord): string {
  return [record.account, monthOf(record), record.functionName, record.architecture].join('/')
}
