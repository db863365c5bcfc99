// The gateway's metrics in Prometheus form: requests by operation and class of status, how long
// they took, those under way, and refusals by AWS's exception. A request is counted when its
// connection has the answer. It changes nothing that passes.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { ServiceError } from '@hearth/core/error'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { BodyRoom } from './body-room.ts'
import { CONSOLE_PATH } from './console/guard.ts'
import { match } from './contract.ts'
import { splitUrl } from './http.ts'
import { isInvoke } from './routes/invoke.ts'
import { isStreamingInvoke } from './routes/invoke-streaming.ts'
import { urlTarget } from './routes/url-requests.ts'

export interface GatewayMetrics {
  /** Counts a request from now until its response is closed. */
  follow(request: IncomingMessage, response: ServerResponse): void
  /** An invocation or a function URL's request was refused. */
  refused(error: unknown): void
  /** Everything in Prometheus's text format. */
  text(): Promise<string>
}

const MS_PER_SECOND = 1000
const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 900]
/** What runs functions is timed by its name, all that controls them together. */
const TIMED = ['FunctionUrl', 'Health', 'Invoke', 'InvokeWithResponseStream']
const CONTROL = 'Control'

export function createMetrics({ heldBytes }: Pick<BodyRoom, 'heldBytes'>): GatewayMetrics {
  const registry = new Registry()
  const registers = [registry]
  const requests = new Counter({
    name: 'lambda_requests_total',
    help: 'Requests by operation and class of status; none when the caller left before.',
    labelNames: ['operation', 'status'],
    registers,
  })
  const refusals = new Counter({
    name: 'lambda_refused_invocations_total',
    help: 'Invocations and requests of function URLs that were refused, by the exception.',
    labelNames: ['exception'],
    registers,
  })
  refusals.inc({ exception: 'RecursiveInvocationException' }, 0)
  const seconds = new Histogram({
    name: 'lambda_request_duration_seconds',
    help: 'Time from a request to the end of its answer.',
    labelNames: ['operation'],
    buckets: REQUEST_SECONDS,
    registers,
  })
  const inFlight = new Gauge({
    name: 'lambda_requests_in_flight',
    help: 'Requests that have no complete answer yet.',
    registers,
  })
  new Gauge({
    name: 'lambda_request_body_bytes',
    help: 'Bytes of request bodies and of answers that are held until they are answered and read.',
    registers,
    collect() {
      this.set(heldBytes())
    },
  })
  const requestOf = remembered((key) => requests.labels(...(key.split(' ') as [string, string])))
  const timeOf = remembered((operation) => seconds.labels(operation))
  return {
    follow(request, response) {
      const startedAt = performance.now()
      inFlight.inc()
      response.once('close', () => {
        inFlight.dec()
        const operation = operationOf(request)
        const status = response.headersSent ? `${Math.floor(response.statusCode / 100)}xx` : 'none'
        requestOf(`${operation} ${status}`).inc()
        const took = (performance.now() - startedAt) / MS_PER_SECOND
        timeOf(TIMED.includes(operation) ? operation : CONTROL).observe(took)
      })
    },
    refused(error) {
      const isOurs = error instanceof ServiceError
      refusals.inc({ exception: isOurs ? error.code : 'InternalFailure' })
    },
    text: () => registry.metrics(),
  }
}

/** Made once for each key: prom-client makes a new one at each call. Keys are few. */
function remembered<T>(make: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>()
  return (key) => {
    const one = known.get(key) ?? make(key)
    known.set(key, one)
    return one
  }
}

/** AWS's name of the operation, or one of few of our own. */
function operationOf(request: IncomingMessage): string {
  if (isInvoke(request)) return 'Invoke'
  if (isStreamingInvoke(request)) return 'InvokeWithResponseStream'
  if (urlTarget(request)) return 'FunctionUrl'
  const { path, query } = splitUrl(request.url ?? '/')
  const known = match(request.method ?? 'GET', path, new URLSearchParams(query))
  if (known) return known.operation.name
  if (path === '/' && request.method === 'POST') return 'Logs'
  if (path.endsWith('/health')) return 'Health'
  if (path.startsWith(CONSOLE_PATH)) return 'Console'
  return path.startsWith('/hearth/') ? 'Native' : 'Unknown'
}
