// Every deployment that the pool holds, one for each tenant where a function keeps them apart:
// finds them, knows which are the newest of their function version, and forgets what is empty. An
// environment is one of these alone, from its start to its end.

import { Deployment, type Place } from './deployment.ts'

export class Deployments {
  readonly #all = new Map<string, Deployment>()
  /** The newest of each function version, for each of its tenants; the others are superseded. */
  readonly #newest = new Map<string, Set<Deployment>>()

  get(place: Place): Deployment | undefined {
    return this.#all.get(Deployment.idOf(place))
  }

  [Symbol.iterator](): Iterator<Deployment> {
    return this.#all.values()
  }

  /** Holds a new one. @returns it, and those that it supersedes, whosever they are. */
  add(place: Place): { deployment: Deployment; superseded: Iterable<Deployment> } {
    const deployment = new Deployment(place)
    this.#all.set(deployment.id, deployment)
    const { functionKey, version } = deployment
    const newest = this.#newest.get(functionKey)
    const [former] = newest ?? []
    if (newest && former?.version.deploymentId === version.deploymentId) {
      newest.add(deployment)
      return { deployment, superseded: [] }
    }
    if (former && former.version.lastModified > version.lastModified) {
      return { deployment, superseded: [] }
    }
    this.#newest.set(functionKey, new Set([deployment]))
    return { deployment, superseded: newest ?? [] }
  }

  isNewest(deployment: Deployment): boolean {
    return this.#newest.get(deployment.functionKey)?.has(deployment) ?? false
  }

  /** Forgets one that holds nothing. */
  prune(deployment: Deployment): void {
    if (!deployment.isEmpty || this.#all.get(deployment.id) !== deployment) return
    this.#all.delete(deployment.id)
    const { functionKey } = deployment
    const newest = this.#newest.get(functionKey)
    if (newest?.delete(deployment) && newest.size === 0) this.#newest.delete(functionKey)
  }
}
