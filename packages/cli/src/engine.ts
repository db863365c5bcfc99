// A Docker engine and its compose command: used as they are where they are, installed where they
// are missing and this machine can do so (Debian or Ubuntu, as root). An engine that is there is
// never reconfigured.

import { spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { canInstall, install, unpackFrom } from './debian.ts'
import type { Report } from './progress.ts'
import { succeeds } from './shell.ts'

const ENGINE_WAIT_MS = 60_000
const ENGINE_LOG = '/var/log/dockerd.log'
const COMPOSE_PACKAGE = { release: 'trixie', name: 'docker-compose' }

/** Resolves once an engine answers. @throws Error that says what to install. */
export async function ensureEngine(report: Report): Promise<void> {
  if (await engineAnswers()) return report('a Docker engine answers; it is used as it is')
  if (!(await hasEngine())) await installEngine(report)
  report('starting the Docker engine')
  await startEngine()
  const until = performance.now() + ENGINE_WAIT_MS
  while (performance.now() < until) {
    if (await engineAnswers()) return
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  throw new Error(`The Docker engine did not start. Its log (${ENGINE_LOG}) says why.`)
}

/** Resolves once `docker compose` works. @throws Error that says what to install. */
export async function ensureCompose(report: Report): Promise<void> {
  if (await succeeds('docker', ['compose', 'version'])) return
  if (!(await canInstall())) {
    throw new Error(
      '`docker compose` is missing. Install the Docker Compose plugin, then run this again.',
    )
  }
  report('`docker compose` is missing: unpacking it from Debian')
  await unpackFrom(COMPOSE_PACKAGE.release, COMPOSE_PACKAGE.name, '/')
  if (await succeeds('docker', ['compose', 'version'])) return
  throw new Error('`docker compose` was installed but does not run; install it by hand.')
}

export const engineAnswers = () => succeeds('docker', ['info', '--format', '{{.ServerVersion}}'])

const hasEngine = () =>
  access('/usr/sbin/dockerd').then(
    () => true,
    () => succeeds('dockerd', ['--version']),
  )

async function installEngine(report: Report): Promise<void> {
  if (!(await canInstall())) {
    throw new Error(
      'Hearth needs a Docker engine. Install Docker (Docker Engine or Docker Desktop), start it, and run ' +
        'this again; on Debian or Ubuntu Hearth installs it itself when it runs as root.',
    )
  }
  report('no Docker engine here: installing docker.io')
  await install(['docker.io', 'iptables', 'ca-certificates'], report)
}

/** By the service manager where there is one; else in the background, outliving us. */
async function startEngine(): Promise<void> {
  if (await succeeds('systemctl', ['is-system-running', '--quiet'])) {
    await succeeds('systemctl', ['start', 'docker'])
    return
  }
  const log = openSync(ENGINE_LOG, 'a')
  spawn('dockerd', [], { detached: true, stdio: ['ignore', log, log] }).unref()
}
