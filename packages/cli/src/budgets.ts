// `hearth budget`: so much a month, and how far that is. The gateway keeps budgets and metering
// obeys them; this file only asks and lays out.

import type { BudgetScope, BudgetView, BudgetWish } from '@hearth/core/budget'
import { type ClientOptions, fetchNative } from './client.ts'
import { usageError } from './failures.ts'
import { decimal, type Format, show, tableOf } from './output.ts'

export interface BudgetOptions {
  limit: number
  unit: string
  function?: string
  tag?: string
  alert?: string[]
  tell?: string
  stop?: true
}

type Options = ClientOptions & { output: Format }

const PATH = '/hearth/budgets'

export async function listBudgets(options: Options): Promise<void> {
  const { budgets } = await fetchNative<{ budgets: BudgetView[] }>(options, PATH)
  show(options.output, budgets, () =>
    budgets.length === 0 ? 'There are no budgets.' : renderBudgets(budgets),
  )
}

export async function setBudget(
  options: Options,
  name: string,
  wish: BudgetOptions,
): Promise<void> {
  const body = bodyOf(wish)
  const set = await fetchNative<BudgetView>(options, pathOf(name), { method: 'PUT', body })
  show(options.output, set, () => renderBudgets([set]))
}

export async function removeBudget(options: Options, name: string): Promise<void> {
  await fetchNative(options, pathOf(name), { method: 'DELETE' })
  console.log(`${name} limits nothing any more.`)
}

const pathOf = (name: string) => `${PATH}/${encodeURIComponent(name)}`

function bodyOf({ limit, unit, function: functionName, ...rest }: BudgetOptions): BudgetWish {
  const { tag, alert, tell, stop } = rest
  const [, key, value] = tag === undefined ? [] : (/^([^=]+)=(.*)$/s.exec(tag) ?? [])
  if (tag !== undefined && key === undefined) throw usageError('Write --tag KEY=value.')
  return {
    scope: {
      ...(functionName !== undefined && { function: functionName }),
      ...(key !== undefined && { tag: { key, value } }),
    },
    unit,
    limit,
    ...(alert && { alerts: alert.map(Number) }),
    ...(tell !== undefined && { destination: tell }),
    stop: stop === true,
  }
}

export function renderBudgets(budgets: BudgetView[]): string {
  const rows = budgets.map((one) => [
    one.name,
    scopeOf(one.scope),
    `${decimal(Number(one.used.toPrecision(6)))} of ${decimal(one.limit)} ${one.unit}`,
    `${(one.usedRatio * 100).toFixed(1)} %`,
    one.alerts.map((percent) => `${percent} %`).join(' '),
    one.isStopping ? 'stopping now' : one.stop ? 'at 100 %' : 'never',
  ])
  return tableOf(['budget', 'of', `used in ${budgets[0]?.month}`, '', 'tells at', 'stops'], rows)
}

function scopeOf(scope: BudgetScope): string {
  if (scope.kind === 'function') return scope.functionName
  return scope.kind === 'tag' ? `${scope.key}=${scope.value}` : 'the account'
}
