// Settlement: the move from Pending to Active and from InProgress to Successful, once the code is
// in place. The record says what is owed and a sweep re-reads it, so a gateway that dies in between
// costs a moment; settling twice changes nothing.

import { randomUUID } from 'node:crypto'
import { type FunctionDocument, isUnsettled, settleFunction } from '@hearth/core/function'
import type { Functions } from '@hearth/store/functions'

export interface Settlement {
  /** Settles one function soon; the caller does not wait. */
  soon(account: string, name: string): void
  close(): void
}

/** Long enough for a caller to see Pending, as on AWS; short enough for nobody to wait. */
const DELAY_MS = 50
const SWEEP_MS = 2_000

export function startSettlement(
  functions: Functions,
  inPlace: (document: FunctionDocument) => Promise<unknown>,
): Settlement {
  const settle = async (account: string, name: string) => {
    const document = functions.cached(account, name)
    if (!document || !isOwed(document)) return
    await inPlace(document)
    await functions.change(account, name, (found) => {
      if (!found) throw new Error('the function was deleted while it settled')
      return isOwed(found) ? settleFunction(found, randomUUID()) : found
    })
  }
  const tryToSettle = (account: string, name: string) =>
    settle(account, name).catch((reason) => {
      console.error(`${name} could not settle yet: ${reason}`)
    })
  const sweep = setInterval(() => {
    for (const document of functions.all()) {
      if (isOwed(document)) void tryToSettle(document.account, document.name)
    }
  }, SWEEP_MS)
  return {
    soon: (account, name) => {
      setTimeout(() => void tryToSettle(account, name), DELAY_MS)
    },
    close: () => clearInterval(sweep),
  }
}

function isOwed(document: FunctionDocument): boolean {
  return isUnsettled(document.latest) || document.published.some(isUnsettled)
}
