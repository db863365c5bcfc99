// What functions and the platform wrote, by log group: kept for a while, bounded in size, and
// losable. Reading starts at a time and goes forward; a token is the place where the last page
// ended.

import { type LogBatch, logSubject, STREAMS } from '@hearth/bus/messages'
import type { StreamMessage, Streams } from '@hearth/bus/streams'

export interface LogFilter {
  account: string
  group: string
  /** Milliseconds since the epoch. */
  startTime?: number
  endTime?: number
  streams?: readonly string[]
  /**
   * CloudWatch's simplest pattern: terms that must all be in the line, quoted where they have
   * blanks.
   */
  pattern?: string
  limit: number
  nextToken?: string
}

export interface FoundEvents {
  events: FoundEvent[]
  nextToken?: string
}

export interface FoundEvent {
  logStreamName: string
  timestamp: number
  message: string
  ingestionTime: number
  eventId: string
}

export interface Logs {
  /** Does not wait and may be lost. */
  publish(account: string, group: string, batch: LogBatch): void
  filter(filter: LogFilter): Promise<FoundEvents | 'no such group'>
  groups(account: string, prefix: string): Promise<string[]>
  streamsOf(account: string, group: string): Promise<string[]>
}

const BYTES_MAX = 1024 * 1024 * 1024
const SECONDS_KEPT = 14 * 86_400
/** A batch is published a little after its lines were written. */
const BATCH_LAG_MS = 5_000
const BATCH_BYTES_MAX = 256 * 1024
const READ_MS_MAX = 10_000

export async function openLogs(streams: Streams): Promise<Logs> {
  const { name } = STREAMS.logs
  await streams.open({
    ...STREAMS.logs,
    bytesMax: BYTES_MAX,
    ageSecondsMax: SECONDS_KEPT,
    losable: true,
  })

  const reader = openReader(streams)
  return {
    publish(account, group, batch) {
      const subject = logSubject(account, group)
      for (const part of inParts(batch)) streams.publish(subject, encode(part))
    },

    filter: (filter) => findEvents(reader, filter),

    async groups(account, prefix) {
      const { subjects } = await streams.facts(name, `logs.${account}.>`)
      return Object.keys(subjects)
        .map((subject) => Buffer.from(subject.split('.')[2] ?? '', 'base64url').toString())
        .filter((group) => group.startsWith(prefix))
        .sort()
    },

    async streamsOf(account, group) {
      const found = new Set<string>()
      for await (const { batch } of reader.batches(logSubject(account, group), {}))
        found.add(batch.stream)
      return [...found]
    },
  }
}

type Reader = ReturnType<typeof openReader>

function openReader(streams: Streams) {
  const { name } = STREAMS.logs
  return {
    exists: async (subject: string) => (await streams.last(name, subject)) !== undefined,

    /** Every stored batch of a group from a place on, up to what is there now. */
    async *batches(subject: string, from: { fromTime?: number; fromSequence?: number }) {
      const newest = await streams.last(name, subject)
      if (!newest || (from.fromSequence ?? 0) > newest.sequence) return
      if ((from.fromTime ?? 0) > newest.time) return
      const end = AbortSignal.timeout(READ_MS_MAX)
      for await (const message of streams.read(name, { subject, ...from, signal: end })) {
        yield { message, batch: decode(message) }
        if (message.sequence >= newest.sequence) return
      }
    },
  }
}

async function findEvents(
  reader: Reader,
  filter: LogFilter,
): Promise<FoundEvents | 'no such group'> {
  const subject = logSubject(filter.account, filter.group)
  if (!(await reader.exists(subject))) return 'no such group'
  const place = readToken(filter.nextToken)
  const from = place
    ? { fromSequence: place.sequence }
    : { fromTime: Math.max((filter.startTime ?? 0) - BATCH_LAG_MS, 0) }
  const wanted = matcher(filter)
  const events: FoundEvent[] = []
  for await (const { message, batch } of reader.batches(subject, from)) {
    const skip = place?.sequence === message.sequence ? place.index : 0
    for (const [index, event] of batch.events.entries()) {
      if (index < skip || !wanted(batch.stream, event)) continue
      const eventId = `${message.sequence}.${index}`
      if (events.length >= filter.limit) return { events, nextToken: eventId }
      const { stream: logStreamName } = batch
      events.push({ logStreamName, ...event, ingestionTime: message.time, eventId })
    }
  }
  return { events }
}

function matcher(filter: LogFilter) {
  const terms = [...(filter.pattern ?? '').matchAll(/"([^"]*)"|(\S+)/g)].map(
    ([, quoted, bare]) => quoted ?? bare ?? '',
  )
  return (stream: string, event: { timestamp: number; message: string }) =>
    event.timestamp >= (filter.startTime ?? 0) &&
    event.timestamp < (filter.endTime ?? Number.POSITIVE_INFINITY) &&
    (!filter.streams || filter.streams.includes(stream)) &&
    terms.every((term) => event.message.includes(term))
}

function readToken(token: string | undefined): { sequence: number; index: number } | undefined {
  const [, sequence, index] = /^(\d+)\.(\d+)$/.exec(token ?? '') ?? []
  return sequence ? { sequence: Number(sequence), index: Number(index) } : undefined
}

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

const encode = (batch: LogBatch) => Buffer.from(JSON.stringify(batch))
const decode = (message: StreamMessage) =>
  JSON.parse(Buffer.from(message.data).toString()) as LogBatch
