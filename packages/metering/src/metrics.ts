// The metering role's metrics in Prometheus form: what has been billed since this process keeps the
// books, what the month costs so far, and how far behind the books are. Counters only grow; the
// first hundred functions have a name, the rest is `other`. Who does not keep the books tells no
// gauges, so that sums over several processes are right.

import type { Budget } from '@hearth/core/budget'
import { gbSecondsOf } from '@hearth/core/price-list'
import { Counter, Gauge, Registry } from 'prom-client'
import type { Line } from './use-lines.ts'

/** What the month is at, of one account. */
export interface MonthFigures {
  account: string
  awsCharge: number
  ownCost: number
  budgets: { budget: Budget; usedRatio: number; isStopping: boolean }[]
}

/** What can be told only while the books are kept here. */
export interface Figures {
  segmentsBehind: number
  months: MonthFigures[]
}

export interface MeteringMetrics {
  /** Lines that have just been stored. */
  billed(account: string, lines: Iterable<Line>): void
  /** From now on these are asked for; undefined when the books are kept elsewhere. */
  watch(figures: (() => Promise<Figures>) | undefined): void
  text(): Promise<string>
}

const OTHER = 'other'
const FUNCTIONS_MAX = 100

export function createMetrics(): MeteringMetrics {
  const registers = [new Registry()] as [Registry]
  const counters = createCounters(registers)
  const gauges = createGauges(registers)
  const named = new Set<string>()
  const nameOf = (functionName: string) => {
    if (named.size < FUNCTIONS_MAX) named.add(functionName)
    return named.has(functionName) ? functionName : OTHER
  }
  /** Provisioned GB-seconds by function, and the most that no attempt had used of them so far. */
  const held = new Map<string, { configured: number; used: number; idle: number }>()
  let figures: (() => Promise<Figures>) | undefined
  const bill = (account: string, line: Line) => {
    const labels = { account, function: nameOf(line.functionName) }
    const { architecture } = line
    const used = gbSecondsOf(line.provisionedMbMs)
    const configured = gbSecondsOf(line.configuredMbMs)
    counters.requests.inc(labels, line.requests)
    counters.seconds.inc({ ...labels, architecture }, gbSecondsOf(line.mbMs) + used)
    if (used + configured === 0) return
    const key = `${account} ${labels.function}`
    const before = held.get(key) ?? { configured: 0, used: 0, idle: 0 }
    const now = { configured: before.configured + configured, used: before.used + used }
    const idle = Math.max(before.idle, now.configured - now.used)
    held.set(key, { ...now, idle })
    counters.provisioned.inc({ ...labels, kind: 'used' }, used)
    counters.provisioned.inc({ ...labels, kind: 'configured' }, configured)
    counters.provisioned.inc({ ...labels, kind: 'idle' }, idle - before.idle)
  }
  return {
    billed(account, lines) {
      for (const line of lines) bill(account, line)
    },
    watch(next) {
      figures = next
    },
    async text() {
      gauges.set(await figures?.().catch(() => undefined))
      return registers[0].metrics()
    },
  }
}

function createCounters(registers: [Registry]) {
  return {
    requests: new Counter({
      name: 'lambda_billed_requests_total',
      help: 'Attempts that were billed.',
      labelNames: ['account', 'function'],
      registers,
    }),
    seconds: new Counter({
      name: 'lambda_billed_gb_seconds_total',
      help: 'Memory x billed duration, init and provisioned environments included.',
      labelNames: ['account', 'function', 'architecture'],
      registers,
    }),
    provisioned: new Counter({
      name: 'lambda_provisioned_gb_seconds_total',
      help:
        'Provisioned concurrency: what was configured, in begun five minutes, what attempts used, ' +
        'and what stayed idle, which is known when a period is over and never falls.',
      labelNames: ['account', 'function', 'kind'],
      registers,
    }),
  }
}

function createGauges(registers: [Registry]) {
  const gauge = <Name extends string>(name: string, help: string, labelNames: Name[]) =>
    new Gauge({ name, help, labelNames, registers })
  const charge = gauge(
    'lambda_aws_charge_dollars',
    "What AWS would have charged this month so far, after the account's free tier.",
    ['account'],
  )
  const own = gauge('lambda_own_cost_dollars', 'What this month has cost here so far.', ['account'])
  const used = gauge('lambda_budget_used_ratio', 'What is used of a budget; 1 is all of it.', [
    'account',
    'budget',
  ])
  const stopping = gauge('lambda_budget_stopping', '1 while a budget refuses invocations.', [
    'account',
    'budget',
  ])
  const lag = gauge('lambda_ledger_lag_segments', 'Segments of the ledger that wait.', [])
  return {
    set(figures: Figures | undefined) {
      for (const one of [charge, own, used, stopping, lag]) one.reset()
      // A gauge without labels is 0 unless it is taken away.
      if (!figures) return void lag.remove()
      lag.set(figures.segmentsBehind)
      for (const { account, awsCharge, ownCost, budgets } of figures.months) {
        charge.set({ account }, awsCharge)
        own.set({ account }, ownCost)
        for (const { budget, usedRatio, isStopping } of budgets) {
          used.set({ account, budget: budget.name }, usedRatio)
          stopping.set({ account, budget: budget.name }, isStopping ? 1 : 0)
        }
      }
    },
  }
}
