// What an attempt costs in units: one request, and megabyte-milliseconds of compute. Pure, and
// integers only, so that sums are exact in whatever order they are made; money comes in at the very
// end, in core/bill.

import type { ProvisionedRecord } from '@hearth/bus/messages'
import { type InvocationRecord, STREAMED_BYTES_FREE } from '@hearth/core/invocation'
import { NO_USE, type Use } from '@hearth/core/price-list'

/** Ephemeral storage that is part of every function (Lambda pricing). */
const STORAGE_MB_FREE = 512
const DAY_MS = 86_400_000

/** Names an attempt. */
export const attemptOf = ({ requestId, attempt }: InvocationRecord) => `${requestId}#${attempt}`

/** A crash is on the house, and the same attempt made again is not. */
export const isWork = ({ outcome }: InvocationRecord) => outcome !== 'crashed'

/** A crash of the platform is on the house; everything else counts, failed functions too. */
export function useOf(record: InvocationRecord): Use {
  if (!isWork(record)) return NO_USE
  const storageMb = Math.max(record.ephemeralStorageMb - STORAGE_MB_FREE, 0)
  const mbMs = record.memoryMb * record.billedMs
  const isProvisioned = record.start === 'provisioned'
  return {
    requests: 1,
    mbMs: isProvisioned ? 0 : mbMs,
    provisionedMbMs: isProvisioned ? mbMs : 0,
    configuredMbMs: 0,
    storageMbMs: storageMb * record.billedMs,
    streamedBytes: Math.max((record.streamedBytes ?? 0) - STREAMED_BYTES_FREE, 0),
  }
}

export function useOfProvisioned({ count, memoryMb, durationMs }: ProvisionedRecord): Use {
  return { ...NO_USE, configuredMbMs: count * memoryMb * durationMs }
}

/** Days repeat for millions of records, and dates are dear. */
const known = new Map<number, string>()
const KNOWN_MAX = 1_000

/** `YYYY-MM-DD` in UTC, on which a record counts: the day on which its attempt began. */
export function dayOf({ startedAt }: { startedAt: number }): string {
  const number = Math.floor(startedAt / DAY_MS)
  const found = known.get(number)
  if (found) return found
  if (known.size >= KNOWN_MAX) known.clear()
  const day = new Date(number * DAY_MS).toISOString().slice(0, 'YYYY-MM-DD'.length)
  known.set(number, day)
  return day
}
