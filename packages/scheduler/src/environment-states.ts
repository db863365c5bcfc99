// The states of an execution environment, what each holds, and the moves between them: the table
// that environment.ts asserts at run time and that ARCHITECTURE.md draws. Nothing else may invent a
// state.

import type { Attempt } from './attempt.ts'
import type { Parked } from './runtime-side.ts'

/** From each state, the states that may follow. */
export const TRANSITIONS = {
  /** The sandbox is being started. */
  Starting: ['Initialising', 'Stopping'],
  /** The runtime process loads the handler; ends with its first request for an invocation. */
  Initialising: ['Ready', 'Retrying', 'Stopping'],
  /** The init failed; the function is loaded again for an invocation, and within its time. */
  Retrying: ['Busy', 'Stopping'],
  /** The runtime waits for an invocation, or as a snapshot to be restored for one. */
  Ready: ['Busy', 'Frozen', 'Restoring', 'Stopping'],
  /** The same, but its processes are halted where they are; it is thawed with its next work. */
  Frozen: ['Busy', 'Restoring', 'Stopping'],
  /** A snapshot runs its hooks for an invocation, and within its time. */
  Restoring: ['Busy', 'Stopping'],
  /** One invocation runs. */
  Busy: ['Settling', 'Resetting', 'Stopping'],
  /** Answered, but not yet asking for the next invocation. */
  Settling: ['Ready', 'Resetting', 'Stopping'],
  /** The runtime process is being replaced; the sandbox and its /tmp stay. */
  Resetting: ['Initialising', 'Stopping'],
  /** The sandbox is being removed. */
  Stopping: ['Stopped'],
  Stopped: [],
} as const satisfies Record<string, readonly string[]>

export type StateName = keyof typeof TRANSITIONS

export type State =
  | { name: 'Resetting' | 'Starting' | 'Stopped' | 'Stopping' }
  | { name: 'Initialising'; since: number }
  | Idle
  | { name: 'Busy'; attempt: Attempt; since: number }
  | Loading
  | { name: 'Settling'; requestId: string; since: number }

/** Waiting for work; `restore` first, where the runtime waits as a snapshot. */
export interface Idle {
  name: 'Frozen' | 'Ready'
  parked: Parked | undefined
  restore: (() => void) | undefined
  since: number
}

/** The runtime gets ready for one invocation, and within its time. */
export interface Loading {
  name: 'Restoring' | 'Retrying'
  attempt: Attempt
  since: number
  /** On the wall clock. */
  deadline: number
  /** Whether the process that failed is gone, and the one that loads is there. */
  loads: boolean
}

/** The longest that the platform's own part in a state may take. */
export const LIMIT_MS = {
  /** An engine that takes longer to start a container will not start it. */
  Starting: 60_000,
  /** Lambda's limit for the init phase. */
  Initialising: 10_000,
  /** Lambda's limit for a snapshot's hooks. */
  Restoring: 10_000,
  /** A runtime that answers in the last moment may still ask for more. */
  Settling: 500,
  /** hearth-init kills at once, extensions have two seconds before that; a sandbox that cannot is of no more use. */
  Resetting: 5_000,
} as const

/** A runtime that settles for longer than this is not waited for by others. */
export const SETTLING_SOON_MS = 100

/** Whether it will take an invocation without finishing one first; on the monotonic clock. */
export function isSoonReady(state: State, now: number): boolean {
  if (state.name === 'Settling') return now - state.since < SETTLING_SOON_MS
  return ['Starting', 'Initialising', 'Resetting'].includes(state.name)
}

/** Whether the runtime has loaded the function, and is there. */
export function hasInitialised({ name }: State): boolean {
  return ['Busy', 'Frozen', 'Ready', 'Restoring', 'Settling'].includes(name)
}

/** The table as a mermaid diagram, as ARCHITECTURE.md shows it. */
export function stateDiagram(): string {
  const arrows = Object.entries(TRANSITIONS).flatMap(([from, targets]) =>
    targets.map((to) => `  ${from} --> ${to}`),
  )
  return ['stateDiagram-v2', '  [*] --> Starting', ...arrows, '  Stopped --> [*]'].join('\n')
}
