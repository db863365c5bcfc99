// Invocations by function, outcome, start and reason, as the metrics tell them. Counting is an
// increment; the number of functions by name is bounded: the most used have a name, the rest is
// `other`. A function that loses its name loses its counts; no other count ever goes back.

import type { ColdReason, InvocationReport, Outcome, StartKind } from '@hearth/core/invocation'

export interface InvocationCount {
  functionName: string
  outcome: Outcome
  start: StartKind
  coldReason: ColdReason | undefined
  count: number
}

interface Counted {
  functionName: string
  /** Since the names were last dealt out. */
  recent: number
  /** Few: most functions end in two ways and start in three. */
  counts: InvocationCount[]
}

export const OTHER = 'other'
const FUNCTIONS_MAX = 100
/** Nameless functions whose use is remembered until the names are dealt out again. */
const NAMELESS_MAX = 10_000
const DEAL_MS = 60_000
/** So much more used must a function be to take another's name, lest two take turns. */
const AHEAD = 2

export class InvocationCounts {
  readonly #max: number
  readonly #named = new Map<string, Counted>()
  readonly #other: Counted = { functionName: OTHER, recent: 0, counts: [] }
  readonly #nameless = new Map<string, number>()
  #dealtAt = Number.NEGATIVE_INFINITY

  constructor(functionsMax = FUNCTIONS_MAX) {
    this.#max = functionsMax
  }

  add(functionName: string, report: InvocationReport): void {
    const counted = this.#named.get(functionName) ?? this.#join(functionName)
    counted.recent += 1
    countOf(counted, report).count += 1
  }

  /** All counts; once a minute it looks first who deserves a name. `now` in milliseconds. */
  list(now: number): InvocationCount[] {
    if (now - this.#dealtAt >= DEAL_MS) this.#deal(now)
    return [...this.#named.values(), this.#other].flatMap(({ counts }) => counts)
  }

  #join(functionName: string): Counted {
    if (this.#named.size < this.#max && functionName !== OTHER) {
      const counted = { functionName, recent: 0, counts: [] }
      this.#named.set(functionName, counted)
      return counted
    }
    const recent = this.#nameless.get(functionName)
    if (recent !== undefined || this.#nameless.size < NAMELESS_MAX) {
      this.#nameless.set(functionName, (recent ?? 0) + 1)
    }
    return this.#other
  }

  #deal(now: number): void {
    this.#dealtAt = now
    const least = [...this.#named.values()].sort((a, b) => a.recent - b.recent)
    const most = [...this.#nameless].sort(([, a], [, b]) => b - a)
    for (const [index, [functionName, recent]] of most.entries()) {
      const loser = least[index]
      if (!loser || recent <= loser.recent * AHEAD || functionName === OTHER) break
      this.#named.delete(loser.functionName)
      this.#named.set(functionName, { functionName, recent: 0, counts: [] })
    }
    for (const counted of this.#named.values()) counted.recent = 0
    this.#nameless.clear()
  }
}

function countOf({ functionName, counts }: Counted, report: InvocationReport): InvocationCount {
  const { outcome, start, coldReason } = report
  for (const known of counts) {
    const isSame = known.outcome === outcome && known.start === start
    if (isSame && known.coldReason === coldReason) return known
  }
  const count = { functionName, outcome, start, coldReason, count: 0 }
  counts.push(count)
  return count
}
