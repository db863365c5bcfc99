// An init that failed, and what the invocation for which it was tried again is told. The
// function's own report is its answer; without one the platform answers in the shape of a runtime
// that exited. Time that ran out is the invocation's, and has the shape of any timeout. Pure.

import { type Outcome, type RuntimeExit, runtimeExited } from '@hearth/core/invocation'
import type { Ending } from './attempt.ts'

export interface InitFailure {
  reason: string
  initMs: number
  /** What the runtime reported, as JSON. */
  body?: Uint8Array
  /** How its process ended, when it reported nothing. */
  exit?: RuntimeExit
}

export type InitVerdict =
  | { status: 'error'; errorType?: string; ending(requestId: string): Ending }
  | { status: 'timeout'; errorType?: undefined }

/** The reason of an init that took too long. */
export const INIT_TIMED_OUT = 'init timed out'
/** What AWS shows of an error type; a function may put anything there. */
const ERROR_TYPE = /^[\w.$:-]{1,128}$/

/** What to tell, or undefined when the platform itself failed and there is no function to blame. */
export function judgeInitFailure(failure: InitFailure): InitVerdict | undefined {
  const { body, exit, reason } = failure
  if (body) {
    const errorType = readErrorType(body)
    return {
      status: 'error',
      ...(errorType !== undefined && { errorType }),
      ending: () => ending(body, 'init error'),
    }
  }
  if (exit) {
    return {
      status: 'error',
      errorType: runtimeExited('', exit).errorType,
      ending: (requestId) => ending(json(runtimeExited(requestId, exit)), 'init error'),
    }
  }
  return reason === INIT_TIMED_OUT ? { status: 'timeout' } : undefined
}

function ending(payload: Uint8Array, outcome: Outcome): Ending {
  return { payload, outcome, durationMs: 0, notes: [] }
}

function readErrorType(body: Uint8Array): string | undefined {
  try {
    const { errorType } = JSON.parse(Buffer.from(body).toString()) as { errorType?: unknown }
    return typeof errorType === 'string' && ERROR_TYPE.test(errorType) ? errorType : undefined
  } catch {
    return undefined
  }
}

function json(body: unknown): Buffer {
  return Buffer.from(JSON.stringify(body))
}
