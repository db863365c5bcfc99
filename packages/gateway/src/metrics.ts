// The gateway's metrics in Prometheus form: requests by operation and class of status, those under
// way, and throttles by AWS's reason. A request is counted when its connection has the answer. The
// one user of prom-client here; it changes nothing that passes.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { ServiceError } from '@hearth/core/error'
import type { Door } from '@hearth/invocation/invoke'
import { Counter, Gauge, Registry } from 'prom-client'
import { match } from './contract.ts'
import { splitUrl } from './http.ts'
import { isInvoke } from './routes/invoke.ts'
import { urlTarget } from './routes/url-requests.ts'

export interface GatewayMetrics {
  /** Counts a request from now until its response is closed. */
  follow(request: IncomingMessage, response: ServerResponse): void
  /** The same door, whose throttles are counted. */
  watch(door: Door): Door
  /** Everything in Prometheus's text format. */
  text(): Promise<string>
}

export function createMetrics(): GatewayMetrics {
  const registry = new Registry()
  const registers = [registry]
  const requests = new Counter({
    name: 'lambda_requests_total',
    help: 'Requests by operation and class of status; none when the caller left before.',
    labelNames: ['operation', 'status'],
    registers,
  })
  const inFlight = new Gauge({
    name: 'lambda_requests_in_flight',
    help: 'Requests that have no complete answer yet.',
    registers,
  })
  const throttles = new Counter({
    name: 'lambda_throttles_total',
    help: 'Invocations that were refused, by the reason that AWS gives.',
    labelNames: ['reason'],
    registers,
  })
  const cells = new Map<string, Counter.Internal>()
  const cell = (operation: string, status: string) => {
    const key = `${operation} ${status}`
    const known = cells.get(key) ?? requests.labels(operation, status)
    cells.set(key, known)
    return known
  }
  return {
    follow(request, response) {
      inFlight.inc()
      response.once('close', () => {
        inFlight.dec()
        const status = response.headersSent ? `${Math.floor(response.statusCode / 100)}xx` : 'none'
        cell(operationOf(request), status).inc()
      })
    },
    watch: (door) => ({
      ...door,
      invoke: async (...given) => {
        try {
          return await door.invoke(...given)
        } catch (error) {
          const reason = error instanceof ServiceError && error.members.Reason
          if (reason) throttles.inc({ reason })
          throw error
        }
      },
    }),
    text: () => registry.metrics(),
  }
}

/** AWS's name of the operation, or one of few of our own. */
function operationOf(request: IncomingMessage): string {
  if (isInvoke(request)) return 'Invoke'
  if (urlTarget(request)) return 'FunctionUrl'
  const { path, query } = splitUrl(request.url ?? '/')
  const known = match(request.method ?? 'GET', path, new URLSearchParams(query))
  if (known) return known.operation.name
  if (path === '/' && request.method === 'POST') return 'Logs'
  if (path.endsWith('/health')) return 'Health'
  return path.startsWith('/hearth/') ? 'Native' : 'Unknown'
}
