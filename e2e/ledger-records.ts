// The ledger as it is at this moment, read past Hearth: every record of an attempt, in order. Tests
// and trials compare it with what was asked and with what is billed.

import type { Streams } from '@hearth/bus/streams'
import type { InvocationRecord } from '@hearth/core/invocation'
import { openLedger } from '@hearth/store/ledger'

export async function readLedger(streams: Streams): Promise<InvocationRecord[]> {
  const ledger = await openLedger(streams)
  const last = await ledger.lastSequence()
  const records: InvocationRecord[] = []
  if (last === 0) return records
  const end = new AbortController()
  for await (const { sequence, segment } of ledger.segments({ fromSequence: 1 }, end.signal)) {
    records.push(...segment.records)
    if (sequence >= last) end.abort()
  }
  return records
}
