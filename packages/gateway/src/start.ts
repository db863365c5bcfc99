// The gateway role: every public HTTP byte. Invocations and function URLs are answered on node:http
// at once; everything else goes through the app. It keeps no state of its own, so any number of
// gateways may run.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Traces } from '@hearth/bus/traces'
import { getRequestListener } from '@hono/node-server'
import { type AppParts, createApp } from './app.ts'
import { createBodyRoom } from './body-room.ts'
import { createCodeLinks } from './code-links.ts'
import { openConsole } from './console/console.ts'
import { createIdentities, type Identities } from './identities.ts'
import { findImage } from './image-search.ts'
import { createMetrics } from './metrics.ts'
import { type ObjectAccess, openObjects } from './objects.ts'
import { openRequestTraces } from './request-traces.ts'
import { handleInvoke, isInvoke } from './routes/invoke.ts'
import { handleStreamingInvoke, isStreamingInvoke } from './routes/invoke-streaming.ts'
import { handleUrlRequest, urlTarget } from './routes/url-requests.ts'
import { startScalingClock } from './scaling-clock.ts'
import { startSettlement } from './settlement.ts'
import { createVerifier, type Verify } from './sigv4.ts'
import { prepareSnapshot } from './snapshot-preparation.ts'
import { checkSource } from './source-check.ts'
import { startUpkeep, type Upkeep, wantedCode } from './upkeep.ts'

export type { Environments } from './census.ts'

export interface GatewayOptions
  extends Omit<
    AppParts,
    | 'bodies'
    | 'checkSource'
    | 'codeLink'
    | 'links'
    | 'objects'
    | 'refused'
    | 'settlement'
    | 'traces'
    | 'verify'
  > {
  host: string
  port: number
  /** Secrets by access key id. */
  keys: ReadonlyMap<string, string>
  /** What request bodies may fill at a time. */
  bodyMemoryMb: number
  /** Signs links to code; the same in every gateway. */
  linkSecret: string
  /** Where AWS-shaped services are, and how to sign there. */
  aws: ObjectAccess
  /** Absent where nobody records spans. */
  traces?: Traces | undefined
  /** Whether there are pages for people at /console. */
  console: boolean
}

export interface Gateway {
  port: number
  /** In Prometheus's text format. */
  metrics(): Promise<string>
  close(): Promise<void>
}

/** Services whose signatures are accepted: what Hearth answers for. */
const SERVICES = ['lambda', 'application-autoscaling', 'iam', 'logs', 'sts']
/** Those that AWS has once for all regions. */
const GLOBAL_SERVICES = ['iam', 'sts']
const SERVER_OPTIONS = {
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  maxHeaderSize: 16 * 1024,
  // Longer than the idle time after which clients and proxies drop their connections.
  keepAliveTimeout: 75_000,
  noDelay: true,
}

const BYTES_PER_MB = 1024 * 1024
const EXPIRE_MS = 600_000
/** What nobody has wanted for a day goes, so an hour more does not matter. */
const SWEEP_MS = 3_600_000

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { functions } = options
  const links = createCodeLinks(options.linkSecret)
  const settlement = startSettlement({
    ...options,
    findImage: (uri, architecture) => findImage(options, { uri, architecture }),
    prepareSnapshot: (question) => prepareSnapshot(options, question),
  })
  const { concurrency: limit } = options.limits
  const clock = startScalingClock({ functions, limit, report: console.error })
  const chores = startChores(options)
  const bodies = createBodyRoom(options.bodyMemoryMb * BYTES_PER_MB)
  const metrics = createMetrics(bodies)
  const traces = openRequestTraces(options.traces)
  const identities = createIdentities({ ...options, rootKeys: options.keys })
  const parts: AppParts = {
    ...options,
    bodies,
    traces,
    links,
    refused: metrics.refused,
    objects: openObjects(options.aws),
    settlement,
    checkSource: (mapping) => checkSource(options.requests, mapping),
    codeLink: (origin, sha256) => links.make(origin, sha256, Date.now()),
    verify: verifierOf(options, identities),
  }
  const pages = options.console ? openConsole(parts, identities) : undefined
  const control = getRequestListener(createApp(parts, pages?.app).fetch)
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    metrics.follow(request, response)
    bodies.follow(request, response)
    const follow = (operation: string) => traces.follow(request, response, operation)
    const how = { parts, follow, hasPages: pages !== undefined }
    if (!handleInvocation(request, response, how)) void control(request, response)
  }
  const server = createServer(SERVER_OPTIONS, listener)
  const closeClocks = () => {
    for (const one of [settlement, clock, ...chores]) one.close()
  }
  await listen(server, options).catch((error) => {
    closeClocks()
    throw error
  })
  return {
    port: (server.address() as AddressInfo).port,
    metrics: metrics.text,
    async close() {
      closeClocks()
      pages?.close()
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeIdleConnections()
      const forced = setTimeout(() => server.closeAllConnections(), 5_000)
      await closed
      clearTimeout(forced)
    },
  }
}

/** Requests that run a function. @returns whether it is one. */
function handleInvocation(
  request: IncomingMessage,
  response: ServerResponse,
  how: { parts: AppParts; follow(operation: string): void; hasPages: boolean },
): boolean {
  const { parts, follow } = how
  if (isInvoke(request)) {
    follow('Invoke')
    void handleInvoke(request, response, parts)
    return true
  }
  if (isStreamingInvoke(request)) {
    follow('InvokeWithResponseStream')
    void handleStreamingInvoke(request, response, parts)
    return true
  }
  const target = urlTarget(request)
  if (!target) return false
  follow('FunctionUrl')
  const besidePages = how.hasPages && target.sharesOrigin
  void handleUrlRequest(request, response, { target, parts, besidePages })
  return true
}

function listen(server: Server, options: GatewayOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(new Error(explain(cause, options), { cause })))
    server.listen(options.port, options.host, resolve)
  })
}

function startChores({ logs, artifacts, functions, layers }: GatewayOptions): Upkeep[] {
  const expire = () => logs.expire(Date.now())
  const sweep = () => artifacts.sweep(wantedCode(functions.all(), layers.all()))
  return [
    { work: expire, everyMs: EXPIRE_MS, problem: 'expired log lines wait' },
    { work: sweep, everyMs: SWEEP_MS, problem: 'code that nobody wants stays' },
  ].map((chore) => startUpkeep(chore, console.error))
}

function verifierOf({ region }: GatewayOptions, { find }: Identities): Verify {
  return createVerifier({ region, services: SERVICES, global: GLOBAL_SERVICES, find })
}

function explain(cause: Error, { host, port }: GatewayOptions): string {
  return 'code' in cause && cause.code === 'EADDRINUSE'
    ? `Port ${port} is taken. Stop what listens there, or set HEARTH_PORT to another.`
    : `Hearth cannot listen on ${host}:${port}: ${cause.message}`
}
