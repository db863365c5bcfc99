// The stems of this host: sandboxes whose runtime has booted before anybody asked for a function.
// It holds as many of each kind as lately were needed (stem-demand decides), one booting at a time
// and only while no function's own sandbox boots. Their memory is set aside, never the pool's.

import type { ImageFacts } from '@hearth/core/container-image'
import type { FunctionVersion } from '@hearth/core/function'
import type { SandboxChannel } from './sandbox-channel.ts'
import { STEM_TMP_MB, Stem, type StemKind, type StemParts } from './stem.ts'
import { DEMAND_MS, stemTargets } from './stem-demand.ts'
import { imageKind, isFit, kindOf, stemKind } from './stem-kind.ts'
import { stopSandbox } from './stop-sandbox.ts'

export interface StemsOptions extends Omit<StemParts, 'lost'> {
  /** At most so many at a time; none when 0. */
  max: number
  /** Runtimes of which one is held before anybody asks, in AWS's names. */
  standing: readonly string[]
  ageSecondsMax: number
  /** Whether functions' own sandboxes boot at this moment: stems let them go first. */
  isBusy(): boolean
  report(problem: string): void
}

/** A stem for a function version, and whether its booted runtime is of use. */
export interface TakenStem {
  stem: Stem
  isFit: boolean
}

interface Kind {
  kind: StemKind
  isStanding: boolean
  asked: number[]
  /** Until then it is not tried again: the engine could not start one. */
  barredUntil: number
}

/** Memory size of the stems that stand: Lambda's default. */
const STANDING_MEMORY_MB = 128
const KINDS_MAX = 64
const ASKED_MAX = 256
const BARRED_MS = 60_000
const BUSY_AGAIN_MS = 100
const SWEEP_MS = 5_000

export class Stems {
  readonly #options: StemsOptions
  readonly #kinds = new Map<string, Kind>()
  readonly #stems = new Set<Stem>()
  readonly #stops = new Set<Promise<void>>()
  #booting: Stem | undefined
  #closed = false
  #again: NodeJS.Timeout | undefined
  readonly #sweep: NodeJS.Timeout

  constructor(options: StemsOptions) {
    this.#options = options
    for (const runtime of options.standing) {
      this.#know(stemKind(runtime, STANDING_MEMORY_MB)).isStanding = true
    }
    this.#sweep = setInterval(() => this.#tend(), SWEEP_MS)
    this.#tend()
  }

  /** How many wait to be taken. */
  get parked(): number {
    return [...this.#stems].filter(({ isParked }) => isParked).length
  }

  /** All that it holds, to look at. */
  get all(): Iterable<Stem> {
    return this.#stems
  }

  /** Whether a start of this version would be a stem's. */
  has(version: FunctionVersion): boolean {
    return this.#serves(version) && this.#find(version) !== undefined
  }

  /** Functions of this image have been made or changed, and will be called. */
  expect(image: ImageFacts): void {
    if (this.#options.max === 0) return
    const kind = imageKind(image)
    if ((this.#kinds.get(kind.key)?.asked.length ?? 0) === 0) this.#ask(kind)
    this.#tendLater(0)
  }

  /** A stem that is now the caller's, to use or to stop. */
  take(version: FunctionVersion): TakenStem | undefined {
    const kind = this.#serves(version) ? kindOf(version) : undefined
    if (this.#options.max === 0 || !kind) return undefined
    this.#ask(kind)
    const stem = this.#find(version)
    if (stem) this.#stems.delete(stem)
    this.#tendLater(0)
    return stem && { stem, isFit: isFit(stem.kind, version) }
  }

  /** Resolves when every stem is gone. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#sweep)
    clearTimeout(this.#again)
    for (const stem of [...this.#stems]) this.#stop(stem)
    await Promise.all(this.#stops)
  }

  /**
   * Whether any stem could become this version: stems have a network, and a /tmp, before it is
   * known who may have none, or which size.
   */
  #serves({ network, configuration }: FunctionVersion): boolean {
    const { driver } = this.#options
    const hasTmp = configuration.ephemeralStorageMb === STEM_TMP_MB || driver.canResizeTmp
    return network !== 'none' && hasTmp
  }

  #ask(kind: StemKind): void {
    const known = this.#know(kind)
    known.asked.push(performance.now())
    if (known.asked.length > ASKED_MAX) known.asked.shift()
  }

  #find(version: FunctionVersion): Stem | undefined {
    const { key, image } = kindOf(version) ?? {}
    const parked = [...this.#stems].filter((stem) => stem.isParked)
    const own = parked.find(({ kind }) => kind.key === key)
    return own ?? parked.find(({ kind }) => kind.image === image)
  }

  #know(kind: StemKind): Kind {
    const known = this.#kinds.get(kind.key) ?? {
      kind,
      isStanding: false,
      asked: [],
      barredUntil: 0,
    }
    // Most recently asked for last, so that the first is the one to forget.
    this.#kinds.delete(kind.key)
    this.#kinds.set(kind.key, known)
    for (const [key, { isStanding }] of this.#kinds) {
      if (this.#kinds.size <= KINDS_MAX) break
      if (!isStanding) this.#kinds.delete(key)
    }
    return known
  }

  #tendLater(ms: number): void {
    if (this.#closed) return
    this.#again ??= setTimeout(() => {
      this.#again = undefined
      this.#tend()
    }, ms)
  }

