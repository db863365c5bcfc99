// Looks after budgets: twice a second, while the books move on, it reckons what is used of each,
// has those told who want to be, and writes how far each is, which is what doors obey. A telling
// is put on its way before it is written that it was; told twice is better than never.

import type { Delivery } from '@hearth/bus/messages'
import {
  type Budget,
  type BudgetState,
  isSpent,
  monthAt,
  review,
  usedOf,
} from '@hearth/core/budget'
import type { BudgetStates, Budgets } from '@hearth/store/budgets'
import type { Deliveries } from '@hearth/store/deliveries'
import type { Month } from './bills.ts'

export interface BudgetWatchParts {
  region: string
  budgets: Budgets
  deliveries: Pick<Deliveries, 'put'>
  billOf(account: string, month: string): Promise<Month>
  report(problem: string): void
}

/** What is used is written this often while nobody has to be told or stopped. */
const WRITE_MS = 5_000
/** Who could not be told is tried again so much later. */
const AGAIN_MS = 30_000

export class BudgetWatch {
  readonly #parts: BudgetWatchParts
  /** When those that could not be told were tried. */
  readonly #failedAt = new Map<string, number>()
  readonly #writtenAt = new Map<string, number>()

  constructor(parts: BudgetWatchParts) {
    this.#parts = parts
  }

  async turn(now: number): Promise<void> {
    for (const account of this.#parts.budgets.accounts()) await this.#reviewAll(account, now)
  }

  async #reviewAll(account: string, now: number): Promise<void> {
    const { budgets, billOf } = this.#parts
    const month = monthAt(now)
    // Read before the bill: whoever had the books in the meantime knows better.
    const found = budgets.revisedStates(account)
    const bill = await billOf(account, month)
    const former = found?.value ?? {}
    const states: BudgetStates = {}
    let isUrgent = false
    let isNew = false
    for (const budget of budgets.list(account)) {
      const before = former[budget.name]
      const { state, due } = review(budget, before, { month, used: usedOf(budget, bill) })
      const untold = await this.#tellAll(budget, { state, due, now })
      const written = { ...state, alerted: state.alerted.filter((one) => !untold.has(one)) }
      states[budget.name] = written
      isNew ||= JSON.stringify(before) !== JSON.stringify(written)
      isUrgent ||=
        due.length > untold.size || isSpent(budget, before, month) !== isSpent(budget, state, month)
    }
    const isDue = !isWithin(WRITE_MS, now, this.#writtenAt.get(account))
    if (!isUrgent && !(isNew && isDue)) return
    if (!(await budgets.putStates(account, states, found?.revision))) return
    this.#writtenAt.set(account, now)
  }

  /** @returns what could not be told yet: that is told later, and what is spent stops all the same. */
  async #tellAll(
    budget: Budget,
    { state, due, now }: { state: BudgetState; due: readonly number[]; now: number },
  ): Promise<Set<number>> {
    const untold = new Set(due)
    const key = `${budget.account}/${budget.name}`
    if (isWithin(AGAIN_MS, now, this.#failedAt.get(key))) return untold
    this.#failedAt.delete(key)
    try {
      for (const percent of due) {
        await this.#tell(budget, { state, percent, now })
        untold.delete(percent)
      }
    } catch (error) {
      this.#failedAt.set(key, now)
      this.#parts.report(`The budget ${budget.name} could not tell yet: ${error}`)
    }
    return untold
  }

  async #tell(
    budget: Budget,
    { state, percent, now }: { state: BudgetState; percent: number; now: number },
  ): Promise<void> {
    const { account, name, destination, limit, unit } = budget
    const used = `${Number(state.used.toPrecision(6))} of ${limit} ${unit}`
    this.#parts.report(
      `The budget ${name} has passed ${percent} % in ${state.month}: ${used} are used.` +
        (isSpent(budget, state, state.month) ? ' Its functions are throttled.' : ''),
    )
    if (destination === undefined) return
    const { region } = this.#parts
    const id = `budget.${account}.${name}.${state.month}.${limit}.${percent}`
    await this.#parts.deliveries.put({
      id,
      account,
      target: destination,
      as: 'destination',
      condition: 'Success',
      functionName: `budget-${name}`,
      functionArn: `arn:aws-hearth:budget:${region}:${account}:${name}`,
      body: JSON.stringify(notice(budget, { state, percent, now })),
      requestId: id,
      createdAt: now,
    } satisfies Delivery)
  }
}

/** A clock that was set back has no say in how long that is. */
const isWithin = (ms: number, now: number, since: number | undefined) =>
  since !== undefined && now >= since && now < since + ms

/** What a destination is told. */
function notice(
  budget: Budget,
  { state, percent, now }: { state: BudgetState; percent: number; now: number },
) {
  const { kind, ...scope } = budget.scope
  return {
    source: 'hearth.budget',
    timestamp: new Date(now).toISOString(),
    account: budget.account,
    budget: budget.name,
    scope: { kind, ...scope },
    month: state.month,
    threshold: percent,
    used: state.used,
    limit: budget.limit,
    unit: budget.unit,
    isStopping: isSpent(budget, state, state.month),
  }
}
