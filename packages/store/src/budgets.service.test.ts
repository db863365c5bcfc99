// How far budgets are is written by one of those who keep the books at the same time.

import { connectBus } from '@hearth/bus/connect'
import type { BudgetState } from '@hearth/core/budget'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Nats, startNats } from '../../../e2e/servers.ts'
import { openBudgets } from './budgets.ts'

let nats: Nats
beforeAll(async () => {
  nats = await startNats()
})
afterAll(() => nats.stop())

test('of two who read the same, one replaces it', async () => {
  const bus = await connectBus({ url: nats.url, monitorUrl: nats.monitorUrl })
  const [one, other] = [await openBudgets(bus), await openBudgets(bus)]
  const at = (used: number) => ({ all: { used } as BudgetState })
  const revisionOf = (budgets: typeof one) => budgets.revisedStates('0')?.revision
  expect(await one.putStates('0', at(1), revisionOf(one))).toBe(true)
  expect(await other.putStates('0', at(0), undefined)).toBe(false)
  await expect.poll(() => other.states('0')).toEqual(at(1))
  const read = revisionOf(other)
  expect(await one.putStates('0', at(2), revisionOf(one))).toBe(true)
  expect(await other.putStates('0', at(1), read)).toBe(false)
  await expect.poll(() => other.states('0')).toEqual(at(2))
  one.close()
  other.close()
  await bus.close()
})
