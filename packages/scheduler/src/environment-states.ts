// The states of an execution environment and the moves between them: the table that environment.ts
// asserts at run time and that ARCHITECTURE.md draws. Nothing else may invent a state.

/** From each state, the states that may follow. */
export const TRANSITIONS = {
  /** The sandbox is being started. */
  Starting: ['Initialising', 'Stopping'],
  /** The runtime process loads the handler; ends with its first request for an invocation. */
  Initialising: ['Ready', 'Retrying', 'Stopping'],
  /** The init failed; the function is loaded again for an invocation, and within its time. */
  Retrying: ['Busy', 'Stopping'],
  /** The runtime waits for an invocation. */
  Ready: ['Busy', 'Frozen', 'Stopping'],
  /** The same, but its processes are halted where they are; it is thawed with its next work. */
  Frozen: ['Busy', 'Stopping'],
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

/** The table as a mermaid diagram, as ARCHITECTURE.md shows it. */
export function stateDiagram(): string {
  const arrows = Object.entries(TRANSITIONS).flatMap(([from, targets]) =>
    targets.map((to) => `  ${from} --> ${to}`),
  )
  return ['stateDiagram-v2', '  [*] --> Starting', ...arrows, '  Stopped --> [*]'].join('\n')
}
