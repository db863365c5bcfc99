// What many functions cost: the memory of an idle environment beside that of a bare Node.js server,
// and a warm call among two hundred functions beside one of a single function.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Hearth } from '../hearth.ts'
import { startFloor } from './floor.ts'
import { median, once } from './load.ts'
import { signedInvoke } from './requests.ts'
import { type Row, row } from './table.ts'

const run = promisify(execFile)
const FUNCTIONS = 200
const TURNS = 3
const FLOOR = 'hearth-bench-floor'
const HELLO = { 'index.mjs': 'export const handler = async () => "hello"' }
const MEGABYTES: Readonly<Record<string, number>> = { KiB: 1 / 1024, MiB: 1, GiB: 1024 }

export async function many(hearth: Hearth, functionName: string): Promise<Row[]> {
  const names: string[] = []
  for (let count = 0; count < FUNCTIONS; count += 1) {
    names.push(await hearth.create({ MemorySize: 128, files: HELLO }))
  }
  for (const name of names) await call(hearth, name)
  const alone: number[] = []
  const among: number[] = []
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const name of names) {
      alone.push(await call(hearth, functionName))
      among.push(await call(hearth, name))
    }
  }
  return [
    row(`warm, ${FUNCTIONS} functions in turn, p50`, {
      floor: median(alone),
      value: median(among),
      unit: 'ms',
    }),
    await memory(hearth),
  ]
}

/** Milliseconds of warm calls, one after the other. */
export async function callTimes(hearth: Hearth, name: string, count: number): Promise<number[]> {
  const times: number[] = []
  while (times.length < count) times.push(await call(hearth, name))
  return times
}

function call(hearth: Hearth, name: string): Promise<number> {
  const { host, hostname, port } = new URL(hearth.endpoint)
  return once({ host: hostname, port: Number(port), request: signedInvoke(host, name) })
}

/** What the engine says that a container uses, page cache aside; the median of all sandboxes. */
async function memory(hearth: Hearth): Promise<Row> {
  const floor = await startFloor()
  try {
    const sandboxes = await used(await hearth.sandboxes())
    const [least = Number.NaN] = await used([FLOOR])
    const figures = { floor: least, value: median(sandboxes), unit: 'MB' } as const
    return row('memory of an idle environment', figures)
  } finally {
    await floor.stop()
  }
}

async function used(containers: readonly string[]): Promise<number[]> {
  const args = ['stats', '--no-stream', '--format', '{{.MemUsage}}', ...containers]
  const { stdout } = await run('docker', args)
  return stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [, figure, unit = ''] = /^([\d.]+)(\w+)/.exec(line) ?? []
      return Number(figure) * (MEGABYTES[unit] ?? Number.NaN)
    })
}
