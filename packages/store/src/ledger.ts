// The ledger: invocation records in segments, each stored once under a subject that can be taken
// only once. It is kept for 400 days or until it is full; the oldest go first, since totals have
// them.

import { type LedgerSegment, STREAMS } from '@hearth/bus/messages'
import type { StreamFacts, Streams } from '@hearth/bus/streams'
import { pack, unpack } from './packed.ts'

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
  ): AsyncIterable<{ sequence: number; subject: string; segment: LedgerSegment }>
  /** The newest sequence, 0 when the ledger is empty. */
  lastSequence(): Promise<number>
  /** How much there is, and from which sequence to which. */
  facts(): Promise<Omit<StreamFacts, 'subjects'>>
  /** When a segment was stored, in milliseconds since the epoch; undefined when it is gone. */
  timeOf(sequence: number): Promise<number | undefined>
  /** The newest subject of those that fit, wildcards allowed. */
  lastSubject(subjects: string): Promise<string | undefined>
}

const BYTES_MAX = 2 * 1024 * 1024 * 1024
const DAYS_KEPT = 400
const SECONDS_PER_DAY = 86_400
/** Each segment has a subject of its own: a list of them all would be long, and nobody wants it. */
const NO_SUBJECTS = 'meter._'

export async function openLedger(streams: Streams): Promise<Ledger> {
  const { name } = STREAMS.ledger
  await streams.open({
    ...STREAMS.ledger,
    bytesMax: BYTES_MAX,
    discardsOldest: true,
    ageSecondsMax: DAYS_KEPT * SECONDS_PER_DAY,
  })
  return {
    async ship(subject, segment) {
      const stored = await streams.append(subject, await pack(segment), { ifAbsent: true })
      return stored === 'already there' ? stored : 'stored'
    },
    async *segments(from, signal) {
      for await (const message of streams.read(name, { ...from, signal })) {
        const segment = unpack<LedgerSegment>(message.data)
        yield { sequence: message.sequence, subject: message.subject, segment }
      }
    },
    lastSequence: async () => (await streams.facts(name, NO_SUBJECTS)).lastSequence,
    async facts() {
      const { subjects: _, ...facts } = await streams.facts(name, NO_SUBJECTS)
      return facts
    },
    timeOf: async (sequence) => (await streams.message(name, sequence))?.time,
    lastSubject: async (subjects) => (await streams.last(name, subjects))?.subject,
  }
}
