// deploy/compose.yaml through the compose command: the one description of what runs on a single
// host.

import { join } from 'node:path'
import { ROOT } from './image-list.ts'
import type { Report } from './progress.ts'
import { inherited, project, upMetricsPort, upPort } from './settings.ts'
import { attempt, run } from './shell.ts'

export interface Container {
  Service: string
  State: string
  Health: string
  Status: string
  Publishers?: { PublishedPort: number }[]
}

const baseArguments = () => [
  'compose',
  '--project-name',
  project(),
  '--file',
  join(ROOT, 'deploy', 'compose.yaml'),
]

const environment = () => ({
  ...inherited(),
  HEARTH_PORT: String(upPort()),
  HEARTH_METRICS_PORT: String(upMetricsPort()),
  HEARTH_PROJECT: project(),
})

/** Starts what does not run, replaces what changed, and waits until all is healthy. */
export async function composeUp(report: Report): Promise<void> {
  const args = [...baseArguments(), 'up', '--detach', '--wait', '--remove-orphans']
  const onLine = (line: string) => report(line.trim().slice(0, 100))
  try {
    await run('docker', args, { env: environment(), onLine })
  } catch (error) {
    throw new Error(`${error}\n\nWhat Hearth said last:\n${await composeLogs()}`)
  }
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
