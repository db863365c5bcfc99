// Log events as they are stored: batches of one log stream, a subject a log stream, in one NATS
// stream that is bounded in size and losable. Reading goes forward from a time or a place; what is
// asked of the events is not this file's.

import {
  type LogBatch,
  type LogEvent,
  logGroupSubjects,
  logSubject,
  STREAMS,
} from '@hearth/bus/messages'
import type { StreamMessage, Streams } from '@hearth/bus/streams'

/** Where an event is: behind all those of a lower sequence, or of a lower index of the same. */
export interface LogPlace {
  sequence: number
  index: number
}

/** Log streams of one group: all of them, or those named. */
export interface LogSource {
  account: string
  group: string
  streams?: readonly string[]
}

export interface StoredBatch {
  sequence: number
  /** Milliseconds since the epoch. */
  storedAt: number
  stream: string
  events: LogEvent[]
}

export interface LogStreamEnds {
  firstStoredAt: number
  firstEventAt: number
  lastEventAt: number
  lastStoredAt: number
}

export interface LogLines {
  /** Does not wait and may be lost. */
  publish(account: string, group: string, batch: LogBatch): void
  /** Resolves once NATS has all of it. */
  append(account: string, group: string, batch: LogBatch): Promise<void>
  /** Every stored batch from a place or a time on, up to what is there now. */
  batches(source: LogSource, from: { time?: number; sequence?: number }): AsyncIterable<StoredBatch>
  /** Every batch that is stored once this has resolved, until the signal. */
  follow(sources: readonly LogSource[], signal: AbortSignal): Promise<AsyncIterable<StoredLine>>
  first(source: LogSource): Promise<StoredBatch | undefined>
  last(source: LogSource): Promise<StoredBatch | undefined>
  /** Names of the log streams that have lines. */
  streamsOf(account: string, group: string): Promise<string[]>
  /** The time of each log stream's newest event, without reading any. */
  lastEvents(account: string, group: string): Promise<Map<string, number>>
  ends(source: LogSource): Promise<LogStreamEnds | undefined>
  /** When the batch of a sequence was stored, unless it is gone. */
  timeOf(sequence: number): Promise<number | undefined>
  /** A group's bytes on the disk, reckoned by its share in the number of batches. */
  bytesOf(account: string, group: string): Promise<number>
  remove(source: LogSource): Promise<void>
  /** Removes what was stored before a time. */
  removeBefore(source: LogSource, time: number): Promise<void>
}

export interface StoredLine {
  group: string
  batch: StoredBatch
}

const BYTES_MAX = 1024 * 1024 * 1024
const BATCH_BYTES_MAX = 256 * 1024
const READ_MS_MAX = 10_000
const { name } = STREAMS.logs

export async function openLogLines(streams: Streams): Promise<LogLines> {
  await streams.open({ ...STREAMS.logs, bytesMax: BYTES_MAX, ageSecondsMax: 0, losable: true })
  // Lines of releases that had one subject for a whole group: nothing reads them any more.
  await streams.purge(name, 'logs.*.*')
  return {
    ...questions(streams),

    publish(account, group, batch) {
      const subject = logSubject(account, group, batch.stream)
      for (const part of inParts(batch)) streams.publish(subject, encode(part), noteOf(part))
    },

    async append(account, group, batch) {
      const subject = logSubject(account, group, batch.stream)
      for (const part of inParts(batch)) {
        await streams.append(subject, encode(part), { note: noteOf(part) })
      }
    },

    batches: (source, from) => readBatches(streams, source, from),

    async follow(sources, signal) {
      const { lastSequence } = await streams.facts(name, 'logs')
      return followBatches(streams, sources, { fromSequence: lastSequence + 1, signal })
    },

    remove: async (source) => {
      for (const subject of subjectsOf(source)) await streams.purge(name, subject)
    },

    removeBefore: (source, time) => removeBefore(streams, source, time),
  }
}

type Ways = 'append' | 'batches' | 'follow' | 'publish' | 'remove' | 'removeBefore'

/** What can be known of a log without reading all of it. */
function questions(streams: Streams): Omit<LogLines, Ways> {
  const last = (source: LogSource) => newestOf(streams, source)
  const first = async (source: LogSource) => decode(await streams.first(name, oneSubjectOf(source)))
  return {
    first,
    last,

    async streamsOf(account, group) {
      const { subjects } = await streams.facts(name, logGroupSubjects(account, group))
      return Object.keys(subjects).map(streamOf)
    },

    async lastEvents(account, group) {
      const newest = await streams.newest(name, logGroupSubjects(account, group))
      return new Map(newest.map((one) => [streamOf(one.subject), readNote(one).last]))
    },

    async ends(source) {
      const [oldest, newest] = await Promise.all([first(source), last(source)])
      if (!oldest || !newest) return undefined
      return {
        firstStoredAt: oldest.storedAt,
        firstEventAt: Math.min(...timesOf(oldest)),
        lastEventAt: Math.max(...timesOf(newest)),
        lastStoredAt: newest.storedAt,
      }
    },

    timeOf: async (sequence) => (await streams.message(name, sequence))?.time,

    async bytesOf(account, group) {
      const subject = logGroupSubjects(account, group)
      const { subjects, bytes, messages } = await streams.facts(name, subject)
      const own = Object.values(subjects).reduce((sum, count) => sum + count, 0)
      return messages === 0 ? 0 : Math.round((own * bytes) / messages)
    },
  }
}

