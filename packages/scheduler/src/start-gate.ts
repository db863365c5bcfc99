// The gate before the engine: environments wait here, in order, until the sandboxes that make room
// for them are really gone and no more than a few others are booting. It counts what sandboxes
// hold, never what is planned.

import type { Environment } from './environment.ts'

export interface GateLimits {
  /** Memory for all sandboxes together, in MiB. */
  memoryMb: number
  environmentsMax: number
  /** Sandboxes that may boot at a time; more would only make each other slow. */
  startsMax: number
}

export class StartGate {
  readonly #limits: GateLimits
  readonly #isWanted: (environment: Environment) => boolean
  readonly #queue: Environment[] = []
  /** Sandboxes that hold memory. */
  readonly #held = new Set<Environment>()
  /** Those of them that boot. */
  readonly #booting = new Set<Environment>()
  #memoryMb = 0

  /**
   * `isWanted` is asked at the last moment: work that found a place meanwhile needs no new sandbox.
   */
  constructor(limits: GateLimits, isWanted: (environment: Environment) => boolean) {
    this.#limits = limits
    this.#isWanted = isWanted
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

  #open(): void {
    for (let head = this.#queue[0]; head && this.#fits(head); head = this.#queue[0]) {
      this.#queue.shift()
      if (!this.#isWanted(head)) {
        head.stop(NOT_NEEDED)
        continue
      }
      this.#held.add(head)
      this.#booting.add(head)
      this.#memoryMb += head.parts.memoryMb
      head.start()
    }
  }

  #fits(environment: Environment): boolean {
    const { memoryMb, environmentsMax, startsMax } = this.#limits
    if (this.#booting.size >= startsMax || this.#held.size >= environmentsMax) return false
    return this.#memoryMb + environment.parts.memoryMb <= memoryMb
  }
}

/** Why an environment ended that never was. */
export const NOT_NEEDED = 'not needed any more'
