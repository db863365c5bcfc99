// Counts by function for the metrics, and the law that bounds their labels: the most used functions
// have a name, the rest is `other`; a function that is gone loses its name. Counting is an
// increment. Whoever loses a name loses its counts; no other count ever goes back.

/** A row of counts; every label is a text, and '' where there is none. */
export type FunctionCount<Label extends string> = Record<Label, string> & {
  functionName: string
  count: number
}

export interface FunctionCountsOptions<Label extends string> {
  /** Labels of few values each. */
  labels: readonly Label[]
  /** One of them may have any number of values, such as a version: only the first few are told. */
  open?: Label
  functionsMax?: number
  rowsMax?: number
  /** Whether there is such a function; one that is gone and not used any more loses its name. */
  isThere?(functionName: string): boolean
  /** Told of a name that is lost, for whoever counts more under it. */
  lost?(functionName: string): void
}

interface Counted<Label extends string> {
  functionName: string
  /** Since the names were last dealt out. */
  recent: number
  /** Few: most functions end in two ways and start in three. */
  rows: FunctionCount<Label>[]
}

export const OTHER = 'other'
const FUNCTIONS_MAX = 100
/** Rows of one function; what comes after them is counted under no particular value of `open`. */
const ROWS_MAX = 40
/** Nameless functions whose use is remembered until the names are dealt out again. */
const NAMELESS_MAX = 10_000
const DEAL_MS = 60_000
/** So much more used must a function be to take another's name, lest two take turns. */
const AHEAD = 2

export class FunctionCounts<Label extends string> {
  readonly #options: Required<Pick<FunctionCountsOptions<Label>, 'functionsMax' | 'rowsMax'>> &
    FunctionCountsOptions<Label>
  readonly #named = new Map<string, Counted<Label>>()
  readonly #other: Counted<Label> = { functionName: OTHER, recent: 0, rows: [] }
  readonly #nameless = new Map<string, number>()
  readonly #told = new WeakSet<FunctionCount<Label>>()
  #dealtAt = Number.NEGATIVE_INFINITY

  constructor(options: FunctionCountsOptions<Label>) {
    this.#options = { functionsMax: FUNCTIONS_MAX, rowsMax: ROWS_MAX, ...options }
  }

  /** @returns the name under which it was counted. */
  add(functionName: string, labels: Record<Label, string>, count = 1): string {
    const counted = this.#named.get(functionName) ?? this.#join(functionName)
    counted.recent += count
    this.#rowOf(counted, labels).count += count
    return counted.functionName
  }

  /** The name under which a function is told of without being counted: its own if one is free. */
  nameOf(functionName: string): string {
    const isFree = this.#named.size < this.#options.functionsMax && functionName !== OTHER
    if (!this.#named.has(functionName) && isFree) this.#name(functionName)
    return this.#named.has(functionName) ? functionName : OTHER
  }

  /**
   * All counts; once a minute it looks first who deserves a name. A new row is told as 0 once:
   * whoever watches rates sees no rise in what it had never seen, and of cold starts or of dead
   * letters that would be most. To be called once for each scrape; `now` in milliseconds.
   */
  list(now: number): FunctionCount<Label>[] {
    if (now - this.#dealtAt >= DEAL_MS) this.#deal(now)
    const rows = [...this.#named.values(), this.#other].flatMap((counted) => counted.rows)
    return rows.map((row) => this.#rising(row))
  }

  #rising(row: FunctionCount<Label>): FunctionCount<Label> {
    if (this.#told.has(row)) return row
    this.#told.add(row)
    return { ...row, count: 0 }
  }

  #join(functionName: string): Counted<Label> {
    if (this.#named.size < this.#options.functionsMax && functionName !== OTHER) {
      return this.#name(functionName)
    }
    const recent = this.#nameless.get(functionName)
    if (recent !== undefined || this.#nameless.size < NAMELESS_MAX) {
      this.#nameless.set(functionName, (recent ?? 0) + 1)
    }
    return this.#other
  }

  #name(functionName: string): Counted<Label> {
    const counted: Counted<Label> = { functionName, recent: 0, rows: [] }
    this.#named.set(functionName, counted)
    return counted
  }

  #rowOf({ functionName, rows }: Counted<Label>, labels: Record<Label, string>) {
    const { labels: names, open, rowsMax } = this.#options
    const isSame = (one: FunctionCount<Label>, wanted: Record<Label, string>) =>
      names.every((name) => one[name] === wanted[name])
    const isTold = functionName !== OTHER || open === undefined
    const known = isTold ? rows.find((one) => isSame(one, labels)) : undefined
    if (known) return known
    const isClear = open === undefined || (isTold && rows.length < rowsMax)
    const told = isClear ? labels : { ...labels, [open]: OTHER }
    const blurred = isClear ? undefined : rows.find((one) => isSame(one, told))
    if (blurred) return blurred
    const row: FunctionCount<Label> = { ...told, functionName, count: 0 }
    rows.push(row)
    return row
  }

  #deal(now: number): void {
    this.#dealtAt = now
    const { isThere } = this.#options
    for (const { functionName, recent } of this.#named.values()) {
      if (recent === 0 && isThere?.(functionName) === false) this.#lose(functionName)
    }
    const least = [...this.#named.values()].sort((a, b) => a.recent - b.recent)
    const most = [...this.#nameless].sort(([, a], [, b]) => b - a)
    for (const [index, [functionName, recent]] of most.entries()) {
      const loser = least[index]
      if (!loser || recent <= loser.recent * AHEAD || functionName === OTHER) break
      this.#lose(loser.functionName)
      this.#name(functionName)
    }
    for (const counted of this.#named.values()) counted.recent = 0
    this.#nameless.clear()
  }

  #lose(functionName: string): void {
    this.#named.delete(functionName)
    this.#options.lost?.(functionName)
  }
}

/** The largest of some, and the rest: for what is not counted but read anew at each look. */
export function largest<T>(
  all: readonly T[],
  sizeOf: (one: T) => number,
  max: number,
): { named: T[]; rest: T[] } {
  if (all.length <= max) return { named: [...all], rest: [] }
  const sorted = [...all].sort((a, b) => sizeOf(b) - sizeOf(a))
  return { named: sorted.slice(0, max), rest: sorted.slice(max) }
}
