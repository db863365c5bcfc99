// Which version an invocation of an alias gets. The share of each is exact: after any number of
// invocations the second version has had its weight of them to within one half, which chance would
// come to only slowly, and a canary of a few calls maybe never. Each door counts its own.

import type { Alias } from '@hearth/core/alias'
import {
  aliasOf,
  type FunctionDocument,
  type FunctionVersion,
  versionOf,
} from '@hearth/core/function'

export interface Choice {
  /** Undefined when the qualifier names none. */
  version: FunctionVersion | undefined
  /** For an invocation that nobody ran: it was nobody's share. */
  giveBack(): void
}

export type Route = (document: FunctionDocument, qualifier: string | undefined) => Choice

/** Sums of weights like 0.1 fall short of whole numbers by this little. */
const ROUNDING = 1e-9
/** Aliases whose account is kept; one that is asked for again after so many others begins anew. */
const ACCOUNTS_MAX = 10_000

export function createRouting(): Route {
  /** What an alias owes its second version, until it changes itself. */
  const accounts = new Map<string, { revisionId: string; owed: number }>()
  const accountOf = (key: string, { revisionId }: Alias) => {
    const known = accounts.get(key)
    if (known?.revisionId === revisionId) return known
    if (accounts.size >= ACCOUNTS_MAX) accounts.clear()
    const opened = { revisionId, owed: 0.5 }
    accounts.set(key, opened)
    return opened
  }
  return (document, qualifier) => {
    const alias = aliasOf(document, qualifier)
    const [second] = Object.entries(alias?.weights ?? {})
    if (!alias || !second) {
      return { version: versionOf(document, qualifier), giveBack: () => {} }
    }
    const [number, weight] = second
    const account = accountOf(`${document.account}/${document.name}:${qualifier}`, alias)
    const isDue = account.owed + weight >= 1 - ROUNDING
    const change = isDue ? weight - 1 : weight
    account.owed += change
    return {
      version: versionOf(document, isDue ? number : alias.version),
      giveBack() {
        account.owed -= change
      },
    }
  }
}
