// Log events, written by hand and read: PutLogEvents with AWS's limits, GetLogEvents of one log
// stream in both directions, FilterLogEvents of a whole group. store/log-pages reads; this file
// says what is asked for, and where a page ends in tokens.

import { parseLogPattern } from '@hearth/core/log-pattern'
import type { LogGroup } from '@hearth/store/log-groups'
import {
  EVENT_OVERHEAD_BYTES,
  type FoundEvent,
  type LogPage,
  type LogQuestion,
  pageBackward,
  pageForward,
} from '@hearth/store/log-pages'
import { expiredBefore } from '@hearth/store/logs'
import {
  findGroup,
  type Input,
  type LogsCaller,
  noSuchStream,
  readInteger,
  readList,
  readPlace,
  readText,
  readTime,
  refuse,
  requireText,
  STREAM_NAME,
  showPlace,
} from './input.ts'
import { readEvents, sortOut } from './put-input.ts'
import { sequenceToken } from './streams.ts'

const PAGE_MAX = 10_000
const STREAMS_MAX = 100

export async function putLogEvents(input: Input, caller: LogsCaller): Promise<object> {
  const stream = requireText(input, 'logStreamName', STREAM_NAME)
  const events = readEvents(input, EVENT_OVERHEAD_BYTES)
  const group = await findGroup(input, caller)
  if (!(await caller.logs.hasStream(group, stream))) throw noSuchStream()
  const now = Date.now()
  const { accepted, rejected } = sortOut(events, { now, expiredBefore: expiredBefore(group, now) })
  if (accepted.length > 0) await caller.logs.put(group, stream, accepted)
  return {
    nextSequenceToken: sequenceToken(now),
    ...(rejected && { rejectedLogEventsInfo: rejected }),
  }
}

export async function filterLogEvents(input: Input, caller: LogsCaller): Promise<object> {
  const streams = readList(input, 'logStreamNames', { ...STREAM_NAME, countMax: STREAMS_MAX })
  const prefix = readText(input, 'logStreamNamePrefix', STREAM_NAME)
  const isWanted = parseLogPattern(readText(input, 'filterPattern') ?? '')
  const token = readText(input, 'nextToken')
  const place = token === undefined ? undefined : readPlace(token)
  const span = readSpan(input)
  if (streams && prefix !== undefined) {
    throw refuse('logStreamNames and logStreamNamePrefix cannot both be specified.')
  }
  const group = await findGroup(input, caller)
  for (const one of streams ?? []) {
    if (!(await caller.logs.hasStream(group, one))) throw noSuchStream()
  }
  const question: LogQuestion = {
    ...questionOf(group, span),
    // The last millisecond is included here, and only here.
    ...(span.to !== undefined && { to: span.to + 1 }),
    ...(streams && { streams }),
    isWanted: (stream, message) => stream.startsWith(prefix ?? '') && isWanted(message),
  }
  const { events, next, isEnd } = await pageForward(caller.logs.lines, question, place)
  return {
    events: events.map(viewFound),
    searchedLogStreams: [],
    ...(!isEnd && { nextToken: showPlace(next) }),
  }
}

const viewFound = ({ stream, timestamp, message, storedAt, place }: FoundEvent) => ({
  logStreamName: stream,
  timestamp,
  message,
  ingestionTime: storedAt,
  eventId: showPlace(place),
})

/** `f/<place>/s` goes forward, `b/<place>/s` backward; at an end the token stays the same. */
export async function getLogEvents(input: Input, caller: LogsCaller): Promise<object> {
  const stream = requireText(input, 'logStreamName', STREAM_NAME)
  const span = readSpan(input)
  const token = readText(input, 'nextToken')
  const [, way, digits] = /^([fb])\/(\d+)\/s$/.exec(token ?? '') ?? []
  if (token !== undefined && digits === undefined) {
    throw refuse('The specified nextToken is invalid.')
  }
  const place = digits === undefined ? undefined : readPlace(digits)
  const group = await findGroup(input, caller)
  if (!(await caller.logs.hasStream(group, stream))) throw noSuchStream()
  const question = { ...questionOf(group, span), streams: [stream] }
  const isForward = way ? way === 'f' : input.startFromHead === true
  const { lines } = caller.logs
  const page: LogPage = isForward
    ? await pageForward(lines, question, place)
    : await pageBackward(lines, question, place && { before: place })
  const { events, next, previous } = page
  return {
    events: events.map(({ timestamp, message, storedAt }) => ({
      timestamp,
      message,
      ingestionTime: storedAt,
    })),
    nextForwardToken: `f/${showPlace(next)}/s`,
    nextBackwardToken: `b/${showPlace(previous)}/s`,
  }
}

function readSpan(input: Input) {
  return {
    from: readTime(input, 'startTime'),
    to: readTime(input, 'endTime'),
    limit: readInteger(input, 'limit', [1, PAGE_MAX]) ?? PAGE_MAX,
  }
}

/** What has expired is not shown, removed yet or not. */
function questionOf(
  group: LogGroup,
  { from, to, limit }: ReturnType<typeof readSpan>,
): LogQuestion {
  return {
    account: group.account,
    group: group.name,
    from: Math.max(from ?? 0, expiredBefore(group, Date.now())),
    ...(to !== undefined && { to }),
    limit,
    ...(group.isLoose && { isLoose: true }),
  }
}
