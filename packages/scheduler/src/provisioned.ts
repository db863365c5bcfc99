// Provisioned concurrency on this scheduler: once a second it tells the pool how many environments
// of each version to hold initialised, and remembers how far it is for the next heartbeat. What is
// wished for is in the functions' documents; how environments come to be is the pool's affair.

import type { ProvisionedShare } from '@hearth/bus/messages'
import type { Place } from './deployment.ts'
import type { Pool } from './pool.ts'

/** This scheduler's part of one version's provisioned concurrency. */
export interface ProvisionedWish {
  place: Place
  count: number
  /** Tokens that are here already: without one nobody may use what is initialised. */
  tokens: number
  /** Of those, what invocations hold. */
  running: number
  /** Tells one configuration from the next. */
  modifiedAt: number
}

/** One version's part here, for the metrics. */
export interface ProvisionedFigure {
  functionName: string
  version: string
  requested: number
  initialised: number
  inUse: number
}

/** AWS's StatusReason. */
const INIT_FAILURE = 'FUNCTION_ERROR_INIT_FAILURE'

export class Provisioned {
  readonly #pool: Pick<Pool, 'keep'>
  readonly #wishes: () => ProvisionedWish[]
  /** What the pool was told to hold, by deployment. */
  #held = new Map<string, Place>()
  #shares: ProvisionedShare[] = []
  #figures: ProvisionedFigure[] = []

  constructor(pool: Pick<Pool, 'keep'>, wishes: () => ProvisionedWish[]) {
    this.#pool = pool
    this.#wishes = wishes
  }

  get shares(): ProvisionedShare[] {
    return this.#shares
  }

  /** As they were a second ago at most. */
  get figures(): ProvisionedFigure[] {
    return this.#figures
  }

  turn(): void {
    const wishes = this.#wishes().filter(({ count }) => count > 0)
    const wanted = new Map(wishes.map(({ place }) => [place.version.deploymentId, place]))
    for (const [id, place] of this.#held) if (!wanted.has(id)) this.#pool.keep(place, 0)
    this.#held = wanted
    this.#figures = []
    this.#shares = wishes.map(({ place, count, tokens, running, modifiedAt }) => {
      const { failure, ...kept } = this.#pool.keep(place, count)
      const initialised = Math.min(kept.initialised, tokens)
      const { account, functionName } = place
      const { version } = place.version
      this.#figures.push({ functionName, version, requested: count, initialised, inUse: running })
      const share = { account, functionName, version, modifiedAt, initialised }
      return failure === undefined ? share : { ...share, failed: INIT_FAILURE }
    })
  }
}
