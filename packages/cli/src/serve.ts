// `hearth serve`: the only file that knows everyone. It opens what the chosen roles share, starts
// them, says Ready, and on a signal stops them in the opposite order, so that accepted work is
// answered first.

import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createAnnounce } from '@hearth/bus/announcements'
import { openClaims } from '@hearth/bus/claims'
import { type Bus, connectBus, whileHeard } from '@hearth/bus/connect'
import { createQueues, type Queues } from '@hearth/bus/queues'
import { createRequests, type Requests } from '@hearth/bus/requests'
import { createStreams, type Streams } from '@hearth/bus/streams'
import type { Traces } from '@hearth/bus/traces'
import { roleNameOf } from '@hearth/core/role'
import { startGateway } from '@hearth/gateway'
import { answerThrottles, createDoorCounts, type DoorCounts } from '@hearth/invocation/door-counts'
import { openDoor } from '@hearth/invocation/invoke'
import { type Ear, type Schedulers, watchSchedulers } from '@hearth/invocation/schedulers'
import { connectLeases } from '@hearth/leases/connect'
import { AWS_PRICES, startMetering } from '@hearth/metering'
import { startPoller } from '@hearth/poller'
import { type SchedulerOptions, startScheduler, Tokens } from '@hearth/scheduler'
import { openAccessKeys } from '@hearth/store/access-keys'
import { type Artifacts, openArtifacts } from '@hearth/store/artifacts'
import { type Budgets, openBudgets } from '@hearth/store/budgets'
import { openCheckpoints } from '@hearth/store/checkpoints'
import { openClaims as openWorkClaims } from '@hearth/store/claims'
import { openCodeSigningConfigs } from '@hearth/store/code-signing-configs'
import { type DeadLetters, openDeadLetters } from '@hearth/store/dead-letters'
import { type Deliveries, openDeliveries } from '@hearth/store/deliveries'
import { type Envelope, openEnvelope } from '@hearth/store/envelope'
import { openEventSourceMappings } from '@hearth/store/event-source-mappings'
import { type Events, openEvents } from '@hearth/store/events'
import { type Functions, openFunctions } from '@hearth/store/functions'
import { openLayers } from '@hearth/store/layers'
import { type Ledger, openLedger } from '@hearth/store/ledger'
import { type Logs, openLogs } from '@hearth/store/logs'
import { openCustomerPolicies, openRoles } from '@hearth/store/roles'
import { openRoster } from '@hearth/store/roster'
import { issueSession } from '@hearth/store/sessions'
import { openTimers } from '@hearth/store/timers'
import { openUseTotals } from '@hearth/store/use-totals'
import { awsAccess } from './aws-access.ts'
import { type Config, suggestSchedulerId } from './config.ts'
import { serveMetrics } from './metrics.ts'
import { openPlatformMetrics } from './metrics-platform.ts'
import { readPrices } from './price-file.ts'
import { openTracesOf } from './tracing.ts'

/** What every role may share, and the way to undo what was started, newest last. */
interface Ground {
  config: Config
  version: string
  bus: Bus
  requests: Requests
  streams: Streams
  queues: Queues
  events: Events
  deliveries: Deliveries
  deadLetters: DeadLetters
  artifacts: Artifacts
  /** For secrets that are kept. */
  envelope: Envelope
  functions: Functions
  budgets: Budgets
  ledger: Ledger
  logs: Logs
  /** Spans go to the operator's collector, where there is one. */
  traces: Traces | undefined
  /** What this process refuses and takes in, through whichever door. */
  doors: DoorCounts
  /** Each role's, in Prometheus's text format. */
  metrics: (() => Promise<string>)[]
  stops: (() => Promise<void> | void)[]
}

const HEARD_MS_MAX = 3_000
/** An environment that has reached its age may still be at work. */
const SESSION_SPARE_SECONDS = 3_600

