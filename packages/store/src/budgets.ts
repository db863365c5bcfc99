// Budgets, and how far each is: the gateway writes budgets, metering alone writes states, all of an
// account in one record, and every door reads both from a watched cache. So one that is raised lets
// its functions run at once, whether metering is there or not.

import type { Bus } from '@hearth/bus/connect'
import { BUCKETS } from '@hearth/bus/messages'
import { openRecords, type Records, type Revised } from '@hearth/bus/records'
import { type Budget, type BudgetState, covers, isSpent, monthAt } from '@hearth/core/budget'
import { ServiceError } from '@hearth/core/error'
import type { FunctionDocument } from '@hearth/core/function'

/** By the budget's name. */
export type BudgetStates = Record<string, BudgetState>

export interface Budgets {
  /** From the cache, by name. */
  list(account: string): Budget[]
  states(account: string): BudgetStates
  /** The same with the revision by which it may be replaced; undefined where nothing is stored. */
  revisedStates(account: string): Revised<BudgetStates> | undefined
  put(budget: Budget): Promise<void>
  /** @returns whether there was one. */
  delete(account: string, name: string): Promise<boolean>
  /**
   * Replaces what was read at that revision, or makes the first. @returns whether it did: nothing
   * is changed where somebody else has kept the books since.
   */
  putStates(account: string, states: BudgetStates, revision: number | undefined): Promise<boolean>
  /** The name of a budget that lets nothing of this function run; asked at each invocation. */
  stopOf(document: Pick<FunctionDocument, 'account' | 'name' | 'tags'>): string | undefined
  /** Accounts that have budgets. */
  accounts(): string[]
  close(): void
}

const BYTES_MAX = 16 * 1024 * 1024
/** Each is reckoned anew every second. */
const BUDGETS_MAX = 100
const ATTEMPTS_MAX = 20
/** Stops follow the watched records this closely. */
const FRESH_MS = 200

export async function openBudgets(bus: Bus): Promise<Budgets> {
  const records = await openRecords<Budget | BudgetStates>(bus, {
    bucket: BUCKETS.budgets,
    bytesMax: BYTES_MAX,
  })
  const all = (prefix: string) =>
    records.keys(prefix).flatMap((key) => (records.cached(key)?.value as Budget | undefined) ?? [])
  const list = (account: string) => all(`budget.${account}.`)
  const revisedStates = (account: string) =>
    records.cached(stateKeyOf(account)) as Revised<BudgetStates> | undefined
  const states = (account: string) => revisedStates(account)?.value ?? {}
  let stops: Budget[] = []
  let stopsAt = Number.NEGATIVE_INFINITY
  const findStops = () => {
    const month = monthAt(Date.now())
    stops = all('budget.').filter((one) => isSpent(one, states(one.account)[one.name], month))
    stopsAt = performance.now()
  }
  return {
    list,
    states,
    revisedStates,
    async put(budget) {
      const others = list(budget.account).filter(({ name }) => name !== budget.name)
      if (others.length >= BUDGETS_MAX) {
        const message = `An account has ${BUDGETS_MAX} budgets at most.`
        throw new ServiceError('LimitExceededException', message)
      }
      await put(records, keyOf(budget.account, budget.name), budget)
      findStops()
    },
    async delete(account, name) {
      const found = await records.get(keyOf(account, name))
      if (!found) return false
      const deleted = await records.delete(keyOf(account, name), found.revision)
      findStops()
      return deleted === 'deleted'
    },
    async putStates(account, value, revision) {
      const key = stateKeyOf(account)
      const written =
        revision === undefined
          ? await records.create(key, value)
          : await records.update(key, value, revision)
      return typeof written === 'number'
    },
    stopOf(document) {
      if (performance.now() > stopsAt + FRESH_MS) findStops()
      return stops.find((budget) => covers(budget, document))?.name
    },
    accounts: () => [...new Set(all('budget.').map(({ account }) => account))],
    close: records.close,
  }
}

/** The last of several who change it wins. */
async function put(
  records: Records<Budget | BudgetStates>,
  key: string,
  value: Budget,
): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const found = await records.get(key)
    const written = found
      ? await records.update(key, value, found.revision)
      : await records.create(key, value)
    if (typeof written === 'number') return
  }
  throw new ServiceError('ResourceConflictException', `${key} is being changed too often.`)
}

const stateKeyOf = (account: string) => `state.${account}`
const keyOf = (account: string, name: string) => `budget.${account}.${name}`
