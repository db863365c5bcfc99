// Network namespaces that wait for a sandbox: making one is most of what an engine's start costs,
// and a sandbox that joins one spares it. Each is one sandbox's, once, and goes with it. How many
// wait is the law of stems (stem-demand); they are made one at a time, and only while no sandbox
// starts.

import { DEMAND_MS, stemTargets } from '../stem-demand.ts'

/** Sandboxes under one kind of rules. */
export type NetworkKind = 'internet' | 'none'

/** What makes and removes them; a namespace is known by the id of its holder. */
export interface Holders {
  /** Resolves once it can be joined. @throws Error when it does not come to be. */
  make(kind: NetworkKind): Promise<string>
  /** Harmless when it is gone. */
  remove(holder: string): Promise<void>
}

export interface NamespacePoolOptions {
  holders: Holders
  /** At most so many wait at a time; none when 0. */
  max: number
  /** The namespace of a sandbox is gone, and so is all that it could reach. */
  lost(sandbox: string): void
  report(problem: string): void
}

const ASKED_MAX = 64
const BARRED_MS = 60_000
const SWEEP_MS = 5_000
const REFUSALS_MAX = 3
/** Removed in the background, but not more than so many without anybody waiting for it. */
const REMOVALS_MAX = 64

export class NamespacePool {
  readonly #options: NamespacePoolOptions
  readonly #asked: Record<NetworkKind, number[]> = { internet: [], none: [] }
  /** Those that wait, oldest first. */
  readonly #waiting = new Map<string, NetworkKind>()
  readonly #joined = new Map<string, string>()
  readonly #removals = new Set<Promise<void>>()
  #making: Promise<void> | undefined
  #starting = 0
  #barredUntil = 0
  /** Since one last joined. */
  #refusals = 0
  #isClosed = false
  readonly #sweep: NodeJS.Timeout | undefined

  constructor(options: NamespacePoolOptions) {
    this.#options = options
    if (options.max === 0) return
    this.#sweep = setInterval(() => this.#tend(), SWEEP_MS)
    this.#sweep.unref()
    this.#tend()
  }

  /** How many wait to be joined. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Whatever starts goes first: nothing is made until it has. */
  async whileStarting<T>(start: () => Promise<T>): Promise<T> {
    this.#starting += 1
    try {
      return await start()
    } finally {
      this.#starting -= 1
      this.#tend()
    }
  }

  /** A namespace that is this sandbox's alone from now on; undefined when none waits. */
  take(sandbox: string, kind: NetworkKind): string | undefined {
    if (this.#isClosed || this.#options.max === 0) return undefined
    const asked = this.#asked[kind]
    asked.push(performance.now())
    if (asked.length > ASKED_MAX) asked.shift()
    const [holder] = [...this.#waiting].find(([, its]) => its === kind) ?? []
    if (holder === undefined) return undefined
    this.#waiting.delete(holder)
    this.#joined.set(sandbox, holder)
    return holder
  }

  /** The sandbox has ended, or has not joined: its namespace is nobody's any more. */
  async giveBack(sandbox: string): Promise<void> {
    const holder = this.#joined.get(sandbox)
    if (holder === undefined) return
    this.#joined.delete(sandbox)
    const removal = this.#remove(holder)
    if (this.#removals.size > REMOVALS_MAX) await removal
  }

  /** The engine would not let it join. An engine that never does is not asked for ever. */
  async refused(sandbox: string, reason: string): Promise<void> {
    this.#refusals += 1
    if (this.#refusals === REFUSALS_MAX) {
      this.#options.report(`sandboxes have network namespaces of their own again: ${reason}`)
      this.#end()
    }
    await this.giveBack(sandbox)
  }

  accepted(): void {
    this.#refusals = 0
  }

  /** A holder has ended by itself: if a sandbox had joined it, that has no network any more. */
  holderEnded(holder: string): void {
    this.#drop(holder)
    const [sandbox] = [...this.#joined].find(([, its]) => its === holder) ?? []
    if (sandbox !== undefined && !this.#isClosed) this.#options.lost(sandbox)
  }

  /** Removes all of them; sandboxes should be gone by then. */
  async close(): Promise<void> {
    this.#end()
    await this.#making
    for (const holder of this.#waiting.keys()) this.#drop(holder)
    for (const sandbox of this.#joined.keys()) void this.giveBack(sandbox)
    await Promise.all(this.#removals)
  }

  #end(): void {
    this.#isClosed = true
    clearInterval(this.#sweep)
    for (const holder of this.#waiting.keys()) this.#drop(holder)
  }

  #drop(holder: string): void {
    if (this.#waiting.delete(holder)) void this.#remove(holder)
  }

  #remove(holder: string): Promise<void> {
    const removal = this.#options.holders.remove(holder).catch((error) => {
      this.#options.report(`a network namespace remains until it ends by itself: ${error}`)
    })
    this.#removals.add(removal)
    void removal.finally(() => this.#removals.delete(removal))
    return removal
  }

  /** One step towards what demand wants. */
  #tend(): void {
    const { max } = this.#options
    if (this.#isClosed || max === 0) return
    const now = performance.now()
    const kinds = ['internet', 'none'] as const
    for (const kind of kinds) {
      this.#asked[kind] = this.#asked[kind].filter((at) => now - at < DEMAND_MS)
    }
    const demands = kinds.map((key) => ({
      key,
      isStanding: key === 'internet',
      asked: this.#asked[key],
    }))
    const targets = stemTargets(demands, now, max)
    for (const [holder, kind] of this.#waiting) {
      if (this.#count(kind) > (targets.get(kind) ?? 0)) this.#drop(holder)
    }
    if (this.#making || this.#starting > 0 || this.#barredUntil > now) return
    const missing = kinds.find((kind) => this.#count(kind) < (targets.get(kind) ?? 0))
    if (!missing || this.#waiting.size >= max) return
    this.#making = this.#make(missing).finally(() => {
      this.#making = undefined
      if (this.#isClosed) this.#end()
      else this.#tend()
    })
  }

  async #make(kind: NetworkKind): Promise<void> {
    try {
      this.#waiting.set(await this.#options.holders.make(kind), kind)
    } catch (error) {
      const isFirst = this.#barredUntil === 0
      this.#barredUntil = performance.now() + BARRED_MS
      // Sandboxes start as ever without it, so once is enough.
      if (isFirst && !this.#isClosed) {
        const reason = (error as Error).message
        this.#options.report(
          `no network namespaces are made ahead, so starts take longer: ${reason}`,
        )
      }
    }
  }

  #count(kind: NetworkKind): number {
    return [...this.#waiting.values()].filter((its) => its === kind).length
  }
}
