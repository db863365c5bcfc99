// One attempt at an invocation, on its way through the scheduler: what the pool is given, what an
// environment gives back, and how an attempt ends when the platform must answer in the function's
// place. Pure.

import type { InvokeMessage } from '@hearth/bus/messages'
import {
  type InvocationReport,
  type Outcome,
  type RuntimeExit,
  responseTooLarge,
  responseTruncated,
  runtimeExited,
  type Start,
  timedOut,
} from '@hearth/core/invocation'
import type { ResponseStream } from './response-stream.ts'

/** An accepted invocation. Exactly one of `finished` and `failed` is called, once. */
export interface Attempt {
  readonly message: InvokeMessage
  readonly payload: Uint8Array
  /** An environment has it. Calls `leave` when that is written down: the event may leave then. */
  began(leave: () => void): void
  /**
   * The runtime streams its answer, of this content type, in an environment that was found so.
   * Absent when the caller wants the answer in one piece; undefined when one was opened before.
   */
  readonly openStream?: (contentType: string, start: Start) => ResponseStream | undefined
  finished(finished: Finished): void
  /** The platform could not run it, or had to stop; the reason is for the caller. */
  failed(reason: string): void
}

/** What became of an attempt that ran. */
export interface Finished {
  /** The answer, or the error; empty when a stream carried the answer. */
  payload: Uint8Array
  functionError?: 'Unhandled'
  logTail?: string
  report: InvocationReport
  /** What its extensions add after the answer; absent where there are none. Never rejects. */
  whole?: Promise<Whole>
}

/** An invocation with the work of its extensions, which Lambda bills with the function's own. */
export type Whole = Pick<InvocationReport, 'billedMs' | 'durationMs'>

/** How an attempt ended, before it is measured and reported. */
export interface Ending {
  payload: Uint8Array
  outcome: Outcome
  durationMs: number
  /** Lines that the platform adds to the function's log. */
  notes: readonly string[]
  /** AWS's, where the function gave no answer. */
  errorType?: string
}

const NO_NOTES: readonly string[] = []

/** The function answered, well or badly. */
export function answered(payload: Uint8Array, outcome: Outcome, durationMs: number): Ending {
  return { payload, outcome, durationMs, notes: NO_NOTES }
}

/** The function's answer is over the limit, and is not the answer. */
export function answeredTooMuch(bytesMax: number, durationMs: number): Ending {
  return answered(json(responseTooLarge(bytesMax)), 'function error', durationMs)
}

/** The function's stream broke off in the middle. */
export function answeredInPart(requestId: string, durationMs: number): Ending {
  return answered(json(responseTruncated(requestId)), 'exited', durationMs)
}

/** The function ran longer than its timeout; it is billed for exactly that. */
export function ranOut(requestId: string, timeoutSeconds: number): Ending {
  const seconds = timeoutSeconds.toFixed(2)
  return {
    payload: json(timedOut(requestId, timeoutSeconds)),
    outcome: 'timed out',
    durationMs: timeoutSeconds * 1000,
    notes: [`${new Date().toISOString()} ${requestId} Task timed out after ${seconds} seconds`],
  }
}

/** The runtime process ended before it answered; AWS does not tell a memory kill from another. */
export function exited(
  requestId: string,
  exit: RuntimeExit,
  facts: { outOfMemory: boolean; durationMs: number },
): Ending {
  const body = runtimeExited(requestId, exit)
  return {
    payload: json(body),
    outcome: facts.outOfMemory ? 'out of memory' : 'exited',
    durationMs: facts.durationMs,
    notes: [body.errorMessage, body.errorType],
    errorType: body.errorType,
  }
}

function json(body: unknown): Buffer {
  return Buffer.from(JSON.stringify(body))
}
