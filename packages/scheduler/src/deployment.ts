// One deployment of a function version as the pool holds it: its environments, those of them that
// are ready, and the invocations that wait for one. It keeps order and counts; what to do is
// decided elsewhere.

import type { InvokeMessage } from '@hearth/bus/messages'
import type { FunctionVersion } from '@hearth/core/function'
import type { Attempt } from './attempt.ts'
import type { Environment } from './environment.ts'

export class Deployment {
  readonly version: FunctionVersion
  /** Names the function version whichever deployment it has. */
  readonly functionKey: string
  /** All that are not stopping. */
  readonly environments = new Set<Environment>()
  /** Most recently used last. */
  readonly #ready: Environment[] = []
  readonly #waiting: Attempt[] = []

  constructor({ version, account, functionName }: InvokeMessage) {
    this.version = version
    this.functionKey = `${account}/${functionName}/${version.version}`
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
    return this.environments.size === 0 && this.#waiting.length === 0
  }

  /** Environments that will be free without finishing an invocation first. */
  countSoonReady(): number {
    let count = 0
    for (const environment of this.environments) if (environment.isSoonReady) count += 1
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

  get oldestWaiting(): Attempt | undefined {
    return this.#waiting[0]
  }

  dequeue(): Attempt | undefined {
    return this.#waiting.shift()
  }

  /** Forgets an environment that stops. */
  remove(environment: Environment): void {
    this.environments.delete(environment)
    const index = this.#ready.indexOf(environment)
    if (index >= 0) this.#ready.splice(index, 1)
  }
}
