// The floor of a first invocation: a plain container of the same image, created and started by
// Docker, until its runtime has run a line.

import { execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'

const run = promisify(execFile)
const READY = 'ready'

export interface Container {
  image: string
  /** A program that prints `ready` once the runtime runs. */
  command: readonly [string, ...string[]]
}

export const NODE: Container = {
  image: 'hearth/nodejs24.x',
  command: ['/var/lang/bin/node', '-e', `console.log('${READY}')`],
}
export const PYTHON: Container = {
  image: 'hearth/python3.13',
  command: ['/var/lang/bin/python3', '-c', `print('${READY}')`],
}

/** Milliseconds until the runtime is ready; its end is not counted. */
export async function startPlain({ image, command }: Container): Promise<number> {
  const name = `hearth-bench-${randomUUID().slice(0, 8)}`
  const [program, ...rest] = command
  const startedAt = performance.now()
  const args = ['run', '--name', name, '--network', 'bridge', '--entrypoint', program, image]
  const child = spawn('docker', [...args, ...rest], { stdio: ['ignore', 'pipe', 'inherit'] })
  const tookMs = await new Promise<number>((resolve, reject) => {
    child.stdout.on('data', () => resolve(performance.now() - startedAt))
    child.on('exit', () => reject(new Error(`a container of ${image} said nothing`)))
  })
  await run('docker', ['rm', '--force', name])
  return tookMs
}
