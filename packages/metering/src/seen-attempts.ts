// Whether an attempt counts: each does once, however often it was made and in whatever order it is
// told. What is remembered for that is bounded, follows from the ledger alone, and is stored with
// the position, so that whoever reads on decides as the one before would have.

import type { LedgerSegment } from '@hearth/bus/messages'
import type { InvocationRecord } from '@hearth/core/invocation'
import { attemptOf, isWork } from './billing.ts'

export interface StoredAttempts {
  /** The newest attempts, oldest first, by which a repeated one is known. */
  recent: string[]
  /** Attempts that were made again, and when: what they repeat may be told later than they are. */
  repeated?: Record<string, number>
}

/** Most repetitions come from a restart, and are not far behind. So many after each segment. */
const RECENT_MAX = 2_000
/** Nothing that is repeated can be told later than this: no event lives longer. */
const REPEATED_MS = 24 * 3_600_000
const REPEATED_MAX = 20_000
const NONE: ReadonlySet<string> = new Set()

export class SeenAttempts {
  readonly #recent: Set<string>
  /** The same in order: the first of a set that only loses its first is found slowly. */
  #order: string[]
  readonly #repeated: Map<string, number>

  constructor({ recent, repeated = {} }: StoredAttempts = { recent: [] }) {
    this.#recent = new Set(recent)
    this.#order = [...this.#recent]
    this.#repeated = new Map(Object.entries(repeated))
  }

  /** Attempts of a segment that may have been counted long ago: whoever had them died. */
  doubtful({ records }: LedgerSegment): InvocationRecord[] {
    return records.filter(
      (record) =>
        record.againSince !== undefined && isWork(record) && !this.#recent.has(attemptOf(record)),
    )
  }

  /**
   * Whether it counts, and from then on it does not again.
   * @param counted attempts that an earlier segment has, of those that are doubtful.
   */
  count(record: InvocationRecord, counted: ReadonlySet<string> = NONE): boolean {
    if (!isWork(record)) return false
    const name = attemptOf(record)
    if (this.#recent.has(name) || this.#repeated.has(name) || counted.has(name)) return false
    this.#recent.add(name)
    this.#order.push(name)
    if (record.againSince !== undefined) this.#repeated.set(name, record.startedAt)
    return true
  }

  /**
   * After each segment, and never within one, whose doubts were looked up before it: forgets those
   * that are no longer recent, or that nothing can repeat any more.
   */
  tidy({ records }: LedgerSegment): void {
    const old = Math.max(this.#order.length - RECENT_MAX, 0)
    for (const name of this.#order.slice(0, old)) this.#recent.delete(name)
    if (old > 0) this.#order = this.#order.slice(old)
    if (this.#repeated.size === 0) return
    const now = Math.max(0, ...records.map(({ startedAt }) => startedAt))
    let spare = this.#repeated.size - REPEATED_MAX
    for (const [name, at] of this.#repeated) {
      if (at <= now - REPEATED_MS || spare > 0) this.#repeated.delete(name)
      spare -= 1
    }
  }

  stored(): Required<StoredAttempts> {
    return { recent: [...this.#order], repeated: Object.fromEntries(this.#repeated) }
  }
}