async function* readBatches(
  streams: Streams,
  source: LogSource,
  { time, sequence }: { time?: number; sequence?: number },
): AsyncGenerator<StoredBatch> {
  const newest = await newestOf(streams, source)
  if (!newest || (sequence ?? 0) > newest.sequence || (time ?? 0) > newest.storedAt) return
  const from =
    sequence !== undefined ? { fromSequence: Math.max(sequence, 1) } : { fromTime: time ?? 0 }
  const subject = subjectsOf(source)
  const signal = AbortSignal.timeout(READ_MS_MAX)
  for await (const message of streams.read(name, { subject, ...from, signal })) {
    yield decode(message)
    if (message.sequence >= newest.sequence) return
  }
  // Unless it was removed meanwhile, nobody must take this for the end.
  const isThere = (await streams.message(name, newest.sequence)) !== undefined
  if (isThere) throw new Error('reading the log took too long')
}

async function* followBatches(
  streams: Streams,
  sources: readonly LogSource[],
  from: { fromSequence: number; signal: AbortSignal },
): AsyncGenerator<StoredLine> {
  const subject = sources.flatMap(subjectsOf)
  for await (const message of streams.read(name, { subject, ...from })) {
    yield { group: groupOf(message.subject), batch: decode(message) }
  }
}

/** The newest batch of all that a source names. */
async function newestOf(streams: Streams, source: LogSource): Promise<StoredBatch | undefined> {
  const found = await Promise.all(subjectsOf(source).map((one) => streams.last(name, one)))
  return found
    .map((message) => decode(message))
    .reduce(
      (one, other) => ((other?.sequence ?? 0) > (one?.sequence ?? 0) ? other : one),
      undefined,
    )
}

async function removeBefore(streams: Streams, source: LogSource, time: number): Promise<void> {
  const subject = oneSubjectOf(source)
  const [oldest, newest] = await Promise.all([
    streams.first(name, subject),
    streams.last(name, subject),
  ])
  if (!oldest || !newest || oldest.time >= time) return
  if (newest.time < time) return streams.purge(name, subject, newest.sequence + 1)
  const signal = AbortSignal.timeout(READ_MS_MAX)
  for await (const { sequence } of streams.read(name, { subject, fromTime: time, signal })) {
    return streams.purge(name, subject, sequence)
  }
}

function subjectsOf({ account, group, streams }: LogSource): string[] {
  if (!streams) return [logGroupSubjects(account, group)]
  return streams.map((stream) => logSubject(account, group, stream))
}

function oneSubjectOf(source: LogSource): string {
  const [subject = '', ...others] = subjectsOf(source)
  return others.length === 0 ? subject : logGroupSubjects(source.account, source.group)
}

const groupOf = (subject: string) => nameOf(subject, 2)
const streamOf = (subject: string) => nameOf(subject, 3)
const nameOf = (subject: string, index: number) =>
  Buffer.from(subject.split('.')[index] ?? '', 'base64url').toString()

/** Batches small enough for one message. */
function* inParts(batch: LogBatch): Generator<LogBatch> {
  let events: LogBatch['events'] = []
  let bytes = 0
  for (const event of batch.events) {
    if (bytes > 0 && bytes + event.message.length > BATCH_BYTES_MAX) {
      yield { stream: batch.stream, events }
      events = []
      bytes = 0
    }
    events.push(event)
    bytes += event.message.length
  }
  if (events.length > 0) yield { stream: batch.stream, events }
}

const timesOf = ({ events }: { events: LogEvent[] }) => events.map(({ timestamp }) => timestamp)

const noteOf = (batch: LogBatch) => String(Math.max(...timesOf(batch)))
const readNote = ({ note, time }: StreamMessage) => ({ last: note ? Number(note) : time })

const encode = (batch: LogBatch) => Buffer.from(JSON.stringify(batch))

function decode(message: StreamMessage): StoredBatch
function decode(message: StreamMessage | undefined): StoredBatch | undefined
function decode(message: StreamMessage | undefined): StoredBatch | undefined {
  if (!message) return undefined
  const { stream, events } = JSON.parse(Buffer.from(message.data).toString()) as LogBatch
  return { sequence: message.sequence, storedAt: message.time, stream, events }
}
