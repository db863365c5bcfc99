// Which version an invocation of an alias gets. The share of each is exact: after any number of
// invocations the second version has had its weight of them to within one half, which chance would
// come to only slowly, and a canary of a few calls maybe never. Each process counts its own.

import type { Alias } from '@hearth/core/alias'
import {
  aliasOf,
  type FunctionDocument,
  type FunctionVersion,
  versionOf,
} from '@hearth/core/function'

/** The version for one more invocation, or undefined when the qualifier names none. */
export type Choose = (
  document: FunctionDocument,
  qualifier: string | undefined,
) => FunctionVersion | undefined

/** Sums of weights like 0.1 fall short of whole numbers by this little. */
const ROUNDING = 1e-9

export function createRouting(): Choose {
  /** What each alias owes its second version; it begins anew with every change of the function. */
  const owed = new WeakMap<Alias, number>()
  return (document, qualifier) => {
    const alias = aliasOf(document, qualifier)
    const [second] = Object.entries(alias?.weights ?? {})
    if (!alias || !second) return versionOf(document, qualifier)
    const [number, weight] = second
    const sum = (owed.get(alias) ?? 0.5) + weight
    const isDue = sum >= 1 - ROUNDING
    owed.set(alias, isDue ? sum - 1 : sum)
    return versionOf(document, isDue ? number : alias.version)
  }
}
