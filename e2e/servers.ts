// Real NATS and Valkey for tests, from the same images as `make up`, on ports of their own. They
// are started by testcontainers, which is told not to look for a registry or to start its reaper:
// tests clean up themselves.

import { execFile } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import type { EventEmitter } from 'node:events'
import { chmod, mkdir, readFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

process.env.TESTCONTAINERS_RYUK_DISABLED = 'true'
const { GenericContainer, Wait } = await import('testcontainers')
const docker = promisify(execFile)
const READY_MS = 30_000
/** Above 10080, the highest that browsers and `fetch` refuse. */
const PORTS = { from: 11_000, to: 32_000 }

export interface Server {
  url: string
  /** As if the machine had lost it: no time to say good-bye. Its data stays. */
  kill(): Promise<void>
  /** Resolves when it answers again. */
  start(): Promise<void>
  /** Killed and started again. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export interface Nats extends Server {
  monitorUrl: string
}

const NATS_CONFIG = fileURLToPath(new URL('../deploy/nats.conf', import.meta.url))

/**
 * NATS with the configuration that is shipped, or with ones that Hearth refuses; its data in
 * `directory`, or gone with `stop`.
 */
export async function startNats(
  options: { directory?: string; syncAlways?: boolean; maxPayload?: string } = {},
): Promise<Nats> {
  const shipped = await readFile(NATS_CONFIG, 'utf8')
  const lazy = shipped.replace(/.*sync_interval: always.*/, '')
  const safe = options.syncAlways === false ? lazy : shipped
  const { maxPayload } = options
  const content = maxPayload ? safe.replace(/max_payload: .*/, `max_payload: ${maxPayload}`) : safe
  const [port, monitor] = [await freePort(), await freePort()]
  const definition = new GenericContainer('hearth/nats:2.15.1')
    .withEntrypoint(['nats-server'])
    .withCommand(['--config', '/etc/nats/nats.conf'])
    .withCopyContentToContainer([{ content, target: '/etc/nats/nats.conf' }])
    .withExposedPorts({ container: 4222, host: port }, { container: 8222, host: monitor })
    .withWaitStrategy(Wait.forLogMessage(/Server is ready/))
  if (options.directory !== undefined) {
    await mkdir(options.directory, { recursive: true })
    // The server in the container is a user of its own.
    await chmod(options.directory, 0o777)
    definition.withBindMounts([{ source: options.directory, target: '/data' }])
  }
  const container = await definition.start()
  return {
    url: `nats://127.0.0.1:${port}`,
    monitorUrl: `http://127.0.0.1:${monitor}`,
    ...controls(container.getId(), () => answers(port, { question: '', answer: 'INFO ' })),
  }
}

export async function startValkey(): Promise<Server> {
  const port = await freePort()
  const container = await new GenericContainer('hearth/valkey:8.1')
    .withEntrypoint(['valkey-server'])
    .withCommand(['--bind', '0.0.0.0', '--protected-mode', 'no', '--save', ''])
    .withExposedPorts({ container: 6379, host: port })
    .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/))
    .start()
  const ready = () => answers(port, { question: 'PING\r\n', answer: '+PONG' })
  return { url: `redis://127.0.0.1:${port}`, ...controls(container.getId(), ready) }
}

export function controls(id: string, ready: () => Promise<boolean>) {
  const kill = async () => void (await docker('docker', ['kill', id]))
  const start = async () => {
    await docker('docker', ['start', id])
    for (const giveUpAt = Date.now() + READY_MS; !(await ready()); ) {
      if (Date.now() > giveUpAt) throw new Error(`container ${id} does not answer`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  return {
    kill,
    start,
    restart: async () => {
      await kill()
      await start()
    },
    stop: async () => void (await docker('docker', ['rm', '--force', '--volumes', id])),
  }
}

/** Whether a server answers in its own words; a port that is open may be the engine's proxy. */
export function answers(
  port: number,
  words: { question: string; answer: string },
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(words.question))
    const settle = (answered: boolean) => {
      resolve(answered)
      socket.destroy()
    }
    socket.setTimeout(1_000, () => settle(false))
    socket.on('data', (bytes) => settle(bytes.toString().startsWith(words.answer)))
    socket.on('error', () => settle(false))
    socket.on('close', () => resolve(false))
  })
}

/**
 * A port that was free a moment ago, below those that the kernel gives to whoever connects or
 * listens anywhere: it stays free until a server that takes a second to start binds it. Tests that
 * run beside this one are not given it, for as long as this process lives.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.from, PORTS.to)
    if (!(await claims(port))) continue
    const server = createServer()
    const free = await bound(server, () => server.listen(port, '127.0.0.1'))
    if (!free) continue
    await new Promise((closed) => server.close(closed))
    return port
  }
}

/** The same number of UDP, which nobody here uses, is the sign that others see. */
function claims(port: number): Promise<boolean> {
  const sign = createSocket('udp4').unref()
  return bound(sign, () => sign.bind({ port, address: '127.0.0.1', exclusive: true }))
}

/** @returns whether it has what it asked for; false when somebody else has. */
function bound(socket: EventEmitter, bind: () => void): Promise<boolean> {
  return new Promise((settle, fail) => {
    socket.once('listening', () => settle(true))
    socket.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? settle(false) : fail(error),
    )
    bind()
  })
}

/** FLUSHALL: a Valkey that answers, and remembers nothing. */
export function flush({ url }: Server): Promise<boolean> {
  const port = Number(new URL(url).port)
  return answers(port, { question: 'FLUSHALL\r\n', answer: '+OK' })
}
