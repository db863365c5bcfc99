// Why the next start of a function, or of one tenant's, will be cold: what happened to its last
// environment. Remembered for a bounded number of owners; one that was forgotten looks as if it had
// never run.

import type { ColdReason } from '@hearth/core/invocation'
import { NOT_NEEDED } from './start-gate.ts'

const OWNERS_MAX = 10_000

export class ColdReasons {
  readonly #byOwner = new Map<string, ColdReason>()

  of(ownerKey: string): ColdReason {
    return this.#byOwner.get(ownerKey) ?? 'first invocation'
  }

  /** An environment of the owner's ends. */
  note(ownerKey: string, reason: string): void {
    if (reason === NOT_NEEDED) return
    this.#byOwner.delete(ownerKey)
    this.#byOwner.set(ownerKey, toColdReason(reason))
    const [oldest] = this.#byOwner.keys()
    if (this.#byOwner.size > OWNERS_MAX && oldest !== undefined) {
      this.#byOwner.delete(oldest)
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
