// The other side of the Runtime API: what an execution environment, a stem, or whoever else started
// a runtime makes of its requests. The HTTP of it is runtime-api's; nothing here has a state.

import type { Attempt } from './attempt.ts'
import type { ApiAnswer, ApiRequest } from './extensions-api.ts'
import type { ResponseStream } from './response-stream.ts'

/**
 * Hands an invocation to a runtime that waits for it; the deadline in milliseconds since the epoch.
 */
export type Parked = (attempt: Attempt, deadline: number) => void

/** Tells a stem which function it is, by the environment of its runtime process. */
export type ParkedStem = (environment: Readonly<Record<string, string>>) => void

/** What the environment makes of the runtime's requests. */
export interface RuntimeSide {
  /** A booted runtime asks which function it is. @returns false when it was told at its start. */
  specialisation(parked: ParkedStem): boolean
  /** The runtime asks for work. @returns false when it may not, such as twice at a time. */
  next(parked: Parked): boolean
  /** It has loaded the function and waits to be used as a snapshot. @returns false when it is none. */
  restore(restored: () => void): boolean
  /** The connection on which the runtime waited for work has gone. */
  hungUp(parked: Parked): void
  /** Whether this invocation can be answered now. */
  expects(requestId: string): 'answer' | 'no more' | 'nothing'
  /** @returns false when no such invocation runs any more. */
  respond(requestId: string, body: Buffer): boolean
  fail(requestId: string, body: Buffer): boolean
  respondTooLarge(requestId: string, bytesMax: number): boolean
  /** The answer comes bit by bit. @returns undefined when it has to come in one piece. */
  stream(requestId: string, contentType: string): ResponseStream | undefined
  /** The connection ended, or made no sense any more, in the middle of a stream. */
  streamBroken(requestId: string): void
  initFailed(body: Buffer): boolean
  /** An extension asks, and is answered by `go`; absent where there can be none. */
  askedByExtension?(request: ApiRequest, go: (answer: ApiAnswer) => void): void
}

/** Who has no work and takes no answer: what others add to is all that they may hear. */
export const NOBODY: Readonly<RuntimeSide> = {
  specialisation: () => false,
  next: () => false,
  restore: () => false,
  hungUp() {},
  expects: () => 'nothing',
  respond: () => false,
  fail: () => false,
  respondTooLarge: () => false,
  stream: () => undefined,
  streamBroken() {},
  initFailed: () => false,
}
