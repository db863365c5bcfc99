// Running other programs: the docker command, apt and their like. Output is captured, or passed on
// line by line while a long one works; a failure carries what the program said last.

import { spawn } from 'node:child_process'

export interface RunOptions {
  cwd?: string
  env?: NodeJS.ProcessEnv
  /** Hears every line of both outputs. */
  onLine?(line: string): void
  /** Ends the program when it has been silent for this long. */
  silenceMs?: number
}

/** What a program printed. */
export interface Ran {
  stdout: string
  status: number
}

const KEPT_LINES = 12
/** The status of a program that a signal ended. */
export const KILLED = 137

/** Runs to the end. @throws Error with the program's last lines when it fails. */
export async function run(command: string, args: string[], options: RunOptions = {}): Promise<Ran> {
  const ran = await attempt(command, args, options)
  if (ran.status === 0) return ran
  const shown = [command, ...args].join(' ').slice(0, 200)
  throw new Error(`\`${shown}\` failed (${ran.status}):\n${ran.last.join('\n')}`)
}

/** Whether a program runs and succeeds. */
export async function succeeds(command: string, args: string[]): Promise<boolean> {
  return (await attempt(command, args, {})).status === 0
}

/** Runs to the end, whatever the end is. A program that is not there has status 127. */
export function attempt(
  command: string,
  args: string[],
  options: RunOptions,
): Promise<Ran & { last: string[] }> {
  return new Promise((resolve) => {
    const last: string[] = []
    const stdout: Buffer[] = []
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let silence: NodeJS.Timeout | undefined
    const heard = () => {
      clearTimeout(silence)
      if (options.silenceMs) silence = setTimeout(() => child.kill('SIGKILL'), options.silenceMs)
    }
    const hear = (chunk: Buffer) => {
      heard()
      for (const line of chunk.toString().split(/[\r\n]+/)) {
        if (line.trim() === '') continue
        last.push(line)
        if (last.length > KEPT_LINES) last.shift()
        options.onLine?.(line)
      }
    }
    heard()
    child.stdout.on('data', (chunk: Buffer) => {
      stdout.push(chunk)
      hear(chunk)
    })
    child.stderr.on('data', hear)
    const end = (status: number) => {
      clearTimeout(silence)
      resolve({ status, stdout: Buffer.concat(stdout).toString(), last })
    }
    child.on('error', (error) => {
      last.push(String(error))
      end(127)
    })
    child.on('close', (status) => end(status ?? KILLED))
  })
}
