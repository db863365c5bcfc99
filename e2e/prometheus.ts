// A real Prometheus for tests, with the rules and the configuration that are shipped, but for whom
// it scrapes and how often; and promtool, which judges what it would read.

import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { GenericContainer, Wait } from 'testcontainers'
import { PROMETHEUS } from '../packages/cli/src/image-list.ts'
import { ROOT } from './hearth.ts'
import { freePort } from './servers.ts'

export interface Prometheus {
  /** What its API answers. @throws Error when it refuses. */
  ask<T>(path: string, parameters?: Record<string, string>): Promise<T>
  stop(): Promise<void>
}

export const SHIPPED = join(ROOT, 'deploy', 'prometheus')
const run = promisify(execFile)

/** @param target `host:port` of the metrics, which it asks each second. */
export async function startPrometheus(target: string): Promise<Prometheus> {
  const port = await freePort()
  const shipped = await readFile(join(SHIPPED, 'prometheus.yml'), 'utf8')
  const content = shipped
    .replace('targets/*.yml', '/trial/targets.yml')
    .replace('localhost:9090', `localhost:${port}`)
    .replaceAll('_interval: 15s', '_interval: 1s')
  // Its network must be the host's, for what is scraped listens on loopback.
  const container = await new GenericContainer(PROMETHEUS.tag)
    .withNetworkMode('host')
    .withCopyDirectoriesToContainer([{ source: SHIPPED, target: '/etc/hearth' }])
    .withCopyContentToContainer([
      { content, target: '/etc/hearth/trial.yml' },
      { content: JSON.stringify([{ targets: [target] }]), target: '/trial/targets.yml' },
    ])
    .withCommand([
      '--config.file=/etc/hearth/trial.yml',
      '--storage.tsdb.path=/prometheus',
      `--web.listen-address=127.0.0.1:${port}`,
    ])
    .withWaitStrategy(Wait.forLogMessage(/Server is ready to receive web requests/))
    .start()
  return {
    async ask(path, parameters = {}) {
      const body = new URLSearchParams(parameters)
      const method = path.includes('query') ? { method: 'POST', body } : {}
      const url = new URL(`/api/v1/${path}`, `http://127.0.0.1:${port}`)
      if (!('body' in method)) url.search = body.toString()
      const answer = (await (await fetch(url, method)).json()) as { data: never; error?: string }
      if (answer.error) throw new Error(`${parameters.query ?? path}: ${answer.error}`)
      return answer.data
    },
    stop: async () => void (await run('docker', ['rm', '--force', '--volumes', container.getId()])),
  }
}

const DOCKER = [
  ...['run', '--rm', '--interactive', '--volume', `${SHIPPED}:/etc/hearth:ro`],
  ...['--workdir', '/etc/hearth', '--entrypoint', 'promtool', PROMETHEUS.tag],
]

/** What promtool says of the files that are shipped. @throws Error when it finds fault. */
export async function promtool(...args: string[]): Promise<string> {
  const { stdout, stderr } = await run('docker', [...DOCKER, ...args])
  return `${stdout}${stderr}`
}

/** What it says of its input, fault or none. */
export function promtoolOn(input: Uint8Array, ...args: string[]): Promise<string> {
  return new Promise((resolve) => {
    const child = execFile('docker', [...DOCKER, ...args], (_, stdout, stderr) =>
      resolve(`${stdout}${stderr}`),
    )
    child.stdin?.end(input)
  })
}
