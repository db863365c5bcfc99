// Streams: append-only subjects in JetStream, for what must be kept in order (the ledger) and for
// what may be lost (log lines). A subject can be claimed once: a second append to it is told so,
// not stored.

import {
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  type MsgRequest,
  type OrderedConsumerOptions,
  type PersistMode,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream'
import { headers, type MsgHdrs } from '@nats-io/transport-node'
import { type Bus, requireConnected } from './connect.ts'

export interface StreamOptions {
  name: string
  subjects: string
  bytesMax: number
  ageSecondsMax: number
  /** Losable streams discard the oldest when full and do not wait for the disk. */
  losable?: boolean
  /** Whether messages may be removed one by one. */
  removable?: boolean
  /** When it is full the oldest go, in the place of refusing the newest. */
  discardsOldest?: boolean
}

export interface StreamMessage {
  subject: string
  sequence: number
  /** Milliseconds since the epoch at which the server stored it. */
  time: number
  /** A short text beside the data, that can be had without it. */
  note?: string
  data: Uint8Array
}

export interface ReadOptions {
  subject?: string | string[]
  fromSequence?: number
  /** Milliseconds since the epoch. */
  fromTime?: number
  /** Ends the reading. */
  signal: AbortSignal
}

export interface Streams {
  /** Makes the stream, or brings its limits up to date. */
  open(options: StreamOptions): Promise<void>
  /** Resolves once the disk has it; `ifAbsent` stores only the first message of a subject. */
  append(
    subject: string,
    data: Uint8Array,
    options?: { ifAbsent?: boolean; note?: string },
  ): Promise<{ sequence: number } | 'already there'>
  /** Without an acknowledgement: for losable streams only. */
  publish(subject: string, data: Uint8Array, note?: string): void
  /** In order, without gaps, endless until the signal. */
  read(stream: string, options: ReadOptions): AsyncIterable<StreamMessage>
  /** The stream's newest message of a subject (wildcards allowed). */
  last(stream: string, subject: string): Promise<StreamMessage | undefined>
  /** The oldest one. */
  first(stream: string, subject: string): Promise<StreamMessage | undefined>
  /** The newest message of each subject that there is, without its data. */
  newest(stream: string, subjects: string): Promise<StreamMessage[]>
  /** The message of a sequence, unless it is gone. */
  message(stream: string, sequence: number): Promise<StreamMessage | undefined>
  /** Of a removable stream; nothing happens when it is gone already. */
  remove(stream: string, sequence: number): Promise<void>
  /** Of a losable or removable stream: all of some subjects, or all before a sequence. */
  purge(stream: string, subjects: string, beforeSequence?: number): Promise<void>
  /** First and last sequence, and how many messages each subject has. */
  facts(stream: string, subjects?: string): Promise<StreamFacts>
}

export interface StreamFacts {
  firstSequence: number
  lastSequence: number
  subjects: Record<string, number>
  /** Of the whole stream. */
  bytes: number
  messages: number
}

const NANOSECONDS = 1_000_000_000
const WRONG_LAST_SEQUENCE = 10071
const NO_MESSAGE_FOUND = 10037
const SEQUENCE_NOT_FOUND = 10043
const INACTIVE_AFTER_MS = 60_000
const NEWEST_MS_MAX = 10_000
const NOTE = 'Hearth-Note'

export async function createStreams(bus: Bus): Promise<Streams> {
  const manager = await bus.jetstream.jetstreamManager()
  return {
    async open(options) {
      const config = streamConfig(options)
      const existing = await manager.streams.info(options.name).catch(() => undefined)
      if (existing) await manager.streams.update(options.name, config)
      else await manager.streams.add(config)
    },

    async append(subject, data, { ifAbsent = false, note } = {}) {
      requireConnected(bus)
      try {
        const expect = ifAbsent ? { lastSubjectSequence: 0 } : {}
        const ack = await bus.jetstream.publish(subject, data, { expect, ...noted(note) })
        return { sequence: ack.seq }
      } catch (error) {
        if (hasCode(error, WRONG_LAST_SEQUENCE)) return 'already there'
        throw error
      }
    },

    publish: (subject, data, note) => bus.control.publish(subject, data, noted(note)),

    read: (stream, options) => read(bus, stream, options),

    last: (stream, subject) => find(manager, stream, { last_by_subj: subject }),

    first: (stream, subject) =>
      find(manager, stream, { seq: 1, next_by_subj: subject } as MsgRequest),

    async newest(stream, subjects) {
      const isEmpty = (await find(manager, stream, { last_by_subj: subjects })) === undefined
      return isEmpty ? [] : newestHeaders(bus, stream, subjects)
    },

    message: (stream, sequence) => find(manager, stream, { seq: sequence }),

    async remove(stream, sequence) {
      try {
        await manager.streams.deleteMessage(stream, sequence, false)
      } catch (error) {
        if (!hasCode(error, NO_MESSAGE_FOUND) && !hasCode(error, SEQUENCE_NOT_FOUND)) throw error
      }
    },

    async purge(stream, subjects, beforeSequence) {
      const before = beforeSequence === undefined ? {} : { seq: beforeSequence }
      await manager.streams.purge(stream, { filter: subjects, ...before })
    },

    facts: (stream, subjects = '>') => factsOf(manager, stream, subjects),
  }
}

async function factsOf(
  manager: JetStreamManager,
  stream: string,
  subjects: string,
): Promise<StreamFacts> {
  const { state } = await manager.streams.info(stream, { subjects_filter: subjects })
  return {
    firstSequence: state.first_seq,
    lastSequence: state.last_seq,
    subjects: state.subjects ?? {},
    bytes: state.bytes,
    messages: state.messages,
  }
}

async function newestHeaders(bus: Bus, stream: string, subjects: string): Promise<StreamMessage[]> {
  const found: StreamMessage[] = []
  const each = deliver(bus, stream, {
    deliver_policy: DeliverPolicy.LastPerSubject,
    headers_only: true,
    filter_subjects: subjects,
    signal: AbortSignal.timeout(NEWEST_MS_MAX),
  })
  for await (const [message, left] of each) {
    found.push(message)
    if (left === 0) break
  }
  return found
}

async function find(
  manager: JetStreamManager,
  stream: string,
  query: MsgRequest,
): Promise<StreamMessage | undefined> {
  try {
    const message = await manager.streams.getMessage(stream, query)
    if (!message) return undefined
    const time = message.time.getTime()
    const { subject, seq: sequence, data } = message
    return { subject, sequence, time, ...readNote(message.header), data }
  } catch (error) {
    if (hasCode(error, NO_MESSAGE_FOUND)) return undefined
    throw error
  }
}

function streamConfig(options: StreamOptions): Partial<StreamConfig> & { name: string } {
  return {
    name: options.name,
    subjects: [options.subjects],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: options.losable || options.discardsOldest ? DiscardPolicy.Old : DiscardPolicy.New,
    max_bytes: options.bytesMax,
    max_age: options.ageSecondsMax * NANOSECONDS,
    ...(options.losable && { persist_mode: 'async' as PersistMode }),
    ...(!options.losable && !options.removable && { deny_delete: true }),
  }
}

async function* read(
  bus: Bus,
  stream: string,
  options: ReadOptions,
): AsyncGenerator<StreamMessage> {
  const from =
    options.fromSequence !== undefined
      ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: options.fromSequence }
      : options.fromTime !== undefined
        ? {
            deliver_policy: DeliverPolicy.StartTime,
            opt_start_time: new Date(options.fromTime).toISOString(),
          }
        : { deliver_policy: DeliverPolicy.All }
  const subjects = options.subject === undefined ? {} : { filter_subjects: options.subject }
  const { signal } = options
  for await (const [message] of deliver(bus, stream, { ...from, ...subjects, signal })) {
    yield message
  }
}

