// AWS's event-stream frames. InvokeWithResponseStream has a PayloadChunk for each piece of the
// answer, then InvokeComplete, which alone says whether the function succeeded; services of the
// JSON protocol have events and exceptions of JSON. The framing is the SDK's own codec. Pure.

import type { InvocationResult } from '@hearth/core/invocation'
import { EventStreamCodec } from '@smithy/core/event-streams'

/** How the stream ended, in AWS's members; without an error code it ended well. */
export interface InvokeComplete {
  ErrorCode?: string
  ErrorDetails?: string
  /** Base64 of the log's tail. */
  LogResult?: string
}

export const EVENT_STREAM_TYPE = 'application/vnd.amazon.eventstream'

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes).toString(),
  (text) => Buffer.from(text),
)
/** Failures that the platform names; AWS calls all others `Unhandled`. */
const PLATFORM_TYPE = /^(Function|Runtime|Sandbox)\.[A-Za-z]+$/

export function payloadChunk(bytes: Uint8Array): Uint8Array {
  return frame('PayloadChunk', 'application/octet-stream', bytes)
}

export function invokeComplete(outcome: InvokeComplete): Uint8Array {
  return frame('InvokeComplete', 'application/json', Buffer.from(JSON.stringify(outcome)))
}

/** One event of the JSON 1.1 protocol. */
export function eventFrame(type: string, body: object): Uint8Array {
  return frame(type, 'application/json', Buffer.from(JSON.stringify(body)))
}

/** The end of a stream that ends badly. */
export function exceptionFrame(type: string, message: string): Uint8Array {
  return codec.encode({
    headers: {
      ':message-type': { type: 'string', value: 'exception' },
      ':exception-type': { type: 'string', value: type },
      ':content-type': { type: 'string', value: 'application/json' },
    },
    body: Buffer.from(JSON.stringify({ message })),
  })
}

/** What InvokeComplete says of a result. */
export function outcomeOf({ functionError, logTail, payload }: InvocationResult): InvokeComplete {
  return {
    ...(functionError && describeError(payload)),
    ...(logTail !== undefined && { LogResult: Buffer.from(logTail).toString('base64') }),
  }
}

/** `ErrorDetails` is the error's JSON as the function or the platform made it. */
function describeError(payload: Uint8Array): InvokeComplete {
  const text = Buffer.from(payload).toString()
  return { ErrorCode: codeOf(text), ErrorDetails: text }
}

function codeOf(text: string): string {
  try {
    const { errorType } = JSON.parse(text) as { errorType?: unknown }
    return PLATFORM_TYPE.test(String(errorType)) ? String(errorType) : 'Unhandled'
  } catch {
    return 'Unhandled'
  }
}

function frame(type: string, contentType: string, body: Uint8Array): Uint8Array {
  return codec.encode({
    headers: {
      ':message-type': { type: 'string', value: 'event' },
      ':event-type': { type: 'string', value: type },
      ':content-type': { type: 'string', value: contentType },
    },
    body,
  })
}
