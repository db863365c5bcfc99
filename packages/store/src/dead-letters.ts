// Events that were given up and have no other place to go: no destination and no dead-letter queue,
// or one that could not be reached, or a function that is gone. They stay for two weeks, so that an
// operator can look at them and have them tried again.

import { decode, encode } from '@hearth/bus/envelope'
import { type DeadLetter, deadLetterSubject, STREAMS } from '@hearth/bus/messages'
import type { Streams } from '@hearth/bus/streams'
import { laneKey } from './lane-key.ts'

export interface StoredDeadLetter extends DeadLetter {
  sequence: number
  payload: Uint8Array
}

export interface DeadLetters {
  /** Resolves once the disk has it; of several of one event, or one delivery, the first stays. */
  bury(letter: DeadLetter, payload: Uint8Array): Promise<void>
  /** Those of one function, oldest first, from the sequence on. */
  list(
    of: { account: string; functionName: string },
    page: { fromSequence?: number; limit: number },
  ): Promise<StoredDeadLetter[]>
  /** How many there are, by lane. */
  counts(): Promise<Record<string, number>>
  remove(letter: { sequence: number }): Promise<void>
}

const BYTES_MAX = 1024 * 1024 * 1024
const SECONDS_KEPT = 14 * 86_400
const READ_MS_MAX = 10_000

export async function openDeadLetters(streams: Streams): Promise<DeadLetters> {
  const { name } = STREAMS.deadLetters
  await streams.open({
    ...STREAMS.deadLetters,
    bytesMax: BYTES_MAX,
    ageSecondsMax: SECONDS_KEPT,
    removable: true,
    discardsOldest: true,
  })
  return {
    async bury(letter, payload) {
      const { account, functionName, requestId } = letter.event
      // What one event is told of may fail to arrive at several places.
      const id = letter.delivery?.id.replaceAll('.', '-') ?? requestId
      const subject = deadLetterSubject(laneKey(account, functionName), id)
      await streams.append(subject, encode(letter, payload), { ifAbsent: true })
    },

    async list({ account, functionName }, { fromSequence, limit }) {
      const subject = deadLetterSubject(laneKey(account, functionName), '*')
      const { subjects, lastSequence } = await streams.facts(name, subject)
      const wanted = Math.min(Object.keys(subjects).length, limit)
      const found: StoredDeadLetter[] = []
      if (wanted === 0 || (fromSequence ?? 0) > lastSequence) return found
      const signal = AbortSignal.timeout(READ_MS_MAX)
      const from = fromSequence === undefined ? {} : { fromSequence }
      for await (const message of streams.read(name, { subject, signal, ...from })) {
        const { meta, body } = decode<DeadLetter>(message.data)
        found.push({ ...meta, sequence: message.sequence, payload: body })
        if (found.length >= wanted || message.sequence >= lastSequence) break
      }
      return found
    },

    async counts() {
      const { subjects } = await streams.facts(name)
      const counts: Record<string, number> = {}
      for (const subject of Object.keys(subjects)) {
        const lane = subject.split('.')[1] ?? ''
        counts[lane] = (counts[lane] ?? 0) + 1
      }
      return counts
    },

    remove: ({ sequence }) => streams.remove(name, sequence),
  }
}
