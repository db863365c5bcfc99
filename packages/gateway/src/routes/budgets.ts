// Hearth's own routes of budgets: which there are and how far each is, set one, take one away. The
// laws are core/budget's; what is used, metering reckons.

import { type BudgetView, type BudgetWish, isSpent, monthAt, readBudget } from '@hearth/core/budget'
import { ServiceError } from '@hearth/core/error'
import type { Budgets } from '@hearth/store/budgets'

export interface BudgetParts {
  account: string
  budgets: Budgets
}

export function listBudgets({ account, budgets }: BudgetParts): { budgets: BudgetView[] } {
  const month = monthAt(Date.now())
  const states = budgets.states(account)
  return {
    budgets: budgets.list(account).map((budget) => {
      const { account: _, ...shown } = budget
      const state = states[budget.name]
      const used = state?.month === month ? state.used : 0
      const isStopping = isSpent(budget, state, month)
      return { ...shown, month, used, usedRatio: used / budget.limit, isStopping }
    }),
  }
}

/** @throws ServiceError for what is no budget. */
export async function setBudget(
  parts: BudgetParts,
  name: string,
  wish: BudgetWish,
): Promise<BudgetView | undefined> {
  const { account, budgets } = parts
  await budgets.put(readBudget({ account, name }, wish))
  return listBudgets(parts).budgets.find((budget) => budget.name === name)
}

/** @throws ServiceError when there is none. */
export async function deleteBudget(
  { account, budgets }: BudgetParts,
  name: string,
): Promise<object> {
  if (await budgets.delete(account, name)) return {}
  throw new ServiceError('ResourceNotFoundException', `There is no budget ${name}.`)
}
