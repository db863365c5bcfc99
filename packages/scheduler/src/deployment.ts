// One deployment of a function version as the pool holds it: its environments, those of them that
// are ready, how many are to be held ready, and the invocations that wait for one. It keeps order
// and counts; what to do is decided elsewhere.

import { type FunctionVersion, hasSnapshot } from '@hearth/core/function'
import type { Attempt } from './attempt.ts'
import type { Environment } from './environment.ts'

/** Which function version, and whose. */
export interface Place {
  account: string
  functionName: string
  version: FunctionVersion
}

/** A function that had to start another environment is growing for so long. */
const GROWING_MS = 60_000
/** After an init that failed with nobody waiting, the next one waits for so long. */
const AHEAD_AGAIN_MS = 30_000

export class Deployment {
  readonly place: Place
  /** Names the function version whichever deployment it has. */
  readonly functionKey: string
  /** All that are not stopping. */
  readonly environments = new Set<Environment>()
  /** Most recently used last. */
  readonly #ready: Environment[] = []
  readonly #waiting: Attempt[] = []
  /** Environments to hold initialised, whether or not anybody asks. */
  kept = 0
  /** Started for nobody in particular, and not yet ready. */
  readonly ahead = new Set<Environment>()
  #grewAt = Number.NEGATIVE_INFINITY
  #aheadFailure: { reason: string; at: number } | undefined

  constructor({ version, account, functionName }: Place) {
    this.place = { version, account, functionName }
    this.functionKey = `${account}/${functionName}/${version.version}`
  }

  get version(): FunctionVersion {
    return this.place.version
  }

  get id(): string {
    return this.version.deploymentId
  }

  get ready(): number {
    return this.#ready.length
  }

  get waiting(): number {
    return this.#waiting.length
  }

  get isEmpty(): boolean {
    return this.environments.size === 0 && this.#waiting.length === 0 && this.kept === 0
  }

  /** Whether one environment is to wait as a snapshot. */
  get hasSnapshot(): boolean {
    return hasSnapshot(this.version)
  }

  /** Whether it lately needed one more environment than it had. */
  get isGrowing(): boolean {
    return performance.now() - this.#grewAt < GROWING_MS
  }

  /** All of its environments were busy, so it got another. */
  grew(): void {
    this.#grewAt = performance.now()
  }

  /** Why environments cannot be held initialised at this moment, if they cannot. */
  get aheadFailure(): string | undefined {
    const failure = this.#aheadFailure
    return failure && performance.now() - failure.at < AHEAD_AGAIN_MS ? failure.reason : undefined
  }

  aheadFailed(reason: string): void {
    this.#aheadFailure = { reason, at: performance.now() }
  }

  /** Environments that will be free without finishing an invocation first. */
  countSoonReady(): number {
    let count = 0
    for (const environment of this.environments) if (environment.isSoonReady) count += 1
    return count
  }

  /** As keepsAll, of what nobody else needs the memory for. */
  get waitsPatiently(): boolean {
    return this.keepsAll || (this.hasSnapshot && this.environments.size === 1)
  }

  /** Whether each of its environments is one that is to be held. */
  get keepsAll(): boolean {
    return this.environments.size <= this.kept
  }

  /** Environments that have loaded the function, working or not. */
  countInitialised(): number {
    let count = 0
    for (const environment of this.environments) if (environment.hasInitialised) count += 1
    return count
  }

  /** The most recently used of the ready, which is ready no more. */
  takeReady(): Environment | undefined {
    return this.#ready.pop()
  }

  addReady(environment: Environment): void {
    this.#ready.push(environment)
  }

  /** The ready ones, as they are now: stopping one changes the list. */
  listReady(): Environment[] {
    return [...this.#ready]
  }

  enqueue(attempt: Attempt): void {
    this.#waiting.push(attempt)
  }

  dequeue(): Attempt | undefined {
    return this.#waiting.shift()
  }

  /** Forgets an environment that stops. */
  remove(environment: Environment): void {
    this.environments.delete(environment)
    this.ahead.delete(environment)
    const index = this.#ready.indexOf(environment)
    if (index >= 0) this.#ready.splice(index, 1)
  }
}
