// The nemesis: kills what can be killed with SIGKILL, each at least once where there are enough
// kills, in an order by seed, and starts it again after a while. One thing is dead at a time, but
// what another death has left undone may still be on its way. It tells the recorder of each.

import type { Note } from './history.ts'
import type { Random } from './seed.ts'

/** What can be killed: a process of Hearth's, or a server that it needs. */
export interface Target {
  name: string
  kill(): Promise<void>
  /** Resolves when it answers again. */
  start(): Promise<void>
}

export interface Strike {
  target: string
  /** Milliseconds of quiet before, and for how long it stays dead. */
  quietMs: number
  deadMs: number
}

const QUIET_MS = [1_000, 6_000] as const
const DEAD_MS = [200, 2_500] as const

/** Round after round over all targets, each round in an order of its own. Pure by seed. */
export function planStrikes(targets: readonly string[], kills: number, random: Random): Strike[] {
  const order: string[] = []
  while (order.length < kills) order.push(...random.shuffled(targets))
  return order.slice(0, kills).map((target) => ({
    target,
    quietMs: random.between(...QUIET_MS),
    deadMs: random.between(...DEAD_MS),
  }))
}

export async function strike(
  targets: readonly Target[],
  strikes: readonly Strike[],
  { note, tell }: { note(note: Note): Promise<unknown>; tell(doing: string): void },
): Promise<void> {
  for (const [index, { target: name, quietMs, deadMs }] of strikes.entries()) {
    const target = targets.find((one) => one.name === name)
    if (!target) throw new Error(`there is no ${name} to kill`)
    await pause(quietMs)
    tell(`kill -9 ${index + 1} of ${strikes.length}: ${name}`)
    await note({ what: 'struck', target: name })
    await target.kill()
    await pause(deadMs)
    await target.start()
    await note({ what: 'healed', target: name })
  }
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
