// While tests run, a container is started once a minute beside them. An engine that starts none
// any more would cost each file its whole time limit: the run ends instead, and says what was seen
// of the engine and of the kernel.

import { readdir, readFile, statfs } from 'node:fs/promises'
import { freemem } from 'node:os'
import type { Reporter, TestSpecification } from 'vitest/node'
import { ENGINE_LOG } from '../packages/cli/src/engine.ts'
import { attempt, succeeds } from '../packages/cli/src/shell.ts'

const EVERY_MS = 60_000
/** Longer than any start in a whole run. */
const PATIENCE_MS = 120_000
const LOOK_MS = 10_000
const LINES = 25
/** For whoever can start the engine anew and try again: .ci/run. */
const STATUS = 75
const GOROUTINES = '/run/docker'
const START = ['run', '--rm', '--entrypoint', 'true', 'hearth/valkey:8.1']

export class EngineWatch implements Reporter {
  #timer: NodeJS.Timeout | undefined

  onTestRunStart(specifications: readonly TestSpecification[]): void {
    const wantsEngine = specifications.some(({ project }) => project.name !== 'law')
    if (wantsEngine) this.#timer = setTimeout(() => this.#look(), EVERY_MS)
  }

  onTestRunEnd(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  async #look(): Promise<void> {
    const started = performance.now()
    await attempt('docker', START, { silenceMs: PATIENCE_MS })
    if (this.#timer === undefined) return
    // An engine that refuses says so to every test.
    if (performance.now() - started < PATIENCE_MS) {
      this.#timer = setTimeout(() => this.#look(), EVERY_MS)
      return
    }
    console.error(await diagnosis())
    console.error(
      `The Docker engine has started no container for ${PATIENCE_MS / 1000} s, so the tests end ` +
        'here. What was seen of it is above. Restart the engine, then run `make test` again.',
    )
    process.exit(STATUS)
  }
}

/** What tells a busy engine from one that waits for itself, or for the kernel. */
async function diagnosis(): Promise<string> {
  const lists = await succeedsSoon('docker', ['ps', '--quiet'])
  const parts = {
    'The engine lists containers': [lists ? 'yes' : 'no'],
    Free: [await free()],
    'Processes that the kernel does not let go on': await stuckProcesses(),
    'Goroutines of the engine that have waited for minutes': await waitingGoroutines(),
    'What the engine said last': tail(
      await textOf(ENGINE_LOG),
      /level=info|shim disconnected|cleanup warnings|already in progress/,
    ),
    'What the kernel said last': tail(await kernelLog(), / (docker0|br-|veth|eth0)|\(loop\d/),
  }
  const told = Object.entries(parts).map(([title, lines]) =>
    [`${title}:`, ...lines.map((line) => `  ${line}`)].join('\n'),
  )
  return told.join('\n')
}

const succeedsSoon = async (command: string, args: string[]) =>
  (await attempt(command, args, { silenceMs: LOOK_MS })).status === 0

const GB = 2 ** 30
async function free(): Promise<string> {
  const { bavail, bsize } = await statfs('/var/lib/docker').catch(() => statfs('/'))
  return `${Math.round(freemem() / GB)} GB of memory, ${Math.round((bavail * bsize) / GB)} GB of disk`
}

const textOf = (path: string) => readFile(path, 'utf8').catch(() => '')
const kernelLog = async () => (await attempt('dmesg', [], { silenceMs: LOOK_MS })).stdout
const tail = (text: string, usual: RegExp) =>
  text
    .trimEnd()
    .split('\n')
    .filter((line) => !usual.test(line))
    .slice(-LINES)

/** Name, and the newest calls within the kernel. Sandboxes that are frozen are as they should be. */
async function stuckProcesses(): Promise<string[]> {
  const numbers = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const all = numbers.map(async (number) => {
    const [, name, state] = /\((.*)\) (\S)/s.exec(await textOf(`/proc/${number}/stat`)) ?? []
    if (state !== 'D') return []
    const stack = (await textOf(`/proc/${number}/stack`)).trim()
    if (/freez|refrigerator/i.test(stack)) return []
    return [`${number} ${name}: ${stack.split('\n').slice(0, 6).join(' < ')}`]
  })
  return (await Promise.all(all)).flat()
}

/** The engine writes its goroutines into a file when it is asked by a signal. */
async function waitingGoroutines(): Promise<string[]> {
  if (!(await succeeds('pkill', ['-USR1', '-x', 'dockerd']))) return []
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  const files = (await readdir(GOROUTINES).catch(() => [])).filter((name) => /^gorout/.test(name))
  const newest = files.sort().at(-1)
  if (newest === undefined) return []
  const blocks = (await textOf(`${GOROUTINES}/${newest}`)).split('\n\n')
  const counts = new Map<string, number>()
  for (const block of blocks) {
    const [head = '', ...frames] = block.split('\n')
    const [, state, minutes] = /\[([^,\]]+), (\d+) minutes/.exec(head) ?? []
    if (state === undefined || Number(minutes) > 10) continue
    const calls = frames.flatMap(
      (line) => /^[^\t]*\/(.*?)\((?:0x|\{|\.\.\.|\))/.exec(line)?.[1] ?? [],
    )
    const where = `${state}: ${calls.slice(0, 8).join(' < ')}`
    counts.set(where, (counts.get(where) ?? 0) + 1)
  }
  return [...counts].map(([where, count]) => `${count} x ${where}`).slice(0, LINES)
}