/** Messages in order, each with the number of those that wait behind it. */
async function* deliver(
  bus: Bus,
  stream: string,
  { signal, ...options }: Partial<OrderedConsumerOptions> & { signal: AbortSignal },
): AsyncGenerator<[StreamMessage, number]> {
  const consumer = await bus.jetstream.consumers.get(stream, {
    ...options,
    inactive_threshold: INACTIVE_AFTER_MS,
  })
  const messages = await consumer.consume()
  const stop = () => messages.stop()
  signal.addEventListener('abort', stop)
  try {
    if (signal.aborted) return
    for await (const message of messages) {
      const { subject, seq: sequence, data } = message
      const time = message.time.getTime()
      const note = readNote(message.headers)
      yield [{ subject, sequence, time, ...note, data }, message.info.pending]
    }
  } finally {
    signal.removeEventListener('abort', stop)
    messages.stop()
    await consumer.delete().catch(() => {})
  }
}

function noted(note: string | undefined): { headers?: MsgHdrs } {
  if (note === undefined) return {}
  const made = headers()
  made.set(NOTE, note)
  return { headers: made }
}

function readNote(found: MsgHdrs | undefined): { note?: string } {
  const note = found?.get(NOTE)
  return note ? { note } : {}
}

function hasCode(error: unknown, code: number): boolean {
  return error instanceof JetStreamApiError && error.code === code
}
