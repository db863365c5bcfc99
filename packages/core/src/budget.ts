// Budgets: so much a month for an account, a function, or all functions with a tag, in dollars,
// GB-seconds or requests; whom to tell when a part of it is used, and whether nothing more may run
// when all of it is. Pure: metering reviews them, and the door asks whether one stops a function.

import type { Bill, BillRow, ShownUse } from './bill.ts'
import { targetOf } from './destination.ts'
import { ServiceError } from './error.ts'
import type { FunctionDocument } from './function.ts'

export type BudgetScope =
  | { kind: 'account' }
  | { kind: 'function'; functionName: string }
  | { kind: 'tag'; key: string; value: string }

/** Dollars at AWS's list prices, or by the operator's own. */
export const BUDGET_UNITS = ['aws-dollars', 'own-dollars', 'gb-seconds', 'requests'] as const
export type BudgetUnit = (typeof BUDGET_UNITS)[number]

export interface Budget {
  account: string
  name: string
  scope: BudgetScope
  unit: BudgetUnit
  /** A month, UTC. */
  limit: number
  /** Percents at which somebody is told, rising. */
  alerts: number[]
  /** Who is told; absent where the log alone is. */
  destination?: string
  /** Whether invocations are refused once it is used up. */
  stop: boolean
}

/** How far a budget is, as metering last wrote it. */
export interface BudgetState {
  /** `YYYY-MM`, UTC. */
  month: string
  /** In the budget's unit. */
  used: number
  /** The alerts that have been given. */
  alerted: number[]
}

/** A budget as it is shown; what is used is a few seconds old. */
export interface BudgetView extends Omit<Budget, 'account'> {
  month: string
  used: number
  /** Of the limit; 1 is all of it. */
  usedRatio: number
  /** Invocations of its scope are refused. */
  isStopping: boolean
}

/** What the API takes. */
export interface BudgetWish {
  scope?: { function?: unknown; tag?: { key?: unknown; value?: unknown } }
  unit?: unknown
  limit?: unknown
  alerts?: unknown
  destination?: unknown
  stop?: unknown
}

const NAME = /^(?!__proto__$)[\w-]{1,64}$/
const ALERTS_MAX = 10
const PERCENT_MAX = 1_000
const DEFAULT_ALERTS = [80, 100]
/**
 * An event bus would be told of an invocation that never was, a bucket of its result; and who may
 * set budgets may not therefore run functions.
 */
const TOLD = new Set(['sns', 'sqs', 'subject', 'webhook'])

/** @throws ServiceError for what is no budget, or none that could be obeyed. */
export function readBudget(at: { account: string; name: string }, wish: BudgetWish): Budget {
  if (!NAME.test(at.name)) {
    throw invalid('A name of a budget has 1 to 64 letters, digits, hyphens and underscores.')
  }
  const { unit, limit, alerts = DEFAULT_ALERTS, destination, stop = false } = wish
  if (!BUDGET_UNITS.some((known) => known === unit)) {
    throw invalid(`unit must be one of ${BUDGET_UNITS.join(', ')}.`)
  }
  if (typeof limit !== 'number' || !(limit > 0) || !Number.isFinite(limit)) {
    throw invalid('limit must be a number above 0.')
  }
  if (typeof stop !== 'boolean') throw invalid('stop must be true or false.')
  const told = destination === undefined ? undefined : targetOf(String(destination))
  if (destination !== undefined && !(told && TOLD.has(told.kind))) {
    throw invalid('destination must be a webhook, or the ARN of a topic, a queue or a subject.')
  }
  return {
    ...at,
    scope: readScope(wish.scope ?? {}),
    unit: unit as BudgetUnit,
    limit,
    alerts: readAlerts(alerts),
    ...(destination !== undefined && { destination: String(destination) }),
    stop,
  }
}

