// Where an invocation goes: a pure decision from what the pool holds. It prefers an environment that is ready,
// then one that is about to be, then a new one, and says busy rather than queue behind work of unknown length.

/** What the pool knows at the moment of deciding; all counts are of this deployment unless they say otherwise. */
export interface PoolFacts {
  ready: number
  /** Environments that will be free without finishing an invocation first: starting, settling, resetting. */
  soonReady: number
  /** Invocations that already wait for one of those. */
  waiting: number
  memoryMb: number
  /** Of the whole host. */
  memoryMbFree: number
  memoryMbIdle: number
  environments: number
  idleEnvironments: number
  environmentsMax: number
  running: number
  concurrencyMax: number
}

export type Decision =
  | { kind: 'use' }
  /** Somebody is about to be free for it. */
  | { kind: 'wait' }
  /** A new environment, after idle ones have made `evictMemoryMb` room (or one place, when memory is no matter). */
  | { kind: 'start'; evictMemoryMb: number; evictOne: boolean }
  | { kind: 'busy' }
  | { kind: 'throttled' }

export function decide(facts: PoolFacts): Decision {
  if (facts.running + facts.waiting >= facts.concurrencyMax) return { kind: 'throttled' }
  if (facts.ready > 0) return { kind: 'use' }
  if (facts.waiting < facts.soonReady) return { kind: 'wait' }
  return room(facts)
}

/** Whether one more environment fits, and what must go for it. */
export function room(facts: PoolFacts): Decision {
  const evictMemoryMb = Math.max(facts.memoryMb - facts.memoryMbFree, 0)
  const evictOne = facts.environments >= facts.environmentsMax
  if (evictMemoryMb > facts.memoryMbIdle) return { kind: 'busy' }
  if (evictOne && facts.idleEnvironments === 0) return { kind: 'busy' }
  return { kind: 'start', evictMemoryMb, evictOne }
}
