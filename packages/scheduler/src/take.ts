// One invocation on its way through the scheduler: a token of its limit, a place in the pool, the
// record of its attempt before its answer, and each word to the caller in its order.

import type { Acceptance, InvokeMessage, InvokeReply, StreamHead } from '@hearth/bus/messages'
import type { Respond } from '@hearth/bus/requests'
import type { Traces } from '@hearth/bus/traces'
import type { InvocationRecord, Start } from '@hearth/core/invocation'
import type { Finished } from './attempt.ts'
import type { AttemptLog, AttemptStart } from './attempt-log.ts'
import { openAttemptSpan } from './attempt-span.ts'
import type { Counts } from './counts.ts'
import type { Pool } from './pool.ts'
import { ResponseStream } from './response-stream.ts'
import { toCrashed } from './segment-shipper.ts'
import type { Tokens } from './tokens.ts'

/** What the scheduler needs of its concurrency tokens. */
export type HeldTokens = Pick<
  Tokens,
  'close' | 'figures' | 'give' | 'knows' | 'reasonFor' | 'take' | 'wait' | 'wishes'
>

/** Who waits for an answer tries once; the queue of events counts its attempts. */
const FIRST_ATTEMPT = 1
const MICROSECONDS = 1000

export interface TakeParts {
  pool: Pick<Pool, 'take'>
  attempts: Pick<AttemptLog, 'answered' | 'begin' | 'end'>
  tokens: HeldTokens
  counts: Pick<Counts, 'began' | 'ended' | 'failed' | 'finished'>
  respond: Respond<Acceptance, InvokeReply, StreamHead>
  streamedBytesMax: number
  traces?: Traces | undefined
}

/** One invocation, from the question to the last word; a token in hand makes it synchronous. */
export function take(message: InvokeMessage, payload: Uint8Array, parts: TakeParts): void {
  const { tokens, respond } = parts
  const { functionName, version } = message
  const { onlyProvisioned } = message
  const admission = { functionName, version: version.version, onlyProvisioned }
  const token = tokens.take(admission)
  if (token !== undefined) return run(message, payload, { ...parts, token })
  void tokens.wait(admission).then((found) => {
    if (found !== undefined) return run(message, payload, { ...parts, token: found })
    const throttleReason = tokens.reasonFor(admission)
    respond.first({ accepted: false, rejected: 'throttled', throttleReason })
  })
}

function run(
  message: InvokeMessage,
  payload: Uint8Array,
  parts: TakeParts & { token: string },
): void {
  const { pool, attempts, counts, respond } = parts
  const give = hold(message.functionName, parts)
  const refuse = (rejection: Acceptance) => {
    give()
    respond.first(rejection)
  }
  if (Date.now() > message.startBy) return refuse({ accepted: false, rejected: 'late' })
  // The environment may begin within take(), and the caller must hear that it was accepted before
  // the answer.
  let start: AttemptStart | undefined
  let stream: ResponseStream | undefined
  const span = openAttemptSpan(message, parts.traces)
  const openStream = (contentType: string, found: Start) => {
    if (stream) return undefined
    stream = new ResponseStream(parts.streamedBytesMax)
    respond.stream({ ...found, contentType, executedVersion: message.version.version }, stream.body)
    return stream
  }
  const acceptance = pool.take({
    message: span ? { ...message, traceId: span.header } : message,
    payload,
    ...(message.takesStream && { openStream }),
    began: (leave) => {
      span?.began()
      start = attemptStart(message)
      attempts.begin(start, leave)
    },
    finished: (finished) => {
      give()
      const streamed = stream && { streamedBytes: stream.bytes }
      const record = { ...toRecord(start ?? attemptStart(message), finished), ...streamed }
      write(attempts, record, finished, () => {
        stream?.end()
        answer(respond, message, finished)
        counts.finished(message, finished.report)
        span?.finished(finished.report)
      })
    },
    failed: (reason) => {
      give()
      // One that had begun would stay open in the log, and be repeated in each of its segments.
      if (start) attempts.end(toCrashed(start), () => {})
      stream?.end()
      respond.last({ platformError: reason })
      counts.failed()
      span?.failed(reason)
    },
  })
  if (!acceptance.accepted) {
    span?.failed(acceptance.rejected)
    return refuse(acceptance)
  }
  respond.first(acceptance)
}

/**
 * The last word. One that cannot be sent (too many large answers may wait to be collected) is its
 * caller's misfortune alone: other attempts wait for the same line of the log.
 */
function answer(respond: TakeParts['respond'], message: InvokeMessage, finished: Finished): void {
  try {
    respond.last(toReply(message, finished), finished.payload)
  } catch (error) {
    respond.last({ platformError: `The answer could not be sent: ${error}` })
  }
}

/** Records what came of an attempt before its answer leaves, and then what its extensions added. */
function write(
  attempts: TakeParts['attempts'],
  record: InvocationRecord,
  { whole }: Finished,
  written: () => void,
): void {
  if (!whole) return attempts.end(record, written)
  attempts.answered(record, written)
  // Extensions work on after the answer, and nobody waits for that but the bill.
  void whole.then(({ billedMs, durationMs }) =>
    attempts.end({ ...record, billedMs, ...durationOf(durationMs) }, () => {}),
  )
}

/** Counts a token as long as it is held. @returns what gives it back. */
function hold(
  functionName: string,
  { counts, tokens, token }: Pick<TakeParts, 'counts' | 'tokens'> & { token: string },
): () => void {
  counts.began(functionName)
  return () => {
    tokens.give(token)
    counts.ended(functionName)
  }
}

function attemptStart(message: InvokeMessage): AttemptStart {
  const { requestId, account, functionName, version, alias, tenantId, againSince } = message
  const { configuration } = version
  return {
    requestId,
    attempt: message.attempt ?? FIRST_ATTEMPT,
    account,
    functionName,
    version: version.version,
    ...(alias !== undefined && { alias }),
    ...(tenantId !== undefined && { tenantId }),
    architecture: version.architecture,
    memoryMb: configuration.memoryMb,
    ephemeralStorageMb: configuration.ephemeralStorageMb,
    startedAt: Date.now(),
    ...(againSince !== undefined && { againSince }),
  }
}

function toRecord(start: AttemptStart, { report }: Finished): InvocationRecord {
  return {
    ...start,
    ...durationOf(report.durationMs),
    initMicroseconds: Math.round((report.initMs ?? 0) * MICROSECONDS),
    billedMs: report.billedMs,
    start: report.start,
    outcome: report.outcome,
    ...(report.coldReason && { coldReason: report.coldReason }),
  }
}

const durationOf = (durationMs: number) => ({
  durationMicroseconds: Math.round(durationMs * MICROSECONDS),
})

function toReply(message: InvokeMessage, finished: Finished): InvokeReply {
  return {
    requestId: message.requestId,
    executedVersion: message.version.version,
    report: finished.report,
    ...(finished.functionError && { functionError: finished.functionError }),
    ...(finished.logTail && { logTail: finished.logTail }),
  }
}
