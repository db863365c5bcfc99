// The X-Ray header of a request: kept as it came, made from W3C's, or begun. It never loses a
// caller's trace, and ends chains that go round in circles; request-traces.ts records spans.

import { randomFillSync } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { ServiceError } from '@hearth/core/error'
import type { FunctionDocument } from '@hearth/core/function'
import { isRecursive, withInvocation } from '@hearth/core/recursion'
import { readTraceparent, renderTraceHeader } from '@hearth/core/trace'

/** Random bytes are drawn for many ids at a time: each call costs what hundreds of bytes cost. */
const drawn = Buffer.alloc(4000)
const ID_BYTES = 20
let used = drawn.length

/** `Root=1-<time>-<96 random bits>;Sampled=0` unless the caller sent a trace of his. */
export function traceOf(headers: IncomingHttpHeaders, now: number): string {
  const given = headers['x-amzn-trace-id']
  if (typeof given === 'string' && given.length < 1024) return given
  const place = readTraceparent(String(headers.traceparent ?? ''))
  if (place) return renderTraceHeader(place)
  const time = Math.floor(now / 1000)
    .toString(16)
    .padStart(8, '0')
  const random = randomId()
  return `Root=1-${time}-${random.slice(0, 24)};Parent=${random.slice(24)};Sampled=0`
}

/**
 * The trace that a function is given: its lineage names the function once more.
 * @throws ServiceError RecursiveInvocationException when the chain has been through it too often,
 * and its owner does not allow that.
 */
export function counted(
  traceId: string,
  functionArn: string,
  document: Pick<FunctionDocument, 'allowsLoops'> | undefined,
): string {
  if (document?.allowsLoops || !isRecursive(traceId, functionArn)) {
    return withInvocation(traceId, functionArn)
  }
  throw new ServiceError(
    'RecursiveInvocationException',
    'Lambda has detected your function being invoked in a recursive loop with other Amazon Web ' +
      "Services resources and stopped your function's invocation.",
  )
}

/** 160 random bits in hex. */
function randomId(): string {
  if (used + ID_BYTES > drawn.length) {
    randomFillSync(drawn)
    used = 0
  }
  used += ID_BYTES
  return drawn.toString('hex', used - ID_BYTES, used)
}
