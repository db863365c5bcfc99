// The first of two: before an attempt that was made again counts, the ledger is looked through for
// it from when a first may have been made, up to the segment in hand. Without faults nothing is
// read.

import type { Ledger } from '@hearth/store/ledger'
import { attemptOf, isWork } from './billing.ts'
import type { Books, Entry } from './books.ts'

export interface EarlierParts {
  ledger: Pick<Ledger, 'segments' | 'timeOf'>
  books: Pick<Books, 'doubtful'>
  /** Ends the looking; what it has found by then is not all. */
  signal: AbortSignal
}

/** Pollers' clocks and that of NATS. */
const CLOCKS_DIFFER_MS = 60_000

/** Of the attempts of a segment that were made again: those that an earlier segment has. */
export async function counted(
  { ledger, books, signal }: EarlierParts,
  { sequence, segment }: Pick<Entry, 'segment' | 'sequence'>,
): Promise<Set<string>> {
  const sought = books.doubtful(segment)
  const found = new Set<string>()
  if (sought.length === 0) return found
  const names = new Set(sought.map(attemptOf))
  const since = Math.min(...sought.map(({ againSince = 0 }) => againSince))
  // A clock that was set back meanwhile puts the segment before that, where looking would not end.
  const stored = (await ledger.timeOf(sequence)) ?? since
  const fromTime = Math.max(Math.min(since, stored) - CLOCKS_DIFFER_MS, 0)
  const end = new AbortController()
  const either = AbortSignal.any([signal, end.signal])
  for await (const earlier of ledger.segments({ fromTime }, either)) {
    if (earlier.sequence >= sequence) break
    const records = earlier.segment.records.filter(isWork).map(attemptOf)
    for (const name of records) if (names.has(name)) found.add(name)
  }
  end.abort()
  return found
}
