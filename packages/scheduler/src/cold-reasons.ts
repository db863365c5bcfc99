// Why the next start of a function will be cold: what happened to its last environment. Remembered
// for a bounded number of functions; one that was forgotten looks as if it had never run.

import type { ColdReason } from '@hearth/core/invocation'
import { NOT_NEEDED } from './start-gate.ts'

const FUNCTIONS_MAX = 10_000

export class ColdReasons {
  readonly #byFunction = new Map<string, ColdReason>()

  of(functionKey: string): ColdReason {
    return this.#byFunction.get(functionKey) ?? 'first invocation'
  }

  /** An environment of the function ends. */
  note(functionKey: string, reason: string): void {
    if (reason === NOT_NEEDED) return
    this.#byFunction.delete(functionKey)
    this.#byFunction.set(functionKey, toColdReason(reason))
    const [oldest] = this.#byFunction.keys()
    if (this.#byFunction.size > FUNCTIONS_MAX && oldest !== undefined) {
      this.#byFunction.delete(oldest)
    }
  }
}

function toColdReason(reason: string): ColdReason {
  switch (reason) {
    case 'configuration changed':
    case 'evicted for memory':
    case 'idle environments reaped':
      return reason
    default:
      return 'environment died'
  }
}
