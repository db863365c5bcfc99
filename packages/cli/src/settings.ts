// The command's own settings from the environment: where Hearth is, what `hearth up` calls and
// publishes it, and whether somebody watches. The one file of the client side that reads the
// environment; the server's is config.ts.

import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { usageError } from './failures.ts'

const PORT = 4574
/** So far above the API's port are the metrics: several Hearths need no thought. */
const METRICS_ABOVE = 6
const PROMETHEUS_ABOVE = 16
const GRAFANA_ABOVE = 26
const PORT_MAX = 65_535
const LOOPBACK = '127.0.0.1'
const EVERYWHERE = '0.0.0.0'
/** What compose allows as a project's name, and HEARTH_OWNER as a label. */
const PROJECT = /^[a-z0-9][a-z0-9-]{0,39}$/
/** `id:secret`, as a fresh install has it. */
const FIRST_KEY = 'hearth:hearth'

export interface Key {
  accessKeyId: string
  secretAccessKey: string
}

/** Where settings are kept from one `hearth up` to the next: as with compose, beside the project. */
export const envFile = () =>
  process.env.HEARTH_ENV_FILE || fileURLToPath(new URL('../../../.env', import.meta.url))

/**
 * Takes from the file what the environment does not set. It is never written: what is in it may be
 * secret, and is for its owner to put there. @throws CommandError when a file that was named is not
 * there.
 */
export function readEnvFile(): void {
  for (const [name, value] of Object.entries(inEnvFile())) process.env[name] ??= value
}

/** What is set, by where it comes from: a name is the file's while the environment agrees. */
export function settingsFrom(names: readonly string[]) {
  const file = inEnvFile()
  const set = names.filter((name) => process.env[name])
  return {
    file: set.filter((name) => file[name] === process.env[name]),
    environment: set.filter((name) => file[name] !== process.env[name]),
    inFile: Object.keys(file),
  }
}

function inEnvFile(): Record<string, string> {
  const path = envFile()
  try {
    return parseEnv(readFileSync(path, 'utf8')) as Record<string, string>
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    if (isMissing && !process.env.HEARTH_ENV_FILE) return {}
    throw usageError(`${path} can't be read: ${(error as Error).message}`)
  }
}

/** What other programs we start inherit. */
export const inherited = (): NodeJS.ProcessEnv => ({ ...process.env })

/** Port on which `hearth up` offers the API. @throws CommandError when it is no port. */
export const upPort = () => portOf('HEARTH_PORT', { fallback: PORT, least: 1 })

/**
 * Port on which `hearth up` offers the metrics; 0 when any will do. @throws CommandError when it is
 * no port.
 */
export const upMetricsPort = () =>
  portOf('HEARTH_METRICS_PORT', { fallback: upPort() + METRICS_ABOVE, least: 0 })

/** Ports of Prometheus and Grafana, where `hearth up` brings them. @throws CommandError. */
export const upPrometheusPort = () =>
  portOf('HEARTH_PROMETHEUS_PORT', { fallback: upPort() + PROMETHEUS_ABOVE, least: 0 })
export const upGrafanaPort = () =>
  portOf('HEARTH_GRAFANA_PORT', { fallback: upPort() + GRAFANA_ABOVE, least: 0 })

function portOf(name: string, { fallback, least }: { fallback: number; least: number }): number {
  const text = process.env[name] || String(fallback)
  const port = Number(text)
  if (Number.isInteger(port) && port >= least && port <= PORT_MAX) return port
  throw usageError(`${name} is ${text}; it must be a port, ${least} to ${PORT_MAX}.`)
}

/**
 * Address on which `hearth up` offers the API. Beyond loopback it takes keys that not everybody
 * knows. @throws CommandError.
 */
export function upPublish(): string {
  const address = process.env.HEARTH_PUBLISH || LOOPBACK
  if (address === LOOPBACK) return address
  if (address !== EVERYWHERE) {
    throw usageError(`HEARTH_PUBLISH is ${address}; it must be ${LOOPBACK} or ${EVERYWHERE}.`)
  }
  if (process.env.HEARTH_ACCESS_KEYS) return address
  throw usageError(
    `HEARTH_PUBLISH=${EVERYWHERE} lets others reach the API, and a fresh install's keys are known ` +
      'to all. Name your own beside it: HEARTH_ACCESS_KEYS=<id>:<secret>.',
  )
}

/**
 * The compose project's name, so that several Hearths can run side by side. @throws CommandError.
 */
export function project(): string {
  const name = process.env.HEARTH_PROJECT || 'hearth'
  if (PROJECT.test(name)) return name
  throw usageError(
    `HEARTH_PROJECT is ${name}; it must be up to 40 of a-z, 0-9 and -, and start with no -.`,
  )
}

/** A registry that images are pulled from instead of the engine's own, such as `localhost:5000`. */
export const registry = () => process.env.HEARTH_REGISTRY

/** Where the API is, unless the command line says otherwise. */
export function endpointUrl(): string {
  const { AWS_ENDPOINT_URL_LAMBDA, AWS_ENDPOINT_URL } = process.env
  return AWS_ENDPOINT_URL_LAMBDA || AWS_ENDPOINT_URL || upEndpoint()
}

/** Where `hearth up` offers the API, whatever other endpoint the environment names. */
export const upEndpoint = () => `http://localhost:${upPort()}`

/** Where the pages for people are, unless the operator wants none. */
export const upConsole = () =>
  process.env.HEARTH_CONSOLE === 'off' ? undefined : `${upEndpoint()}/console`

/** What must stand before a command to mean the same Hearth: '' for the usual one. */
export function upVariables(): string {
  const { HEARTH_PORT, HEARTH_PROJECT } = process.env
  const port = HEARTH_PORT ? `HEARTH_PORT=${HEARTH_PORT} ` : ''
  return HEARTH_PROJECT ? `${port}HEARTH_PROJECT=${HEARTH_PROJECT} ` : port
}

/**
 * The first key that the Hearth of `hearth up` accepts: compose passes the same variable on to it.
 */
export function upKey(): Key {
  const [first = ''] = (process.env.HEARTH_ACCESS_KEYS || FIRST_KEY).split(',')
  const [accessKeyId = '', secretAccessKey = ''] = first.trim().split(':', 2)
  return { accessKeyId, secretAccessKey }
}

/** The region of the Hearth that `hearth up` starts. */
export const upRegion = () => process.env.HEARTH_REGION || 'us-east-1'

export const region = () => process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || 'us-east-1'

/** Whether the environment names credentials, or where to get them. */
export function namesCredentials(): boolean {
  return [
    'AWS_ACCESS_KEY_ID',
    'AWS_PROFILE',
    'AWS_WEB_IDENTITY_TOKEN_FILE',
    'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
    'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  ].some((name) => process.env[name])
}

/** Where the SDK looks for profiles. */
export function profileFiles(): string[] {
  const { AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE } = process.env
  return [
    AWS_SHARED_CREDENTIALS_FILE || join(homedir(), '.aws', 'credentials'),
    AWS_CONFIG_FILE || join(homedir(), '.aws', 'config'),
  ]
}

/**
 * Whether a person watches: continuous integration may offer a terminal, but nobody looks at it.
 */
export const watched = () => process.stderr.isTTY === true && !process.env.CI
