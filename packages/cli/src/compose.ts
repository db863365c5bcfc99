// deploy/compose.yaml through the compose command: the one description of what runs on a single
// host.

import { join } from 'node:path'
import { ROOT } from './image-list.ts'
import type { Profile } from './observability.ts'
import type { Report } from './progress.ts'
import {
  inherited,
  project,
  upGrafanaPort,
  upMetricsPort,
  upPort,
  upPrometheusPort,
  upPublish,
} from './settings.ts'
import { attempt, run } from './shell.ts'

export interface Container {
  Service: string
  State: string
  Health: string
  Status: string
  Publishers?: { PublishedPort: number }[]
}

/** Of profiles only `up` chooses: to look, and to stop, whatever may be there is meant. */
const baseArguments = (profile: Profile | 'none' = 'observability') => [
  'compose',
  '--project-name',
  project(),
  '--file',
  join(ROOT, 'deploy', 'compose.yaml'),
  ...(profile === 'none' ? [] : ['--profile', profile]),
]

const environment = () => ({
  ...inherited(),
  HEARTH_PORT: String(upPort()),
  HEARTH_METRICS_PORT: String(upMetricsPort()),
  HEARTH_PROMETHEUS_PORT: String(upPrometheusPort()),
  HEARTH_GRAFANA_PORT: String(upGrafanaPort()),
  HEARTH_PROJECT: project(),
})

/** Starts what does not run, replaces what changed, and waits until all is healthy. */
export async function composeUp(report: Report, profile?: Profile): Promise<void> {
  const args = [...baseArguments(profile ?? 'none'), 'up', '--detach', '--wait', '--remove-orphans']
  const onLine = (line: string) => report(line.trim().slice(0, 100))
  try {
    await run('docker', args, { env: { ...environment(), HEARTH_PUBLISH: upPublish() }, onLine })
  } catch (error) {
    throw new Error(`${error}\n\nWhat Hearth said last:\n${await composeLogs()}`)
  }
}

/** Has Prometheus read its configuration again: the files are mounted, and may be newer than it. */
export async function reloadPrometheus(): Promise<void> {
  await run('docker', [...baseArguments(), 'kill', '--signal', 'HUP', 'prometheus'], {
    env: environment(),
  })
}

/** Stops and removes the containers, and the volumes too when they are to be forgotten. */
export async function composeDown(report: Report, volumes: boolean): Promise<void> {
  const args = [...baseArguments(), 'down', '--remove-orphans', ...(volumes ? ['--volumes'] : [])]
  await run('docker', args, {
    env: environment(),
    onLine: (line) => report(line.trim().slice(0, 100)),
  })
}

/** The project's containers, running or not. */
export async function composeContainers(): Promise<Container[]> {
  const args = [...baseArguments(), 'ps', '--all', '--format', 'json']
  const { stdout, status } = await attempt('docker', args, { env: environment() })
  if (status !== 0) return []
  // One object a line, or one array: compose has done both.
  const text = stdout.trim()
  if (text.startsWith('[')) return JSON.parse(text) as Container[]
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Container)
}

/** The last lines of Hearth's own container. */
export async function composeLogs(): Promise<string> {
  const args = [...baseArguments(), 'logs', '--tail', '20', '--no-color', 'hearth']
  return (await attempt('docker', args, { env: environment() })).stdout
}
