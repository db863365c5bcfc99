// The way onto NATS, and the gate in front of it: Hearth refuses to start on a server that could
// lose what it has acknowledged. Two connections, so that a burst of publishing never delays a
// request. Nothing here knows what travels; messages.ts does.

import { setTimeout as sleep } from 'node:timers/promises'
import { ServiceError } from '@hearth/core/error'
import { type JetStreamClient, jetstream } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { connect as dial, type NatsConnection } from '@nats-io/transport-node'

export interface BusOptions {
  /** `nats://host:port`, several joined by commas. */
  url: string
  /** The server's HTTP monitor, `http://host:port`; asked whether acknowledged means on disk. */
  monitorUrl: string
  /** Accept a server that may lose acknowledged messages in a power cut: for trials only. */
  allowUnsafe?: boolean
}

export interface Bus {
  /** Requests, replies and hints. */
  readonly control: NatsConnection
  readonly jetstream: JetStreamClient
  readonly buckets: Kvm
  /** Whether both connections are up at this moment. */
  connected(): boolean
  close(): Promise<void>
}

/** The first release whose `sync_interval: always` has no known hole. */
const SERVER_VERSION_MIN = [2, 14, 6]
/** What follows an event, with the whole answer in it: on less it could never be stored. */
const MESSAGE_BYTES_MIN = 8 * 1024 * 1024
const RECONNECT_WAIT_MS = 200
const PING_INTERVAL_MS = 5_000
const MONITOR_TIMEOUT_MS = 5_000
const DRAIN_MS_MAX = 5_000
const AWAY_MS_MAX = 5_000
const LOOK_MS = 250
/** Time for one JetStream acknowledgement; generous because each waits for the disk. */
const JETSTREAM_TIMEOUT_MS = 10_000

/** @throws Error with a sentence that says what to do, when NATS is out of reach or unsafe. */
export async function connectBus(options: BusOptions): Promise<Bus> {
  const [control, publishing] = await Promise.all([open(options, 'control'), open(options, 'data')])
  if (!options.allowUnsafe) await requireSafeServer(control, options.monitorUrl)
  const link = { control: true, data: true }
  void watch(control, (up) => {
    link.control = up
  })
  void watch(publishing, (up) => {
    link.data = up
  })
  const js = jetstream(publishing, { timeout: JETSTREAM_TIMEOUT_MS })
  return {
    control,
    jetstream: js,
    buckets: new Kvm(js),
    connected: () => link.control && link.data,
    close: () => hangUp([control, publishing]),
  }
}

/**
 * @throws ServiceError ServiceUnavailableException while NATS is away, instead of waiting for it.
 */
export function requireConnected(bus: Bus): void {
  if (bus.connected()) return
  throw new ServiceError(
    'ServiceUnavailableException',
    'Service is unavailable: NATS is out of reach.',
  )
}

/** Resolves when the work is done, or NATS has been away for so long that it may never be. */
export async function whileHeard(
  bus: Pick<Bus, 'connected'>,
  work: Promise<unknown>,
): Promise<void> {
  let isDone = false
  const done = work.finally(() => {
    isDone = true
  })
  const away = async () => {
    for (let leftMs = AWAY_MS_MAX; leftMs > 0 && !isDone; leftMs -= LOOK_MS) {
      await sleep(LOOK_MS)
      if (bus.connected()) leftMs = AWAY_MS_MAX
    }
  }
  await Promise.race([done, away()])
}

async function open(options: BusOptions, name: string): Promise<NatsConnection> {
  try {
    return await dial({
      servers: options.url.split(','),
      name: `hearth-${name}`,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      pingInterval: PING_INTERVAL_MS,
      noAsyncTraces: true,
    })
  } catch (cause) {
    throw new Error(
      `NATS does not answer at ${options.url}. Start it (\`make up\` does), or set HEARTH_NATS_URL.`,
      { cause },
    )
  }
}

/** What was said arrives first; without a server nobody waits for one. */
async function hangUp(connections: NatsConnection[]): Promise<void> {
  const drained = Promise.allSettled(connections.map((connection) => connection.drain()))
  const late = sleep(DRAIN_MS_MAX, undefined, { ref: false })
  await Promise.race([drained, late])
  for (const connection of connections) void connection.close().catch(() => {})
}

async function watch(connection: NatsConnection, tell: (up: boolean) => void): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === 'disconnect' || status.type === 'staleConnection') tell(false)
    if (status.type === 'reconnect') tell(true)
  }
}

async function requireSafeServer(connection: NatsConnection, monitorUrl: string): Promise<void> {
  const version = connection.info?.version ?? '0.0.0'
  if (!atLeast(version, SERVER_VERSION_MIN)) {
    throw new Error(
      `nats-server ${version} can lose acknowledged messages; Hearth needs ` +
        `${SERVER_VERSION_MIN.join('.')} or later. Upgrade it, or set HEARTH_ALLOW_UNSAFE_NATS=1 for a trial.`,
    )
  }
  const bytesMax = connection.info?.max_payload ?? 0
  if (bytesMax < MESSAGE_BYTES_MIN) {
    throw new Error(
      `This nats-server takes messages of ${bytesMax} bytes at most; large events and answers would be lost. ` +
        'Put `max_payload: 8MB` in its configuration, or set HEARTH_ALLOW_UNSAFE_NATS=1 for a trial.',
    )
  }
  const config = await jetStreamConfig(monitorUrl)
  if (config.sync_always !== true) {
    throw new Error(
      'This nats-server acknowledges before its disk has the message. Put `sync_interval: always` in the ' +
        'jetstream section of its configuration, or set HEARTH_ALLOW_UNSAFE_NATS=1 for a trial.',
    )
  }
}

async function jetStreamConfig(monitorUrl: string): Promise<{ sync_always?: boolean }> {
  const url = new URL('/jsz', monitorUrl)
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(MONITOR_TIMEOUT_MS) })
    const body = (await answer.json()) as { config?: { sync_always?: boolean } }
    return body.config ?? {}
  } catch (cause) {
    throw new Error(
      `The NATS monitor does not answer at ${url}, so Hearth cannot see whether acknowledged means on disk. ` +
        'Start nats-server with `http: 8222`, or set HEARTH_NATS_MONITOR_URL.',
      { cause },
    )
  }
}

function atLeast(version: string, floor: readonly number[]): boolean {
  const parts = version.split(/[.-]/).map(Number)
  for (const [index, least] of floor.entries()) {
    const part = parts[index] ?? 0
    if (part !== least) return part > least
  }
  return true
}
