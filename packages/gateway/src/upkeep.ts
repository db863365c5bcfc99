// What has to be tidied now and then: once when a gateway starts, and again after a while. Each
// gateway does so; what one has removed the other does not find.

import type { FunctionDocument } from '@hearth/core/function'
import type { LayerDocument } from '@hearth/core/layer'

export interface Upkeep {
  close(): void
}

export interface Chore {
  everyMs: number
  /** One turn; the next waits until it is over. */
  work(): Promise<unknown>
  /** Said of a turn that failed; the next tries again. */
  problem: string
}

export function startUpkeep(chore: Chore, report: (problem: string) => void): Upkeep {
  let isAtWork = false
  const turn = () => {
    if (isAtWork) return
    isAtWork = true
    chore
      .work()
      .catch((error) => report(`${chore.problem}: ${error}`))
      .finally(() => {
        isAtWork = false
      })
  }
  turn()
  const timer = setInterval(turn, chore.everyMs)
  return { close: () => clearInterval(timer) }
}

/** The hashes of all code that somebody may still ask for. */
export function wantedCode(
  functions: readonly FunctionDocument[],
  layers: readonly LayerDocument[],
): Set<string> {
  const versions = functions.flatMap(({ latest, published }) => [latest, ...published])
  const used = versions.flatMap(({ configuration }) => configuration.layers ?? [])
  const all = [...versions, ...used, ...layers.flatMap((layer) => layer.versions)]
  return new Set(all.map(({ code }) => code.sha256))
}
