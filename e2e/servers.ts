// Real NATS and Valkey for tests, from the same images as `make up`, on ports of their own. They
// are started by testcontainers, which is told not to look for a registry or to start its reaper:
// tests clean up themselves.

import { execFile } from 'node:child_process'
import { type AddressInfo, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

process.env.TESTCONTAINERS_RYUK_DISABLED = 'true'
const { GenericContainer, Wait } = await import('testcontainers')
const docker = promisify(execFile)

export interface Server {
  url: string
  /** As if the machine had lost it: no time to say good-bye. Its data stays. */
  kill(): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

export interface Nats extends Server {
  monitorUrl: string
}

const NATS_CONFIG = fileURLToPath(new URL('../deploy/nats.conf', import.meta.url))

/** NATS with the configuration that is shipped. */
export async function startNats(): Promise<Nats> {
  const [port, monitor] = [await freePort(), await freePort()]
  const container = await new GenericContainer('hearth/nats:2.15.1')
    .withEntrypoint(['nats-server'])
    .withCommand(['--config', '/etc/nats/nats.conf'])
    .withCopyFilesToContainer([{ source: NATS_CONFIG, target: '/etc/nats/nats.conf' }])
    .withExposedPorts({ container: 4222, host: port }, { container: 8222, host: monitor })
    .withWaitStrategy(Wait.forLogMessage(/Server is ready/))
    .start()
  return {
    url: `nats://127.0.0.1:${port}`,
    monitorUrl: `http://127.0.0.1:${monitor}`,
    ...controls(container.getId()),
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
  return { url: `redis://127.0.0.1:${port}`, ...controls(container.getId()) }
}

function controls(id: string) {
  return {
    kill: async () => void (await docker('docker', ['kill', id])),
    start: async () => void (await docker('docker', ['start', id])),
    stop: async () => void (await docker('docker', ['rm', '--force', '--volumes', id])),
  }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  await new Promise((closed) => server.close(closed))
  return port
}
