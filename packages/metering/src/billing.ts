// What an attempt costs in units: one request, and megabyte-milliseconds of compute. Pure, and
// integers only, so that sums are exact in whatever order they are made; money comes in at the very
// end, in bill.ts.

import { type InvocationRecord, STREAMED_BYTES_FREE } from '@hearth/core/invocation'

/** Units of use; all are integers. */
export interface Use {
  requests: number
  /** Memory size x billed duration. */
  mbMs: number
  /** Ephemeral storage over the 512 MB that come free x billed duration. */
  storageMbMs: number
  /** Bytes of streamed responses beyond the 6 MB of each that come free. */
  streamedBytes: number
}

/** Ephemeral storage that is part of every function (Lambda pricing). */
const STORAGE_MB_FREE = 512

export const NO_USE: Use = { requests: 0, mbMs: 0, storageMbMs: 0, streamedBytes: 0 }

/** A crash of the platform is on the house; everything else counts, failed functions too. */
export function useOf(record: InvocationRecord): Use {
  if (record.outcome === 'crashed') return NO_USE
  const storageMb = Math.max(record.ephemeralStorageMb - STORAGE_MB_FREE, 0)
  return {
    requests: 1,
    mbMs: record.memoryMb * record.billedMs,
    storageMbMs: storageMb * record.billedMs,
    streamedBytes: Math.max((record.streamedBytes ?? 0) - STREAMED_BYTES_FREE, 0),
  }
}

export function add(a: Use, b: Use): Use {
  return {
    requests: a.requests + b.requests,
    mbMs: a.mbMs + b.mbMs,
    storageMbMs: a.storageMbMs + b.storageMbMs,
    // Totals of an earlier Hearth have none.
    streamedBytes: (a.streamedBytes ?? 0) + b.streamedBytes,
  }
}

/** `YYYY-MM` in UTC, in which a record counts: the month in which its attempt began. */
export function monthOf(record: InvocationRecord): string {
  return new Date(record.startedAt).toISOString().slice(0, 7)
}
