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
  /**
   * Where a look backward stopped because its time was over: it missed nothing that was stored from
   * then on. Milliseconds since the epoch.
   */
  lookedBackTo?: number
}

/** Where a look backward begins: at the end unless said. */
export interface LookBack {
  before?: LogPlace
  /** Where an earlier look stopped, in milliseconds since the epoch. */
  storedBefore?: number
  /** How long it may take; until the page is full, unless said. */
  msMax?: number
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
/** How far back a page looks first; with each further look it has come this many times as far. */
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
 * The last events in front of a place or a time, or of all. Looks back over a minute, then over
 * longer and longer spans in front of it, so that the end of a long log stream costs little. Its
 * first look is taken to the end, or whoever goes on from there might never come any further.
 */
export async function pageBackward(
  lines: LogLines,
  question: LogQuestion,
  look: LookBack = {},
): Promise<LogPage> {
  const { before = LOG_START, msMax = Number.POSITIVE_INFINITY } = look
  const deadline = performance.now() + msMax
  const bounds = await boundsOf(lines, question, look)
  if (!bounds) return { events: [], next: before, previous: before, isEnd: true }
  const { from, to } = bounds
  let limit = bounds.limit
  let lookedBackTo = to
  let events: FoundEvent[] = []
  for (let back = LOOK_BACK_MS; ; back *= LOOK_BACK_FACTOR) {
    const time = Math.max(to - back, from)
    const until = back === LOOK_BACK_MS ? Number.POSITIVE_INFINITY : deadline
    const found = await lastEvents(lines, question, { ...look, time, limit, until })
    if (found !== 'late') {
      events = [...found.events, ...events]
      limit = found.first
      lookedBackTo = time
    }
    const isAll = lookedBackTo <= from
    const isFull = events.length >= question.limit
    const isLate = found === 'late' || performance.now() > deadline
    if (!isFull && !isAll && !isLate) continue
    const kept = fromTheEnd(events, question.limit)
    const [first, last] = [kept[0], kept.at(-1)]
    const isCut = kept.length < events.length
    return {
      events: kept.sort(byTime),
      next: last ? after(last.place) : before,
      previous: first?.place ?? before,
      isEnd: isAll && !isCut,
      ...(!isAll && !isFull && !isCut && { lookedBackTo }),
    }
  }
}

/** Times of storage between which to look, and the place in front of which; nothing for none. */
async function boundsOf(lines: LogLines, question: LogQuestion, look: LookBack) {
  const { before, storedBefore = Number.POSITIVE_INFINITY } = look
  const [oldest, newest] = await Promise.all([lines.first(question), lines.last(question)])
  if (!oldest || !newest || before?.sequence === 0) return undefined
  const reached = before && (await lines.timeOf(before.sequence))
  const from = Math.max(oldest.storedAt, beginOf(question))
  if (storedBefore <= from) return undefined
  return {
    from,
    to: Math.min(reached ?? newest.storedAt, endOf(question), storedBefore),
    limit: before ?? { sequence: newest.sequence + 1, index: 0 },
  }
}

/** What a span has, and where it begins; all that is behind that was looked at before. */
async function lastEvents(
  lines: LogLines,
  question: LogQuestion,
  span: { time: number; limit: LogPlace; until: number; storedBefore?: number },
): Promise<{ events: FoundEvent[]; first: LogPlace } | 'late'> {
  const { time, limit, until, storedBefore = Number.POSITIVE_INFINITY } = span
  let first = limit
  let kept: FoundEvent[] = []
  for await (const batch of lines.batches(question, { time })) {
    if (batch.sequence > limit.sequence || batch.storedAt >= storedBefore) break
    if (isBefore({ sequence: batch.sequence, index: 0 }, first)) {
      first = { sequence: batch.sequence, index: 0 }
    }
    for (const event of eventsOf(batch)) {
      if (isBefore(event.place, limit) && fits(question, event)) kept.push(event)
    }
    // What cannot be on the page must not fill the memory; one more tells that it is cut.
    if (kept.length > 2 * question.limit) kept = kept.slice(-question.limit - 1)
    if (performance.now() > until) return 'late'
  }
  return { events: kept, first }
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
