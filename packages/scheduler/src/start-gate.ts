// The gate before the engine: environments wait here, in order and functions in turns, until the
// sandboxes that make room for them are really gone and no more than a few others are booting. It
// counts what sandboxes hold, never what is planned.

import type { Environment } from './environment.ts'

export interface GateLimits {
  /** Memory for all sandboxes together, in MiB. */
  memoryMb: number
  environmentsMax: number
  /** Sandboxes that may boot at a time; more would only make each other slow. */
  startsMax: number
}

/** Both are asked at the last moment. */
export interface GateJudge {
  /** Work that found a place meanwhile needs no new sandbox. */
  isWanted(environment: Environment): boolean
  /** Whose turn it takes. */
  ownerOf(environment: Environment): unknown
  /** Whether a stem waits for it: nothing boots then. */
  isQuick(environment: Environment): boolean
}

export class StartGate {
  readonly #limits: GateLimits
  readonly #judge: GateJudge
  readonly #queue: Environment[] = []
  /** Sandboxes that hold memory. */
  readonly #held = new Set<Environment>()
  /** Those of them that boot. */
  readonly #booting = new Set<Environment>()
  #memoryMb = 0

  constructor(limits: GateLimits, judge: GateJudge) {
    this.#limits = limits
    this.#judge = judge
  }

  /** Sandboxes that exist, or are being started or removed. */
  get sandboxes(): number {
    return this.#held.size
  }

  add(environment: Environment): void {
    this.#queue.push(environment)
    this.#open()
  }

  /** It has booted, or will not. */
  booted(environment: Environment): void {
    if (this.#booting.delete(environment)) this.#open()
  }

  /** It will not be started any more. */
  withdraw(environment: Environment): void {
    const index = this.#queue.indexOf(environment)
    if (index >= 0) this.#queue.splice(index, 1)
  }

  /** Its sandbox is gone, and its memory free. */
  gone(environment: Environment): void {
    this.#booting.delete(environment)
    if (this.#held.delete(environment)) this.#memoryMb -= environment.parts.memoryMb
    this.#open()
  }

  /** Whether anything boots or waits to. */
  get isBusy(): boolean {
    return this.#booting.size > 0 || this.#queue.length > 0
  }

  #open(): void {
    for (const environment of this.#inTurns()) {
      // In order, so that one that needs much is not passed by ever; but a stem needs no boot.
      if (!this.#fits(environment)) return
      if (!this.#mayBoot(environment)) continue
      this.withdraw(environment)
      if (!this.#judge.isWanted(environment)) {
        environment.stop(NOT_NEEDED)
        continue
      }
      this.#held.add(environment)
      this.#booting.add(environment)
      this.#memoryMb += environment.parts.memoryMb
      environment.start()
    }
  }

  /**
   * By how many of its function boot or wait before each: one that starts many, or fails in every
   * init and is started for ever, holds up nobody's first.
   */
  #inTurns(): Environment[] {
    const turns = new Map<unknown, number>()
    const turnOf = (environment: Environment) => {
      const owner = this.#judge.ownerOf(environment)
      const turn = turns.get(owner) ?? 0
      turns.set(owner, turn + 1)
      return turn
    }
    for (const environment of this.#booting) turnOf(environment)
    return this.#queue
      .map((environment) => ({ environment, turn: turnOf(environment) }))
      .sort((a, b) => a.turn - b.turn)
      .map(({ environment }) => environment)
  }

  #mayBoot(environment: Environment): boolean {
    return this.#booting.size < this.#limits.startsMax || this.#judge.isQuick(environment)
  }

  #fits(environment: Environment): boolean {
    const { memoryMb, environmentsMax } = this.#limits
    if (this.#held.size >= environmentsMax) return false
    return this.#memoryMb + environment.parts.memoryMb <= memoryMb
  }
}

/** Why an environment ended that never was. */
export const NOT_NEEDED = 'not needed any more'