/** Whatever is misspelt would be the whole account. */
function readScope(scope: BudgetWish['scope'] & object): BudgetScope {
  const isObject = typeof scope === 'object' && !Array.isArray(scope)
  if (!isObject || Object.keys(scope).some((name) => name !== 'function' && name !== 'tag')) {
    throw invalid('scope must be empty, or have a function or a tag.')
  }
  const { function: functionName, tag } = scope
  if (functionName !== undefined && tag !== undefined) {
    throw invalid('scope has a function or a tag, not both.')
  }
  if (functionName !== undefined) {
    if (typeof functionName !== 'string' || !/^[\w-]{1,64}$/.test(functionName)) {
      throw invalid('scope.function must be the name of a function.')
    }
    return { kind: 'function', functionName }
  }
  if (tag === undefined) return { kind: 'account' }
  const { key, value } = typeof tag === 'object' && tag !== null ? tag : {}
  if (typeof key !== 'string' || key === '' || typeof value !== 'string') {
    throw invalid('scope.tag must have a key and a value.')
  }
  return { kind: 'tag', key, value }
}

function readAlerts(alerts: unknown): number[] {
  const isPercent = (value: unknown): value is number =>
    typeof value === 'number' && value > 0 && value <= PERCENT_MAX
  if (!Array.isArray(alerts) || alerts.length > ALERTS_MAX || !alerts.every(isPercent)) {
    throw invalid(`alerts must be at most ${ALERTS_MAX} percents, above 0 and to ${PERCENT_MAX}.`)
  }
  return [...new Set(alerts)].sort((a, b) => a - b)
}

/** What is used of a budget. AWS's free tier is the account's: a part of it is charged at list. */
export function usedOf({ scope, unit }: Budget, bill: Omit<Bill, 'books'>): number {
  const isAll = scope.kind === 'account'
  if (isAll && unit === 'aws-dollars') return bill.awsCharge
  const rows: readonly ShownUse[] = isAll
    ? [bill.total]
    : bill.rows.filter((row) => isOf(row, scope))
  return rows.reduce((sum, row) => sum + amountOf(row, unit), 0)
}

function isOf({ functionName, tags = {} }: BillRow, scope: BudgetScope): boolean {
  if (scope.kind === 'function') return functionName === scope.functionName
  return scope.kind === 'account' || hasTag(tags, scope)
}

function amountOf(use: ShownUse, unit: BudgetUnit): number {
  if (unit === 'requests') return use.requests
  if (unit === 'gb-seconds') return use.gbSeconds
  return unit === 'own-dollars' ? use.ownCost : use.awsListPrice
}

/** A budget looked at anew: its state now, and the alerts that are due. */
export function review(
  budget: Pick<Budget, 'alerts' | 'limit'>,
  former: BudgetState | undefined,
  now: { month: string; used: number },
): { state: BudgetState; due: number[] } {
  const given = former?.month === now.month ? former.alerted : []
  // A budget that was raised may be passed, and told of, again.
  const alerted = budget.alerts.filter((percent) => now.used * 100 >= budget.limit * percent)
  const due = alerted.filter((percent) => !given.includes(percent))
  return { state: { ...now, alerted }, due }
}

/** Whether nothing of its scope may run: what metering wrote is of this month, and all is used. */
export function isSpent(
  { stop, limit }: Pick<Budget, 'limit' | 'stop'>,
  state: BudgetState | undefined,
  month: string,
): boolean {
  return stop && state !== undefined && state.month === month && state.used >= limit
}

export function covers(
  { account, scope }: Pick<Budget, 'account' | 'scope'>,
  document: Pick<FunctionDocument, 'account' | 'name' | 'tags'>,
): boolean {
  if (document.account !== account) return false
  if (scope.kind === 'function') return document.name === scope.functionName
  return scope.kind === 'account' || hasTag(document.tags, scope)
}

const hasTag = (
  tags: Readonly<Record<string, string>>,
  { key, value }: { key: string; value: string },
) => Object.hasOwn(tags, key) && tags[key] === value

/** `YYYY-MM` in UTC. */
export const monthAt = (now: number) => new Date(now).toISOString().slice(0, 'YYYY-MM'.length)

const invalid = (message: string) => new ServiceError('InvalidParameterValueException', message)
