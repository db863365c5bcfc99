// Charges provisioned concurrency: once a second it looks which periods of which configurations
// have begun, and puts each into the ledger under a subject that can be taken only once. The books
// remember which they hold, when the ledger has let it go. So a period counts once, whoever dies
// when and however often it is tried, and what began while nobody looked is made up for.

import { createHash } from 'node:crypto'
import {
  type ProvisionedRecord,
  provisionedSubject,
  readProvisionedSubject,
} from '@hearth/bus/messages'
import type { FunctionDocument } from '@hearth/core/function'
import {
  type ChargedProvisioned,
  chargedProvisioned,
  PROVISIONED_PERIOD_MS,
  periodsBegun,
} from '@hearth/core/provisioned-charge'
import type { Functions } from '@hearth/store/functions'
import type { Ledger } from '@hearth/store/ledger'
import { dayOf } from './billing.ts'
import type { Books } from './books.ts'

export interface ProvisionedMeterParts {
  functions: Pick<Functions, 'all'>
  ledger: Pick<Ledger, 'lastSubject' | 'ship'>
  books: Pick<Books, 'nextPeriods'>
}

interface Configuration {
  id: string
  document: FunctionDocument
  one: ChargedProvisioned
}

/** After a long absence the rest comes with the next turns. */
const PERIODS_A_TURN_MAX = 500
const DIGITS = 24

export class ProvisionedMeter {
  readonly #parts: ProvisionedMeterParts
  /** Periods that are charged, by configuration. */
  #charged = new Map<string, number>()

  constructor(parts: ProvisionedMeterParts) {
    this.#parts = parts
  }

  /** Resolves when what has begun by now is in the ledger. */
  async turn(now: number): Promise<void> {
    const { functions, ledger } = this.#parts
    const all = [...functions.all()].flatMap((document) => configurationsOf(document, now))
    const before = await this.#chargedBefore(all.filter(({ id }) => !this.#charged.has(id)))
    const seen = new Map<string, number>()
    let left = PERIODS_A_TURN_MAX
    for (const { id, document, one } of all) {
      let next = this.#charged.get(id) ?? before.get(id) ?? 0
      const begun = periodsBegun(one, now)
      for (; next < begun && left > 0; next += 1, left -= 1) {
        const record = recordOf(document, one, next)
        const segment = { records: [], provisioned: [record] }
        await ledger.ship(provisionedSubject(id, next), segment)
      }
      seen.set(id, next)
    }
    this.#charged = seen
  }

  /** The ledger knows, as long as it has them; the books, if they have read them. */
  async #chargedBefore(unknown: readonly Configuration[]): Promise<Map<string, number>> {
    const { books, ledger } = this.#parts
    const found = new Map<string, number>()
    const sought = new Map<string, Map<string, string>>()
    for (const { id, document, one } of unknown) {
      const last = await ledger.lastSubject(provisionedSubject(id, '*'))
      const shipped = last === undefined ? undefined : readProvisionedSubject(last)
      if (shipped) {
        found.set(id, shipped.period + 1)
        continue
      }
      const own = sought.get(document.account) ?? new Map<string, string>()
      sought.set(document.account, own.set(id, dayOf({ startedAt: one.modifiedAt })))
    }
    for (const [account, begunOn] of sought) {
      for (const [id, next] of await books.nextPeriods(account, begunOn)) found.set(id, next)
    }
    return found
  }
}

const configurationsOf = (document: FunctionDocument, now: number): Configuration[] =>
  chargedProvisioned(document, now).map((one) => ({
    id: configurationOf(document, one),
    ...{ document, one },
  }))

/** The same for the same configuration, wherever it is reckoned. */
function configurationOf({ account, name }: FunctionDocument, one: ChargedProvisioned): string {
  const parts = [account, name, one.version, one.modifiedAt]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, DIGITS)
}

function recordOf(
  { account, name }: FunctionDocument,
  one: ChargedProvisioned,
  period: number,
): ProvisionedRecord {
  const { version, alias, architecture, memoryMb, requested: count, modifiedAt } = one
  return {
    account,
    functionName: name,
    version,
    ...(alias !== undefined && { alias }),
    architecture,
    memoryMb,
    count,
    startedAt: modifiedAt + period * PROVISIONED_PERIOD_MS,
    durationMs: PROVISIONED_PERIOD_MS,
  }
}
