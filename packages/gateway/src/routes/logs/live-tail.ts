// StartLiveTail: what up to ten log groups get from now on, as AWS's event stream: sessionStart,
// then a sessionUpdate each second with at most 500 events, and `sampled` where there were more. A
// session ends after three hours, or when the caller goes away; the console's follows the same
// law. Nothing is stored for it.

import { randomUUID } from 'node:crypto'
import { ServiceError } from '@hearth/core/error'
import { type LogPattern, parseLogPattern } from '@hearth/core/log-pattern'
import type { LogSource, StoredLine } from '@hearth/store/log-lines'
import type { WireAnswer } from '../../contract.ts'
import { EVENT_STREAM_TYPE, eventFrame, exceptionFrame } from '../../event-stream.ts'
import {
  type Input,
  type LogsCaller,
  nameOf,
  readList,
  readText,
  refuse,
  requireGroup,
  STREAM_NAME,
  violation,
} from './input.ts'

interface Session {
  identifiers: string[]
  streams?: string[]
  prefixes?: string[]
  pattern: string
  isWanted: LogPattern
  sources: LogSource[]
}

interface LiveEvent {
  logStreamName: string
  logGroupIdentifier: string
  message: string
  timestamp: number
  ingestionTime: number
}

const GROUPS_MAX = 10
const NAMES_MAX = 100
const UPDATE_MS = 1_000
/** In one update, hence in one second. */
const EVENTS_MAX = 500
const SESSION_MS_MAX = 3 * 3_600_000
/** At the same time, of one gateway (AWS: of one account). */
const SESSIONS_MAX = 15
let sessions = 0

export async function startLiveTail(input: Input, caller: LogsCaller): Promise<WireAnswer> {
  const session = await readSession(input, caller)
  requirePlace()
  return {
    status: 200,
    headers: { 'content-type': EVENT_STREAM_TYPE },
    body: '',
    stream: frames(session, caller),
  }
}

function requirePlace(): void {
  if (sessions < SESSIONS_MAX) return
  throw new ServiceError(
    'LimitExceededException',
    `There are ${SESSIONS_MAX} Live Tail sessions already.`,
  )
}

async function readSession(input: Input, caller: LogsCaller): Promise<Session> {
  const identifiers = readList(input, 'logGroupIdentifiers', { countMax: GROUPS_MAX })
  const streams = readList(input, 'logStreamNames', { ...STREAM_NAME, countMax: NAMES_MAX })
  const prefixes = readList(input, 'logStreamNamePrefixes', {
    ...STREAM_NAME,
    countMax: NAMES_MAX,
  })
  if (!identifiers) throw violation('logGroupIdentifiers', null, 'Member must not be null')
  if (streams && prefixes) {
    throw refuse('logStreamNames and logStreamNamePrefixes cannot both be specified.')
  }
  if ((streams || prefixes) && identifiers.length > 1) {
    throw refuse('Log streams can only be named for a single log group.')
  }
  const pattern = readText(input, 'logEventFilterPattern') ?? ''
  const sources: LogSource[] = []
  for (const one of identifiers) {
    const { account, name } = await requireGroup(nameOf(one), caller)
    sources.push({ account, group: name, ...(streams && { streams }) })
  }
  return {
    identifiers,
    ...(streams && { streams }),
    ...(prefixes && { prefixes }),
    pattern,
    isWanted: parseLogPattern(pattern),
    sources,
  }
}

/** What a session gets, a second at a time. */
export interface LiveTail {
  /** Ends after three hours. @throws Error when the log cannot be followed any more. */
  updates(): AsyncGenerator<LiveUpdate>
  close(): void
}

export interface LiveUpdate {
  sessionMetadata: { sampled: boolean }
  sessionResults: LiveEvent[]
}

/** Everything that comes from now on. @throws ServiceError as StartLiveTail refuses. */
export async function openLiveTail(input: Input, caller: LogsCaller): Promise<LiveTail> {
  const session = await readSession(input, caller)
  requirePlace()
  return follow(session, caller)
}

async function follow(session: Session, caller: LogsCaller): Promise<LiveTail> {
  const end = new AbortController()
  const inbox = new Inbox(session, caller.place.account)
  sessions += 1
  const close = () => {
    if (end.signal.aborted) return
    sessions -= 1
    end.abort()
  }
  try {
    void inbox.fill(await caller.logs.lines.follow(session.sources, end.signal))
  } catch (error) {
    close()
    throw error
  }
  return {
    async *updates() {
      for (const until = performance.now() + SESSION_MS_MAX; performance.now() < until; ) {
        await new Promise((resolve) => setTimeout(resolve, UPDATE_MS))
        if (inbox.problem !== undefined) throw inbox.problem
        yield inbox.take()
      }
    },
    close,
  }
}

async function* frames(session: Session, caller: LogsCaller): AsyncGenerator<Uint8Array> {
  const tail = await follow(session, caller)
  try {
    yield eventFrame('initial-response', {})
    yield eventFrame('sessionStart', startOf(session, caller))
    for await (const update of tail.updates()) yield eventFrame('sessionUpdate', update)
    yield exceptionFrame('SessionTimeoutException', 'The session has reached its three hours.')
  } catch {
    yield exceptionFrame('SessionStreamingException', 'The log cannot be followed any more.')
  } finally {
    tail.close()
  }
}

function startOf(session: Session, { requestId }: LogsCaller): object {
  const { identifiers, streams, prefixes, pattern } = session
  return {
    requestId,
    sessionId: randomUUID(),
    logGroupIdentifiers: identifiers,
    logStreamNames: streams ?? [],
    logStreamNamePrefixes: prefixes ?? [],
    logEventFilterPattern: pattern,
  }
}

/** What has come since the last update: the first 500, and whether there were more. */
class Inbox {
  readonly #session: Session
  readonly #account: string
  #events: LiveEvent[] = []
  #isSampled = false
  /** Why nothing comes any more. */
  problem: unknown

  constructor(session: Session, account: string) {
    this.#session = session
    this.#account = account
  }

  async fill(lines: AsyncIterable<StoredLine>): Promise<void> {
    try {
      for await (const line of lines) this.#add(line)
    } catch (problem) {
      this.problem = problem
    }
  }

  take(): LiveUpdate {
    const [sessionResults, sampled] = [this.#events, this.#isSampled]
    this.#events = []
    this.#isSampled = false
    return { sessionMetadata: { sampled }, sessionResults }
  }

  #add({ group, batch }: StoredLine): void {
    const { prefixes, isWanted } = this.#session
    if (prefixes && !prefixes.some((prefix) => batch.stream.startsWith(prefix))) return
    for (const { timestamp, message } of batch.events) {
      if (!isWanted(message)) continue
      if (this.#events.length >= EVENTS_MAX) {
        this.#isSampled = true
        return
      }
      this.#events.push({
        logStreamName: batch.stream,
        logGroupIdentifier: `${this.#account}:${group}`,
        message,
        timestamp,
        ingestionTime: batch.storedAt,
      })
    }
  }
}
