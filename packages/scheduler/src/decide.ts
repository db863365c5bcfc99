// Where an invocation goes: a pure decision from what the pool holds. It prefers an environment
// that is ready, then one that is about to be, then a new one, and says busy rather than queue
// behind work of unknown length.

/** What the pool knows at the moment of deciding. */
export interface PoolFacts {
  // Of this deployment, and of this tenant alone where they are kept apart. (A stem that fits will
  // be one more fact here, and one more decision before `start`.)
  ready: number
  /**
   * Environments that will be free without finishing an invocation first: starting, settling,
   * resetting.
   */
  soonReady: number
  /** Invocations that already wait for one of those. */
  waiting: number
  memoryMb: number

  /** Nobody waits at a connection: it comes from a queue or a stream, and is offered again. */
  isPatient: boolean

  // Of the whole host.
  memoryMbMax: number
  memoryMbFree: number
  /** Held by environments that are idle, and could be evicted. */
  memoryMbIdle: number
  environments: number
  idleEnvironments: number
  environmentsMax: number
  /** Accepted invocations that have no answer yet, waiting ones included. */
  inFlight: number
  concurrencyMax: number
}

export type Decision = { kind: 'use' } | { kind: 'wait' } | Room | { kind: 'throttled' }

/** Whether there is room for a new environment, after idle ones have made way. */
export type Room =
  | { kind: 'start'; evictMemoryMb: number; evictEnvironments: number }
  | { kind: 'busy' }

/** Of a host's room: no backlog takes it, so that who waits for an answer finds some. */
const KEPT_FREE = 0.2

export function decide(facts: PoolFacts): Decision {
  if (facts.inFlight >= facts.concurrencyMax) return { kind: 'throttled' }
  if (facts.ready > 0) return { kind: 'use' }
  if (facts.waiting < facts.soonReady) return { kind: 'wait' }
  if (facts.isPatient && !leavesRoom(facts)) return { kind: 'busy' }
  return findRoom(facts)
}

/** Whether enough is left beside what is at work and one more; a lone one may have it all. */
function leavesRoom(facts: PoolFacts): boolean {
  const environments = facts.environments - facts.idleEnvironments + 1
  const memoryMb = facts.memoryMbMax - facts.memoryMbFree - facts.memoryMbIdle + facts.memoryMb
  if (environments === 1) return true
  const keptEnvironments = Math.floor(facts.environmentsMax * KEPT_FREE)
  return (
    environments <= facts.environmentsMax - keptEnvironments &&
    memoryMb <= facts.memoryMbMax * (1 - KEPT_FREE)
  )
}

/** Whether one more environment fits, and what must go for it. */
export function findRoom(facts: PoolFacts): Room {
  const evictMemoryMb = Math.max(facts.memoryMb - facts.memoryMbFree, 0)
  const evictEnvironments = Math.max(facts.environments + 1 - facts.environmentsMax, 0)
  if (evictMemoryMb > facts.memoryMbIdle) return { kind: 'busy' }
  if (evictEnvironments > facts.idleEnvironments) return { kind: 'busy' }
  return { kind: 'start', evictMemoryMb, evictEnvironments }
}

/** What a deployment holds, for what to start before anybody asks. */
export interface AheadFacts {
  /** Environments that are to be held initialised, and those that are there to be. */
  kept: number
  held: number
  ready: number
  soonReady: number
  waiting: number
  /** Whether it lately had to start one because all were busy. */
  isGrowing: boolean
  /** Whether one is to wait as a snapshot, to be restored. */
  hasSnapshot: boolean
  /** Whether sandboxes boot at this moment: what somebody waits for goes first. */
  isBooting: boolean
}

/** How many environments to start that no invocation waits for. */
export function startAhead(facts: AheadFacts): { provisioned: number; spare: number } {
  const provisioned = Math.max(facts.kept - facts.held, 0)
  const free = facts.ready + facts.soonReady - facts.waiting
  const wantsSpare = facts.isGrowing || facts.hasSnapshot
  const isShort = wantsSpare && !facts.isBooting && free <= 0
  return { provisioned, spare: provisioned === 0 && isShort ? 1 : 0 }
}
