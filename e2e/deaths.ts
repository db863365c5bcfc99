// When sandboxes died, in the engine's own words: what ran in one is over then, whoever killed it,
// though it never reports its end. Only deaths are heard of, and none from before it listened.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Report } from './listener.ts'

export interface Deaths {
  /** `died <host>`, the host as the sandbox itself knew its name. */
  reports: Report[]
  close(): void
}

const HOST_LENGTH = 12
const NANOSECONDS_PER_MS = 1e6

/** Hears of every container's death on this engine from now on. */
export async function watchDeaths(): Promise<Deaths> {
  const reports: Report[] = []
  const args = ['events', '--filter', 'event=die', '--format', '{{.TimeNano}} {{.ID}}']
  const events = spawn('docker', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  createInterface(events.stdout).on('line', (line) => {
    const [nanoseconds, id] = line.split(' ') as [string, string]
    const at = Number(nanoseconds) / NANOSECONDS_PER_MS
    reports.push({ at, what: `died ${id.slice(0, HOST_LENGTH)}` })
  })
  await once(events, 'spawn')
  return { reports, close: () => events.kill() }
}
