// The metrics of this process over HTTP, on a port of their own that is never the public API's:
// what each role tells, and what prom-client knows of Node.js. Nothing is measured when no port is
// wanted.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { collectDefaultMetrics, Registry } from 'prom-client'

export interface MetricsServer {
  port: number
  close(): Promise<void>
}

const CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE
/** How often the event loop's delay is sampled; more often would keep an idle machine awake. */
const LOOP_SAMPLE_MS = 50

/** Serves `/metrics`; `texts` are the roles'. @throws Error with advice when the port is taken. */
export async function serveMetrics(
  address: { host: string; port: number },
  texts: readonly (() => Promise<string>)[],
): Promise<MetricsServer> {
  const register = new Registry()
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision: LOOP_SAMPLE_MS })
  const collect = async () => {
    const told = await Promise.all([...texts, () => register.metrics()].map((text) => text()))
    return told.map((text) => text.trimEnd()).join('\n\n')
  }
  const server = createServer((request, response) => {
    const [path] = (request.url ?? '').split('?', 1)
    if (request.method !== 'GET' || path !== '/metrics') {
      return void response.writeHead(404).end('There is only GET /metrics.\n')
    }
    collect().then(
      (text) => response.writeHead(200, { 'content-type': CONTENT_TYPE }).end(`${text}\n`),
      (error) => response.writeHead(500).end(`${error}\n`),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new Error(
          `Metrics cannot be offered on ${address.host}:${address.port}: ${cause.message}. Set ` +
            'HEARTH_METRICS_PORT to another port, to 0 for any, or to nothing for none.',
          { cause },
        ),
      ),
    )
    server.listen(address.port, address.host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
      register.clear()
    },
  }
}
