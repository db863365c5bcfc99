// Where the bill, its proof and budgets are, and which action each takes. What they do is in
// routes; this file only knows paths.

import type { BudgetWish } from '@hearth/core/budget'
import type { Context, Handler, Hono } from 'hono'
import { type AppParts, idOf, json, readObject, type Work } from './app.ts'
import { getBill, tellReconciliation } from './routes/bill.ts'
import { deleteBudget, listBudgets, setBudget } from './routes/budgets.ts'

/** @param own makes a handler that asks for leave first. */
export function addBillRoutes(
  app: Hono,
  parts: AppParts,
  own: (action: string, work: Work) => Handler,
): void {
  app.get(
    '/hearth/bill',
    own('GetBill', (_, c) => getBill(parts, c.req.query())),
  )
  const reconciliation = '/hearth/bill/reconciliation'
  app.get(
    reconciliation,
    own('GetReconciliation', () => tellReconciliation(parts, {})),
  )
  app.post(
    reconciliation,
    own('StartReconciliation', () => tellReconciliation(parts, { start: true })),
  )
  const budgets = '/hearth/budgets'
  app.get(
    budgets,
    own('ListBudgets', () => json(200, listBudgets(parts))),
  )
  app.put(
    `${budgets}/:id`,
    own('SetBudget', async ({ body }, c: Context) =>
      json(200, await setBudget(parts, idOf(c), readObject<BudgetWish>(body))),
    ),
  )
  app.delete(
    `${budgets}/:id`,
    own('DeleteBudget', async (_, c: Context) => json(200, await deleteBudget(parts, idOf(c)))),
  )
}
