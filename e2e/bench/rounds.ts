// Several paths measured in turn, round by round, so that the machine's moods touch each alike, and
// the median of the rounds.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { load, type Measured, median, type Target } from './load.ts'
import type { Pair, Row } from './table.ts'

export interface Effort {
  seconds: number
  rounds: number
}

export type Medians = Omit<Measured, 'failures'>

const WARM_UP_SECONDS = 2
/** Starting as many environments as there are callers takes a while on a small machine. */
const WARM_UP_TURNS_MAX = 40
/** A start shows as a latency far over this. */
const WARM_P99_MS = 250
/** A turn that is not faster than the fastest before it, by this share, is as fast as they get. */
const STEADY = 0.95
/** So many turns without a container more or less: a start takes less than a turn. */
const QUIET_TURNS = 2

/** @throws Error when a request failed while it was measured. */
export async function measure<Name extends string>(
  paths: Record<Name, Target>,
  callers: number,
  { seconds, rounds }: Effort,
): Promise<Record<Name, Medians>> {
  const names = Object.keys(paths) as Name[]
  const measured = new Map<Name, Measured[]>(names.map((name) => [name, []]))
  for (const name of names) await warmUp(paths[name], callers)
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) {
      const one = await load(paths[name], callers, seconds)
      if (one.failures > 0) throw new Error(`${name} failed ${one.failures} times`)
      measured.get(name)?.push(one)
    }
  }
  const middle = (name: Name, figure: keyof Medians) =>
    median((measured.get(name) ?? []).map((one) => one[figure]))
  return Object.fromEntries(
    names.map((name) => [
      name,
      {
        p50: middle(name, 'p50'),
        p99: middle(name, 'p99'),
        requestsPerSecond: middle(name, 'requestsPerSecond'),
      },
    ]),
  ) as Record<Name, Medians>
}

/**
 * Until every environment that these callers need runs, and compiled code makes no call faster.
 * Starting a container takes a second of a processor: none starts while we measure.
 */
async function warmUp(target: Target, callers: number): Promise<void> {
  let before = Number.POSITIVE_INFINITY
  let containers = await countContainers()
  for (let turn = 0, quiet = 0; turn < WARM_UP_TURNS_MAX; turn += 1) {
    const { failures, p50, p99 } = await load(target, callers, WARM_UP_SECONDS)
    const isSteady = p50 > before * STEADY
    const now = await countContainers()
    quiet = now === containers ? quiet + 1 : 0
    if (failures === 0 && p99 < WARM_P99_MS && isSteady && quiet >= QUIET_TURNS) return
    before = Math.min(before, p50)
    containers = now
  }
}

async function countContainers(): Promise<number> {
  const { stdout } = await promisify(execFile)('docker', ['ps', '--quiet'])
  return stdout.split('\n').filter(Boolean).length
}

const UNITS = { p50: 'ms', p99: 'ms', requestsPerSecond: '/s' } as const satisfies Record<
  keyof Medians,
  Row['unit']
>

/** One figure of both. */
export function pair(figure: keyof Medians, floor: Medians, hearth: Medians): Pair {
  return { floor: floor[figure], value: hearth[figure], unit: UNITS[figure] }
}
