// Spans of the requests that invoke functions, from the first byte to the end of the answer. What
// the functions are given has the span as its parent. Without a collector nothing is recorded, and
// a caller's trace is kept all the same.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TraceSpan, Traces } from '@hearth/bus/traces'
import { splitUrl } from './http.ts'
import { traceOf } from './trace.ts'

export interface RequestTraces {
  /** Records a request until its response is closed. */
  follow(request: IncomingMessage, response: ServerResponse, operation: string): void
  /** The trace header for what a request is about to invoke. */
  of(request: IncomingMessage, now: number): string
}

const FAILED_FROM = 500

export function openRequestTraces(traces: Traces | undefined): RequestTraces {
  if (!traces) return { follow: () => {}, of: ({ headers }, now) => traceOf(headers, now) }
  const spans = new WeakMap<IncomingMessage, TraceSpan>()
  return {
    follow(request, response, operation) {
      const { method = 'GET', headers, url = '/', socket } = request
      const given = headers['x-amzn-trace-id'] ?? headers.traceparent
      const header = given === undefined ? undefined : traceOf(headers, Date.now())
      const attributes = {
        'http.request.method': method,
        'url.path': splitUrl(url).path,
        'client.address': socket.remoteAddress ?? '',
        ...(operation !== 'FunctionUrl' && { 'rpc.system': 'aws-api', 'rpc.method': operation }),
      }
      const span = traces.begin(operation, header, { kind: 'server', attributes })
      spans.set(request, span)
      response.once('close', () => {
        const status = response.headersSent ? response.statusCode : undefined
        const failed = status === undefined ? 'the caller left' : `status ${status}`
        span.end(
          status === undefined ? {} : { 'http.response.status_code': status },
          status === undefined || status >= FAILED_FROM ? failed : undefined,
        )
      })
    },
    of: (request, now) => spans.get(request)?.header ?? traceOf(request.headers, now),
  }
}
