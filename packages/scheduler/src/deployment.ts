// One deployment of a function version as the pool holds it, or one tenant's part of it: its
// environments, those of them that are ready, how many are to be held ready, and the invocations
// that wait for one. It keeps order and counts; what to do is decided elsewhere.

import { type FunctionVersion, hasSnapshot } from '@hearth/core/function'
import type { Attempt } from './attempt.ts'
import type { AheadFacts } from './decide.ts'
import type { Environment } from './environment.ts'

/** Which function version, and whose. */
export interface Place {
  account: string
  functionName: string
  version: FunctionVersion
  /** For whom alone, where the function keeps its tenants apart. */
  tenantId?: string
}

/** A function that had to start another environment is growing for so long. */
const GROWING_MS = 60_000
/** After an init that failed with nobody waiting, the next one waits for so long. */
const AHEAD_AGAIN_MS = 30_000

export class Deployment {
  readonly place: Place
  /** Names the function version whichever deployment it has. */
  readonly functionKey: string
  /** The same, and for whom. */
  readonly ownerKey: string
  readonly id: string
  /** All that are not stopping. */
  readonly #environments = new Set<Environment>()
  /** Those of them that were started as provisioned. */
  #provisioned = 0
  /** Most recently used last. */
  readonly #ready: Environment[] = []
  readonly #waiting: Attempt[] = []
  /** Provisioned environments to hold, whether or not anybody asks. */
  kept = 0
  /** Started for nobody in particular, and not yet ready. */
  readonly ahead = new Set<Environment>()
  #grewAt = Number.NEGATIVE_INFINITY
  #aheadFailure: { reason: string; at: number } | undefined

  constructor({ version, account, functionName, tenantId }: Place) {
    const tenant = tenantId !== undefined && { tenantId }
    this.place = { version, account, functionName, ...tenant }
    this.functionKey = `${account}/${functionName}/${version.version}`
    this.ownerKey = tenant ? `${this.functionKey}/${tenantId}` : this.functionKey
    this.id = Deployment.idOf(this.place)
  }

  static idOf({ version: { deploymentId }, tenantId }: Place): string {
    return tenantId === undefined ? deploymentId : `${deploymentId}/${tenantId}`
  }

  get version(): FunctionVersion {
    return this.place.version
  }

  get environments(): ReadonlySet<Environment> {
    return this.#environments
  }

  get provisioned(): number {
    return this.#provisioned
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
    for (const environment of this.#environments) if (environment.isSoonReady) count += 1
    return count
  }

  /** What decides how many to start that nobody waits for. */
  aheadFacts(isBooting: boolean): AheadFacts {
    const { kept, ready, waiting, isGrowing, hasSnapshot } = this
    // Counting costs, and with more ready than are waited for it decides nothing.
    const soonReady = ready > waiting ? 0 : this.countSoonReady()
    const held = this.#provisioned
    return { kept, held, ready, soonReady, waiting, isGrowing, hasSnapshot, isBooting }
  }

  /** As holds, of what nobody else needs the memory for. */
  waitsPatiently(environment: Environment): boolean {
    return this.holds(environment) || (this.hasSnapshot && this.environments.size === 1)
  }

  /** Whether it is one of those that are to be held. */
  holds(environment: Environment): boolean {
    return isProvisioned(environment) && this.#provisioned <= this.kept
  }

  /** Whether it is provisioned, and one more than are to be held. */
  isSurplus(environment: Environment): boolean {
    return isProvisioned(environment) && this.#provisioned > this.kept
  }

  /** Provisioned environments that have loaded the function, working or not. */
  countInitialised(): number {
    let count = 0
    for (const environment of this.#environments) {
      if (isProvisioned(environment) && environment.hasInitialised) count += 1
    }
    return count
  }

  /** The most recently used of the ready, provisioned ones first; it is ready no more. */
  takeReady(): Environment | undefined {
    if (this.#provisioned === 0) return this.#ready.pop()
    const index = this.#ready.findLastIndex(isProvisioned)
    return index < 0 ? this.#ready.pop() : this.#ready.splice(index, 1)[0]
  }

  /** One that waits and is not provisioned: the longest unused. */
  findOnDemand(): Environment | undefined {
    return this.#ready.find((environment) => !isProvisioned(environment))
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

  /** Counts an environment in, from before it starts. */
  add(environment: Environment): void {
    const { why } = environment.parts
    this.#environments.add(environment)
    if (why === 'provisioned') this.#provisioned += 1
    if (why === 'provisioned' || why === 'snapshot' || why === 'spare') this.ahead.add(environment)
  }

  /** Forgets an environment that stops. */
  remove(environment: Environment): void {
    if (!this.#environments.delete(environment)) return
    if (isProvisioned(environment)) this.#provisioned -= 1
    this.ahead.delete(environment)
    const index = this.#ready.indexOf(environment)
    if (index >= 0) this.#ready.splice(index, 1)
  }
}

const isProvisioned = ({ parts }: Environment) => parts.why === 'provisioned'
