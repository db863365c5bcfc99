// Lets events through as soon as their function may run again: a lane that was refused waits for up
// to five minutes, and whoever raises a reserve or a budget expects it to be obeyed at once.

import type { Budgets } from '@hearth/store/budgets'
import type { Functions } from '@hearth/store/functions'
import { laneKey } from '@hearth/store/lane-key'
import type { Lanes } from './lanes.ts'

const LOOK_MS = 500

export function openReserveWatch(
  { functions, budgets }: { functions: Pick<Functions, 'all'>; budgets: Pick<Budgets, 'stopOf'> },
  lanes: Pick<Lanes, 'paused' | 'resume'>,
): { close(): void } {
  /** What each paused lane's function was when it was last looked at. */
  let seen = new Map<string, string>()
  const look = () => {
    const paused = lanes.paused()
    const now = new Map<string, string>()
    if (paused.length > 0) {
      const states = new Map(
        functions.all().map((document) => [
          laneKey(document.account, document.name),
          // What may change an answer of the door: a reserve, a budget, whether it can be invoked.
          `${document.concurrency?.reserved} ${budgets.stopOf(document)} ` +
            `${document.latest.state} ${document.latest.revisionId}`,
        ]),
      )
      for (const subject of paused) {
        const state = states.get(subject.slice(subject.lastIndexOf('.') + 1)) ?? 'gone'
        if ((seen.get(subject) ?? state) !== state) lanes.resume(subject)
        now.set(subject, state)
      }
    }
    seen = now
  }
  const timer = setInterval(look, LOOK_MS)
  return { close: () => clearInterval(timer) }
}
