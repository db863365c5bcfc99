// One invocation on its way through the scheduler: a token of its limit, a place in the pool, the
// record of its attempt before its answer, and each word to the caller in its order.

import type { Acceptance, InvokeMessage, InvokeReply, StreamHead } from '@hearth/bus/messages'
import type { Respond } from '@hearth/bus/requests'
import type { InvocationRecord, Start } from '@hearth/core/invocation'
import type { Finished } from './attempt.ts'
import type { AttemptLog, AttemptStart } from './attempt-log.ts'
import type { Counts } from './counts.ts'
import type { Pool } from './pool.ts'
import { ResponseStream } from './response-stream.ts'
import type { Tokens } from './tokens.ts'

/** What the scheduler needs of its concurrency tokens. */
export type HeldTokens = Pick<Tokens, 'close' | 'give' | 'reasonFor' | 'take' | 'wait' | 'wishes'>

/** Who waits for an answer tries once; the queue of events counts its attempts. */
const FIRST_ATTEMPT = 1
const MICROSECONDS = 1000

export interface TakeParts {
  pool: Pool
  attempts: AttemptLog
  tokens: HeldTokens
  counts: Counts
  respond: Respond<Acceptance, InvokeReply, StreamHead>
  streamedBytesMax: number
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
  const { pool, attempts, counts, tokens, respond, token } = parts
  const refuse = (rejection: Acceptance) => {
    tokens.give(token)
    respond.first(rejection)
  }
  if (Date.now() > message.startBy) return refuse({ accepted: false, rejected: 'late' })
  // The environment may begin within take(), and the caller must hear that it was accepted before
  // the answer.
  let start: AttemptStart | undefined
  let stream: ResponseStream | undefined
  const openStream = (contentType: string, found: Start) => {
    if (stream) return undefined
    stream = new ResponseStream(parts.streamedBytesMax)
    respond.stream({ ...found, contentType, executedVersion: message.version.version }, stream.body)
    return stream
  }
  const acceptance = pool.take({
    message,
    payload,
    ...(message.takesStream && { openStream }),
    began: (leave) => {
      start = attemptStart(message)
      attempts.begin(start, leave)
    },
    finished: (finished) => {
      tokens.give(token)
      const streamed = stream && { streamedBytes: stream.bytes }
      const record = { ...toRecord(start ?? attemptStart(message), finished), ...streamed }
      attempts.end(record, () => {
        stream?.end()
        respond.last(toReply(message, finished), finished.payload)
        counts.finished(message.functionName, finished.report)
      })
    },
    // A failed attempt that had begun stays open in the log, and is recorded as crashed.
    failed: (reason) => {
      tokens.give(token)
      stream?.end()
      respond.last({ platformError: reason })
      counts.failed()
    },
  })
  if (!acceptance.accepted) return refuse(acceptance)
  respond.first(acceptance)
}

function attemptStart(message: InvokeMessage): AttemptStart {
  const { requestId, account, functionName, version, againSince } = message
  const { configuration } = version
  return {
    requestId,
    attempt: message.attempt ?? FIRST_ATTEMPT,
    account,
    functionName,
    version: version.version,
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
    durationMicroseconds: Math.round(report.durationMs * MICROSECONDS),
    initMicroseconds: Math.round((report.initMs ?? 0) * MICROSECONDS),
    billedMs: report.billedMs,
    start: report.start,
    outcome: report.outcome,
    ...(report.coldReason && { coldReason: report.coldReason }),
  }
}

function toReply(message: InvokeMessage, finished: Finished): InvokeReply {
  return {
    requestId: message.requestId,
    executedVersion: message.version.version,
    report: finished.report,
    ...(finished.functionError && { functionError: finished.functionError }),
    ...(finished.logTail && { logTail: finished.logTail }),
  }
}
