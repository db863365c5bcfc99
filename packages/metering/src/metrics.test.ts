// What metering tells Prometheus: counters that only grow, a bounded number of functions, and no
// gauge from whoever does not keep the books.

import { NO_USE, type Use } from '@hearth/core/price-list'
import { expect, test } from 'vitest'
import { createMetrics } from './metrics.ts'

const GB_SECOND = 1024 * 1000
const account = '000000000000'
const line = (functionName: string, use: Partial<Use>) => ({
  functionName,
  architecture: 'x86_64' as const,
  version: '1',
  alias: '',
  tenantId: '',
  ...NO_USE,
  ...use,
})
const sample = (text: string, name: string, labels = '') => {
  const found = text.split('\n').find((one) => one.startsWith(`${name}${labels}`))
  return found === undefined ? undefined : Number(found.slice(found.lastIndexOf(' ') + 1))
}

test('counts what was billed, by function', async () => {
  const metrics = createMetrics()
  metrics.billed(account, [line('f', { requests: 2, mbMs: GB_SECOND })])
  metrics.billed(account, [line('f', { requests: 1, provisionedMbMs: GB_SECOND })])
  const text = await metrics.text()
  const labels = `{account="${account}",function="f"`
  expect(sample(text, 'lambda_billed_requests_total', labels)).toBe(3)
  expect(sample(text, 'lambda_billed_gb_seconds_total', labels)).toBe(2)
})

test('idle provisioned concurrency is what nobody used, and never falls', async () => {
  const metrics = createMetrics()
  const idle = async () => {
    const labels = `{account="${account}",function="f",kind="idle"}`
    return sample(await metrics.text(), 'lambda_provisioned_gb_seconds_total', labels)
  }
  metrics.billed(account, [line('f', { configuredMbMs: 10 * GB_SECOND })])
  expect(await idle()).toBe(10)
  metrics.billed(account, [line('f', { provisionedMbMs: 4 * GB_SECOND })])
  expect(await idle()).toBe(10)
  metrics.billed(account, [line('f', { configuredMbMs: 10 * GB_SECOND })])
  expect(await idle()).toBe(16)
})

test('names a hundred functions', async () => {
  const metrics = createMetrics()
  for (let index = 0; index < 150; index += 1) {
    metrics.billed(account, [line(`f-${index}`, { requests: 1 })])
  }
  const text = await metrics.text()
  const all = text.match(/^lambda_billed_requests_total\{/gm)
  expect(all).toHaveLength(101)
  const labels = `{account="${account}",function="other"}`
  expect(sample(text, 'lambda_billed_requests_total', labels)).toBe(50)
})

test('tells of the month while it keeps the books', async () => {
  const metrics = createMetrics()
  const budget = {
    account,
    name: 'all',
    scope: { kind: 'account' as const },
    unit: 'requests' as const,
    limit: 4,
    alerts: [],
    stop: true,
  }
  metrics.watch(async () => ({
    segmentsBehind: 3,
    months: [
      {
        account,
        awsCharge: 1.5,
        ownCost: 2,
        budgets: [{ budget, usedRatio: 2, isStopping: true }],
      },
    ],
  }))
  const text = await metrics.text()
  expect(sample(text, 'lambda_aws_charge_dollars{')).toBe(1.5)
  expect(sample(text, 'lambda_own_cost_dollars{')).toBe(2)
  const labels = `{account="${account}",budget="all"}`
  expect(sample(text, 'lambda_budget_used_ratio', labels)).toBe(2)
  expect(sample(text, 'lambda_budget_stopping', labels)).toBe(1)
  expect(sample(text, 'lambda_ledger_lag_segments ')).toBe(3)
  metrics.watch(undefined)
  const without = await metrics.text()
  expect(without).not.toMatch(/^lambda_(aws|own|budget|ledger)/m)
})
