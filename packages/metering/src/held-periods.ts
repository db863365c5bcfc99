// Which periods of provisioned concurrency a day of the books holds. They are charged in order, so
// of each configuration the period after the last says it all. The ledger stores a period once as
// long as it has it; when it has let it go, this is what keeps it from being counted again.

import type { ProvisionedPeriod } from '@hearth/bus/messages'

/** By configuration: the period after the last. */
export type StoredPeriods = Record<string, number>

/** Beyond so many in one day those that were charged longest ago are known by the ledger alone. */
const CONFIGURATIONS_MAX = 20_000

export class HeldPeriods {
  readonly #max: number
  readonly #next: Map<string, number>

  constructor(stored: StoredPeriods = {}, max = CONFIGURATIONS_MAX) {
    this.#max = max
    this.#next = new Map(Object.entries(stored))
  }

  /** @returns whether it was not held yet. */
  take({ configuration, period }: ProvisionedPeriod): boolean {
    if (period < (this.#next.get(configuration) ?? 0)) return false
    this.#next.delete(configuration)
    this.#next.set(configuration, period + 1)
    const [oldest = ''] = this.#next.keys()
    if (this.#next.size > this.#max) this.#next.delete(oldest)
    return true
  }

  next(configuration: string): number | undefined {
    return this.#next.get(configuration)
  }

  stored(): StoredPeriods {
    return Object.fromEntries(this.#next)
  }
}