/** Runs until a signal; resolves, or rejects when it cannot start, once everything has stopped. */
export async function serve(config: Config, version: string): Promise<void> {
  const signal = nextSignal()
  const stops: Ground['stops'] = []
  try {
    await start(await openGround(config, version, stops))
    console.log('Ready.')
    console.error(`Stopping (${await signal}): what was accepted is answered first.`)
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

async function start(ground: Ground): Promise<void> {
  const { HEARTH_ROLES: roles, HEARTH_HOST: host } = ground.config
  if (roles.includes('scheduler')) await scheduler(ground)
  if (roles.includes('metering')) await metering(ground)
  const hasDoor = roles.includes('gateway') || roles.includes('poller')
  if (hasDoor) closeLater(ground.stops, [answerThrottles(ground.requests, ground.doors)])
  if (roles.includes('poller')) await poller(ground)
  const port = roles.includes('gateway') ? await gateway(ground) : undefined
  await metrics(ground)
  if (port !== undefined) console.log(`Listening on http://${host}:${port}`)
}

async function openGround(
  config: Config,
  version: string,
  stops: Ground['stops'],
): Promise<Ground> {
  await mkdir(config.HEARTH_DATA_DIR, { recursive: true })
  const envelope = await openEnvelope(
    config.HEARTH_MASTER_KEY_FILE ?? join(config.HEARTH_DATA_DIR, 'master-key'),
  )
  const bus = await connectBus({
    url: config.HEARTH_NATS_URL,
    monitorUrl: config.HEARTH_NATS_MONITOR_URL,
    allowUnsafe: config.HEARTH_ALLOW_UNSAFE_NATS,
  })
  const claimsHost = config.HEARTH_CLAIMS_HOST
  const claims = await openClaims(claimsHost, config.HEARTH_CLAIMS_ADVERTISE ?? claimsHost)
  stops.push(
    () => bus.close(),
    () => claims.close(),
  )
  const streams = await createStreams(bus)
  const queues = await createQueues(bus)
  const requests = createRequests(bus, claims)
  const functions = await openFunctions(bus, envelope)
  const logs = await openLogs(bus, streams)
  const traces = await openTracesOf(config, version)
  const budgets = await openBudgets(bus)
  stops.push(() => traces?.close())
  closeLater(stops, [functions, logs, budgets])
  return {
    config,
    version,
    bus,
    requests,
    streams,
    queues,
    events: await openEvents(queues, requests),
    deliveries: await openDeliveries(queues, requests),
    deadLetters: await openDeadLetters(streams),
    envelope,
    functions,
    artifacts: await openArtifacts(join(config.HEARTH_DATA_DIR, 'artifacts')),
    budgets,
    ledger: await openLedger(streams),
    logs,
    traces,
    doors: createDoorCounts((name) => functions.cached(config.HEARTH_ACCOUNT, name) !== undefined),
    metrics: [],
    stops,
  }
}

async function scheduler({ config, stops, envelope, ...ground }: Ground): Promise<void> {
  const schedulerId = await rememberSchedulerId(config)
  const { HEARTH_FUNCTION_ENDPOINT: endpoint } = config
  const leases = connectLeases(config.HEARTH_VALKEY_URL)
  stops.push(() => leases.close())
  const roster = await openRoster(ground.bus)
  stops.push(() => roster.close())
  const started = await startScheduler({
    schedulerId,
    owner: config.HEARTH_OWNER ?? hashOf(config.HEARTH_DATA_DIR),
    dataDirectory: config.HEARTH_DATA_DIR,
    region: config.HEARTH_REGION,
    limits: {
      memoryMb: config.HEARTH_MEMORY_MB,
      concurrency: config.HEARTH_CONCURRENCY,
      environmentsMax: config.HEARTH_ENVIRONMENTS_MAX,
      idleSeconds: config.HEARTH_IDLE_SECONDS,
      ageSecondsMax: config.HEARTH_AGE_SECONDS_MAX,
    },
    stems: { max: config.HEARTH_STEMS_MAX, standing: config.HEARTH_STEMS },
    streamedBytesMax: config.HEARTH_STREAMED_BYTES_MAX,
    hands: config.HEARTH_HANDS,
    namespacesMax: config.HEARTH_NAMESPACES_MAX,
    ...(endpoint && { endpoint: endpoint.url }),
    isolation: {
      allow: [...config.HEARTH_SANDBOX_ALLOW, ...(endpoint ? [endpoint.destination] : [])],
      ...(config.HEARTH_SANDBOX_RUNTIME && { runtime: config.HEARTH_SANDBOX_RUNTIME }),
    },
    credentialsOf: credentialsOf(config, envelope),
    requests: ground.requests,
    async openTokens(own) {
      await roster.join(schedulerId)
      const account = config.HEARTH_ACCOUNT
      const limit = config.HEARTH_CONCURRENCY
      const timeoutSecondsMax = config.HEARTH_TIMEOUT_SECONDS_MAX
      const parts = { ...ground, ...own, account, limit, leases, roster, report }
      const tokens = new Tokens({ ...parts, schedulerId, timeoutSecondsMax })
      await tokens.ready()
      return tokens
    },
    codeDirectory: ground.artifacts.codeDirectory,
    layersDirectory: ground.artifacts.layersDirectory,
    publishLogs: ground.logs.publish,
    ship: ground.ledger.ship,
    traces: ground.traces,
    report,
  })
  ground.metrics.push(started.metrics)
  stops.push(
    // Nothing of it runs any more, and all tokens are back.
    () => roster.leave(schedulerId).catch((error) => report(`the roster keeps us: ${error}`)),
    () => started.close(),
  )
}

async function metering({ config, stops, ...ground }: Ground): Promise<void> {
  const prices = await readPrices(config.HEARTH_PRICES_FILE, AWS_PRICES)
  const totals = await openUseTotals(ground.bus, ground.streams)
  const leases = connectLeases(config.HEARTH_VALKEY_URL)
  stops.push(() => leases.close())
  const { HEARTH_ACCOUNT: account, HEARTH_REGION: region } = config
  const started = startMetering({ ...ground, account, region, totals, prices, leases, report })
  ground.metrics.push(started.metrics)
  stops.push(() => started.close())
}

async function poller({ config, stops, ...ground }: Ground): Promise<void> {
  const { bus, requests, functions, events, queues, streams, budgets } = ground
  const leases = connectLeases(config.HEARTH_VALKEY_URL)
  const schedulers = watchSchedulers(requests, await earOf(config, bus))
  const region = config.HEARTH_REGION
  const mappings = await openEventSourceMappings(bus, ground.envelope)
  const checkpoints = await openCheckpoints(bus)
  const claims = await openWorkClaims(bus)
  closeLater(stops, [mappings, checkpoints, claims, leases, schedulers])
  const started = await startPoller({
    region,
    mappings,
    checkpoints,
    claims,
    natsUrl: config.HEARTH_NATS_URL,
    valkeyUrl: config.HEARTH_VALKEY_URL,
    batchesMax: config.HEARTH_BATCHES_MAX,
    ...(config.HEARTH_SECRETS_DIR && { secretsFolder: config.HEARTH_SECRETS_DIR }),
    door: ground.doors.watch(openDoor({ region, functions, schedulers, requests, budgets })),
    functions,
    budgets,
    events,
    queues,
    requests,
    leases,
    timers: await openTimers(streams),
    deliveries: ground.deliveries,
    deadLetters: ground.deadLetters,
    aws: awsAccess(config),
    announce: createAnnounce(bus),
    webhooks: {
      secrets: config.HEARTH_WEBHOOK_SECRET,
      allow: config.HEARTH_WEBHOOK_ALLOW,
    },
    inHandMax: config.HEARTH_EVENTS_IN_HAND,
    retrySeconds: config.HEARTH_RETRY_SECONDS,
    traces: ground.traces,
    report,
  })
  ground.metrics.push(started.metrics)
  // What runs may be long, and could not be settled without NATS.
  stops.push(() => whileHeard(bus, started.close()))
}

async function gateway({ config, version, stops, ...ground }: Ground): Promise<number> {
  const { bus, requests, artifacts, functions, logs, events, budgets } = ground
  const mappings = await openEventSourceMappings(bus, ground.envelope)
  const signingConfigs = await openCodeSigningConfigs(bus)
  const accessKeys = await openAccessKeys(bus)
  const roles = await openRoles(bus)
  const policies = await openCustomerPolicies(bus)
  const layers = await openLayers(bus)
  const schedulers = watchSchedulers(requests, await earOf(config, bus))
  closeLater(stops, [accessKeys, layers, mappings, policies, roles, schedulers, signingConfigs])
  if (config.HEARTH_ROLES.includes('scheduler')) await heard(schedulers)
  const region = config.HEARTH_REGION
  const started = await startGateway({
    host: config.HEARTH_HOST,
    port: config.HEARTH_PORT,
    account: config.HEARTH_ACCOUNT,
    region,
    keys: config.HEARTH_ACCESS_KEYS,
    bodyMemoryMb: config.HEARTH_BODY_MEMORY_MB,
    linkSecret: [...config.HEARTH_ACCESS_KEYS].flat().join('/'),
    limits: {
      timeoutSecondsMax: config.HEARTH_TIMEOUT_SECONDS_MAX,
      memoryMbMax: config.HEARTH_FUNCTION_MEMORY_MB_MAX,
      concurrency: config.HEARTH_CONCURRENCY,
    },
    version,
    console: config.HEARTH_CONSOLE === 'on',
    roles: config.HEARTH_ROLES,
    connected: bus.connected,
    door: ground.doors.watch(openDoor({ region, functions, schedulers, requests, budgets })),
    budgets,
    requests,
    schedulers,
    functions,
    mappings,
    signingConfigs,
    accessKeys,
    roleRecords: roles,
    policyRecords: policies,
    envelope: ground.envelope,
    async sweepCheckpoints(mapping) {
      const checkpoints = await openCheckpoints(bus)
      await checkpoints.sweep(mapping, 'former').finally(checkpoints.close)
    },
    artifacts,
    layers,
    aws: awsAccess(config),
    logs,
    events: ground.doors.watchEvents(events),
    deadLetters: ground.deadLetters,
    deliveries: ground.deliveries,
    traces: ground.traces,
  })
  stops.push(() => started.close())
  ground.metrics.push(started.metrics)
  return started.port
}

/** Whatever else happens: what stays open keeps a process that cannot start from ending. */
function closeLater(stops: Ground['stops'], opened: { close(): Promise<void> | void }[]): void {
  stops.push(...opened.map((one) => () => one.close()))
}

/** Our own scheduler's first heartbeat goes by way of NATS: Ready means that invocations find it. */
async function heard(schedulers: Schedulers): Promise<void> {
  const until = performance.now() + HEARD_MS_MAX
  while (schedulers.live().length === 0 && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

async function metrics({ config, metrics: texts, stops, ...ground }: Ground): Promise<void> {
  const { HEARTH_HOST: host, HEARTH_METRICS_PORT: port } = config
  if (port === undefined) return
  const platform = openPlatformMetrics({ ...ground, config })
  stops.push(() => platform.close())
  const started = await serveMetrics({ host, port }, [platform.text, ...texts])
  stops.push(() => started.close())
  console.log(`Metrics on http://${host}:${started.port}/metrics`)
}

/** Our own scheduler is spoken with in process. */
async function earOf(config: Config, { connected: hears }: Bus): Promise<Ear> {
  if (!config.HEARTH_ROLES.includes('scheduler')) return { hears }
  return { hears, own: await rememberSchedulerId(config) }
}

/**
 * Kept in the data directory, because a container's name does not outlive it and its leftovers do.
 */
async function rememberSchedulerId(config: Config): Promise<string> {
  if (config.HEARTH_SCHEDULER_ID) return config.HEARTH_SCHEDULER_ID
  const path = join(config.HEARTH_DATA_DIR, 'scheduler-id')
  const known = await readFile(path, 'utf8').catch(() => undefined)
  if (known) return known.trim()
  const id = suggestSchedulerId()
  await writeFile(path, `${id}\n`)
  return id
}

/**
 * The operator's where he has named some, for services beside Hearth; else a session of the
 * function's role, which outlasts the environment that has it.
 */
function credentialsOf(config: Config, envelope: Envelope): SchedulerOptions['credentialsOf'] & {} {
  const accessKeyId = config.HEARTH_FUNCTION_ACCESS_KEY_ID
  const secretAccessKey = config.HEARTH_FUNCTION_SECRET_ACCESS_KEY
  const sessionToken = config.HEARTH_FUNCTION_SESSION_TOKEN
  if (accessKeyId && secretAccessKey) {
    return () => ({ accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) })
  }
  const { HEARTH_AGE_SECONDS_MAX: age, HEARTH_TIMEOUT_SECONDS_MAX: run } = config
  const seconds = age + run + SESSION_SPARE_SECONDS
  return ({ account, functionName: name, version }) => {
    const role = roleNameOf(version.configuration.role)
    return issueSession(envelope, { account, role, name, expiresAt: Date.now() + seconds * 1000 })
  }
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 12)
const report = (problem: string) => console.error(problem)

function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => resolve(name))
  })
}
