// Pages of a log: forward through a group or some of its log streams, and backward through one log
// stream. A page ends when it is full or has taken its time, and says where the next one begins.
// Events of a page are in the order of their times, pages in the order in which events came.

import type { LogEvent } from '@hearth/bus/messages'
import type { LogLines, LogPlace, LogSource, StoredBatch } from './log-lines.ts'

export interface LogQuestion extends LogSource {
  /** Milliseconds since the epoch; `to` is not included. */
  from?: number
  to?: number
  isWanted?: (stream: string, message: string) => boolean
  limit: number
  /** The group has events whose time is far from that of their storage. */
  isLoose?: boolean
}

export interface FoundEvent extends LogEvent {
  stream: string
  storedAt: number
  place: LogPlace
}

export interface LogPage {
  events: FoundEvent[]
  /** Where the next page begins, and the former one ends. */
  next: LogPlace
  previous: LogPlace
  /** All that there is now has been looked at. */
  isEnd: boolean
}

/** In front of everything. */
export const LOG_START: LogPlace = { sequence: 0, index: 0 }

/** A page has as much, in AWS's count (FilterLogEvents, GetLogEvents). */
const PAGE_BYTES_MAX = 1024 * 1024
export const EVENT_OVERHEAD_BYTES = 26
/** A page that finds little ends after this long, so that a question costs no more. */
const PAGE_MS_MAX = 2_000
/** Clocks differ, and lines are stored a little after they were written, or later without NATS. */
const EARLY_MS = 5_000
const LATE_MS = 60_000
/** PutLogEvents takes what is to happen within two hours. */
const LOOSE_EARLY_MS = 2 * 3_600_000
/** How far back a page looks first; each further look goes this many times as far. */
const LOOK_BACK_MS = 60_000
const LOOK_BACK_FACTOR = 8

export async function pageForward(
  lines: LogLines,
  question: LogQuestion,
  place?: LogPlace,
): Promise<LogPage> {
  const from = place ? { sequence: place.sequence } : { time: beginOf(question) }
  const until = performance.now() + PAGE_MS_MAX
  const events: FoundEvent[] = []
  let next = place ?? LOG_START
  let bytes = 0
  const page = (isEnd: boolean): LogPage => {
    const previous = events[0]?.place ?? place ?? LOG_START
    return { events: events.sort(byTime), next, previous, isEnd }
  }
  for await (const batch of lines.batches(question, from)) {
    if (batch.storedAt > endOf(question)) return page(true)
    for (const event of eventsOf(batch)) {
      if (isBefore(event.place, place ?? LOG_START)) continue
      const isWanted = fits(question, event)
      const isFull = isWanted && events.length > 0 && bytes + sizeOf(event) > PAGE_BYTES_MAX
      if (isFull || events.length >= question.limit) return page(false)
      next = after(event.place)
      if (!isWanted) continue
      events.push(event)
      bytes += sizeOf(event)
    }
    if (performance.now() > until) return page(false)
  }
  return page(true)
}

/**
 * The last events in front of a place, or of all. Looks back over a minute, then further, so that
 * the end of a long log stream costs little.
 */
export async function pageBackward(
  lines: LogLines,
  question: LogQuestion,
  before?: LogPlace,
): Promise<LogPage> {
  const [oldest, newest] = await Promise.all([lines.first(question), lines.last(question)])
  const nothing = {
    events: [],
    next: before ?? LOG_START,
    previous: before ?? LOG_START,
    isEnd: true,
  }
  if (!oldest || !newest || before?.sequence === 0) return nothing
  const limit = before ?? { sequence: newest.sequence + 1, index: 0 }
  const from = Math.max(oldest.storedAt, beginOf(question))
  const reached = before && (await lines.timeOf(before.sequence))
  const to = Math.min(reached ?? newest.storedAt, endOf(question))
  for (let back = LOOK_BACK_MS; ; back *= LOOK_BACK_FACTOR) {
    const time = Math.max(to - back, from)
    const events = await lastEvents(lines, question, { time, limit })
    const isAll = time <= from
    if (events.length < question.limit && !isAll) continue
    const kept = fromTheEnd(events, question.limit)
    const [first, last] = [kept[0], kept.at(-1)]
    if (!first || !last) return nothing
    const isEnd = isAll && kept.length === events.length
    return { events: kept.sort(byTime), next: after(last.place), previous: first.place, isEnd }
  }
}

async function lastEvents(
  lines: LogLines,
  question: LogQuestion,
  { time, limit }: { time: number; limit: LogPlace },
): Promise<FoundEvent[]> {
  let kept: FoundEvent[] = []
  for await (const batch of lines.batches(question, { time })) {
    if (batch.sequence > limit.sequence) break
    for (const event of eventsOf(batch)) {
      if (isBefore(event.place, limit) && fits(question, event)) kept.push(event)
    }
    // What cannot be on the page must not fill the memory.
    if (kept.length > 2 * question.limit) kept = kept.slice(-question.limit)
  }
  return kept
}

function fromTheEnd(events: FoundEvent[], limit: number): FoundEvent[] {
  let bytes = 0
  let count = 0
  for (const event of events.toReversed()) {
    bytes += sizeOf(event)
    if (count >= limit || (count > 0 && bytes > PAGE_BYTES_MAX)) break
    count += 1
  }
  return count === 0 ? [] : events.slice(-count)
}

function* eventsOf({ stream, storedAt, sequence, events }: StoredBatch): Generator<FoundEvent> {
  for (const [index, event] of events.entries()) {
    yield { ...event, stream, storedAt, place: { sequence, index } }
  }
}

const fits = ({ from, to, isWanted }: LogQuestion, { timestamp, stream, message }: FoundEvent) =>
  timestamp >= (from ?? 0) &&
  timestamp < (to ?? Number.POSITIVE_INFINITY) &&
  (isWanted?.(stream, message) ?? true)

/** From when to read, and until when: by the time of storage, for events of the wanted time. */
const beginOf = ({ from = 0, isLoose }: LogQuestion) =>
  Math.max(from - (isLoose ? LOOSE_EARLY_MS : EARLY_MS), 0)
const endOf = ({ to, isLoose }: LogQuestion) =>
  to === undefined || isLoose ? Number.POSITIVE_INFINITY : to + LATE_MS

/** Whether events of such times need a group to be known as loose. */
export const isLooseAt = (timestamps: readonly number[], now: number) =>
  timestamps.some((time) => time > now + EARLY_MS / 2 || time < now - LATE_MS / 2)

const isBefore = (one: LogPlace, other: LogPlace) =>
  one.sequence < other.sequence || (one.sequence === other.sequence && one.index < other.index)
const after = ({ sequence, index }: LogPlace): LogPlace => ({ sequence, index: index + 1 })
const byTime = (one: FoundEvent, other: FoundEvent) => one.timestamp - other.timestamp
const sizeOf = ({ message }: FoundEvent) => Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES
