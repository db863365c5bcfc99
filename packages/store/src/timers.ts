// What is to be put on a queue when its time has come: a message of its own for each, body and all,
// until it has been put there. Waiting lives here and never in a queue, where it would keep ready
// work from being handed out.

import { decode, encode } from '@hearth/bus/envelope'
import { STREAMS, timerSubject } from '@hearth/bus/messages'
import type { Streams } from '@hearth/bus/streams'
import type { AsyncEvent } from '@hearth/core/async-event'

export interface Timers {
  /** Resolves once the disk has it; a timer that is there already stays as it is. */
  set(event: AsyncEvent, payload: Uint8Array, dueAt: number): Promise<void>
  /** Timers of one shard from the oldest on, endless until the signal. */
  read(shard: number, signal: AbortSignal): AsyncIterable<TimerMark>
  /** Undefined when it is gone. */
  get(mark: TimerMark): Promise<{ event: AsyncEvent; payload: Uint8Array } | undefined>
  remove(mark: TimerMark): Promise<void>
  shards: number
}

/** What is kept in memory of a timer. */
export interface TimerMark {
  sequence: number
  /** Milliseconds since the epoch. */
  dueAt: number
  /** It could not be put back once, or nobody knows whether it was. */
  tried?: true
}

interface TimerHead {
  event: AsyncEvent
  dueAt: number
}

const SHARDS = 4
const BYTES_MAX = 1024 * 1024 * 1024
/** Nothing waits for longer than an event may live. */
const AGE_SECONDS_MAX = 2 * 86_400

export async function openTimers(streams: Streams): Promise<Timers> {
  const { name } = STREAMS.timers
  await streams.open({
    ...STREAMS.timers,
    bytesMax: BYTES_MAX,
    ageSecondsMax: AGE_SECONDS_MAX,
    removable: true,
  })
  return {
    async set(event, payload, dueAt) {
      const shard = Number.parseInt(event.requestId.slice(0, 2), 16) % SHARDS || 0
      const subject = timerSubject(shard, `${event.requestId}-${event.attempt}`)
      const head: TimerHead = { event, dueAt }
      await streams.append(subject, encode(head, payload), { ifAbsent: true })
    },
    async *read(shard, signal) {
      for await (const message of streams.read(name, {
        subject: timerSubject(shard, '*'),
        signal,
      })) {
        yield { sequence: message.sequence, dueAt: decode<TimerHead>(message.data).meta.dueAt }
      }
    },
    async get({ sequence }) {
      const message = await streams.message(name, sequence)
      if (!message) return undefined
      const { meta, body } = decode<TimerHead>(message.data)
      return { event: meta.event, payload: body }
    },
    remove: ({ sequence }) => streams.remove(name, sequence),
    shards: SHARDS,
  }
}
