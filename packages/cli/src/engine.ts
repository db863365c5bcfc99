// A Docker engine and its compose command: used as they are where they are, installed where they
// are missing and this machine can do so (Debian or Ubuntu, as root). An engine that is there is
// never reconfigured.

import { spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { canInstall, install, installFrom, unpackFrom } from './debian.ts'
import type { Report } from './progress.ts'
import { attempt, KILLED, succeeds } from './shell.ts'

const ENGINE_WAIT_MS = 60_000
/** A busy one takes a second. */
const ANSWER_MS_MAX = 30_000
export const ENGINE_LOG = '/var/log/dockerd.log'
const COMPOSE_PACKAGE = { release: 'trixie', name: 'docker-compose' }
/** Debian 12's own has the fault of `mayHang`, and what these depend on. */
const LATER_ENGINE = { release: 'trixie', packages: ['docker.io', 'docker-cli'] }

/** What to say of one that hangs. */
export const ENGINE_HANGS =
  `The Docker engine has not answered for ${ANSWER_MS_MAX / 1000} s. Restart it ` +
  '(with systemd: `systemctl restart docker`), then run this again. Engine 20.10 before 20.10.27 ' +
  'is known for it.'

const SAFE_VERSION = [20, 10, 27]

/** Whether an engine may start no container any more after many have come and gone (moby #46661). */
export function mayHang(version: string): boolean {
  const parts = version.split(/[^0-9]/).map(Number)
  const at = SAFE_VERSION.findIndex((safe, place) => parts[place] !== safe)
  return at >= 0 && (parts[at] ?? 0) < (SAFE_VERSION[at] ?? 0)
}

/** Resolves once an engine answers. @throws Error that says what to install, or to restart. */
export async function ensureEngine(report: Report): Promise<void> {
  const state = await engineState()
  if (state === 'answers') return report('a Docker engine answers; it is used as it is')
  if (state === 'hangs') throw new Error(ENGINE_HANGS)
  if (!(await hasEngine())) await installEngine(report)
  report('starting the Docker engine')
  await startEngine()
  const until = performance.now() + ENGINE_WAIT_MS
  while (performance.now() < until) {
    if ((await engineState()) === 'answers') return
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

/** `silent`: there is none, or none that this user may ask. */
export async function engineState(
  silenceMs = ANSWER_MS_MAX,
): Promise<'answers' | 'hangs' | 'silent'> {
  const asked = ['info', '--format', '{{.ServerVersion}}']
  const { status } = await attempt('docker', asked, { silenceMs })
  if (status === 0) return 'answers'
  return status === KILLED ? 'hangs' : 'silent'
}

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
  const { stdout } = await attempt('dockerd', ['--version'], {})
  const [, version = ''] = /version ([^ ,]+)/.exec(stdout) ?? []
  if (!mayHang(version)) return
  const { release, packages } = LATER_ENGINE
  report(`Docker ${version} can hang under load: taking the one of Debian ${release} in its place`)
  await installFrom(release, packages).catch((error: Error) => {
    report(`it stays, since the other cannot be had: ${error.message}`)
  })
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
