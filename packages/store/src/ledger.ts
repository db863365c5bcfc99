// The ledger: invocation records in segments, each stored once under a subject that can be taken
// only once, and the totals that metering rolls up from them. Totals carry the position up to which
// they are complete.

import type { Bus } from '@hearth/bus/connect'
import { BUCKETS, type LedgerSegment, STREAMS } from '@hearth/bus/messages'
import { openRecords, type Revised } from '@hearth/bus/records'
import type { Streams } from '@hearth/bus/streams'

export interface Ledger {
  /** @returns whether the segment is new; it is in the ledger either way. */
  ship(subject: string, segment: LedgerSegment): Promise<'already there' | 'stored'>
  /**
   * Segments in order, without gaps, endless until the signal: from a sequence on, or from a time
   * in milliseconds since the epoch.
   */
  segments(
    from: { fromSequence: number } | { fromTime: number },
    signal: AbortSignal,
  ): AsyncIterable<{ sequence: number; segment: LedgerSegment }>
  /** The newest sequence, 0 when the ledger is empty. */
  lastSequence(): Promise<number>
  totals<T>(): Totals<T>
}

/** One value by compare-and-set. */
export interface Totals<T> {
  get(): Promise<Revised<T> | undefined>
  put(value: T, revision: number | undefined): Promise<number | 'stale'>
}

const BYTES_MAX = 2 * 1024 * 1024 * 1024
const DAYS_KEPT = 400
const SECONDS_PER_DAY = 86_400
const TOTALS_BYTES_MAX = 64 * 1024 * 1024
const KEY = 'totals'

export async function openLedger(bus: Bus, streams: Streams): Promise<Ledger> {
  await streams.open({
    ...STREAMS.ledger,
    bytesMax: BYTES_MAX,
    ageSecondsMax: DAYS_KEPT * SECONDS_PER_DAY,
  })
  const records = await openRecords<unknown>(bus, {
    bucket: BUCKETS.totals,
    bytesMax: TOTALS_BYTES_MAX,
  })
  return {
    async ship(subject, segment) {
      const bytes = Buffer.from(JSON.stringify(segment))
      const stored = await streams.append(subject, bytes, { ifAbsent: true })
      return stored === 'already there' ? stored : 'stored'
    },
    async *segments(from, signal) {
      for await (const message of streams.read(STREAMS.ledger.name, { ...from, signal })) {
        const segment = JSON.parse(Buffer.from(message.data).toString()) as LedgerSegment
        yield { sequence: message.sequence, segment }
      }
    },
    lastSequence: async () => (await streams.facts(STREAMS.ledger.name)).lastSequence,
    totals: <T>() => ({
      get: async () => (await records.get(KEY)) as Revised<T> | undefined,
      async put(value: T, revision: number | undefined) {
        if (revision !== undefined) return records.update(KEY, value, revision)
        const created = await records.create(KEY, value)
        return created === 'exists' ? 'stale' : created
      },
    }),
  }
}