  /** One step towards the targets: ends what is too much or too old, boots one that is missing. */
  #tend(): void {
    if (this.#closed) return
    const { max, ageSecondsMax, isBusy } = this.#options
    const now = performance.now()
    const targets = stemTargets(this.#demands(now), now, max)
    for (const stem of [...this.#stems]) {
      if (!stem.isParked) continue
      const isOld = now - stem.born > ageSecondsMax * 1000
      if (isOld || this.#count(stem.kind.key) > (targets.get(stem.kind.key) ?? 0)) this.#stop(stem)
    }
    // One that is still being removed holds its memory until it is gone.
    if (this.#booting || this.#stems.size + this.#stops.size >= max) return
    const missing = [...targets].find(([key, target]) => this.#count(key) < target)
    const kind = missing && this.#kinds.get(missing[0])?.kind
    if (!kind) return
    if (isBusy()) return this.#tendLater(BUSY_AGAIN_MS)
    void this.#boot(kind)
  }

  #demands(now: number) {
    return [...this.#kinds]
      .filter(([, { barredUntil }]) => barredUntil <= now)
      .map(([key, known]) => {
        known.asked = known.asked.filter((at) => now - at < DEMAND_MS)
        return { key, isStanding: known.isStanding, asked: known.asked }
      })
  }

  #count(key: string): number {
    return [...this.#stems].filter(({ kind }) => kind.key === key).length
  }

  async #boot(kind: StemKind): Promise<void> {
    const lost = (stem: Stem) => this.#stop(stem)
    const stem = new Stem(kind, { ...this.#options, lost })
    this.#booting = stem
    this.#stems.add(stem)
    try {
      await stem.start()
      if (this.#closed) this.#stop(stem)
    } catch (error) {
      const known = this.#kinds.get(kind.key)
      if (known) known.barredUntil = performance.now() + BARRED_MS
      if (!this.#closed) this.#options.report(`a stem of ${kind.image} did not start: ${error}`)
      this.#stop(stem)
    } finally {
      this.#booting = undefined
      this.#tendLater(0)
    }
  }

  #stop(stem: Stem): void {
    if (!this.#stems.delete(stem)) return
    const remove = (channel?: SandboxChannel) => stopSandbox(this.#options, stem.id, channel)
    const stopped = stem.abandon().then(remove)
    this.#stops.add(stopped)
    void stopped.finally(() => {
      this.#stops.delete(stopped)
      this.#tendLater(0)
    })
  }
}
