// A budget that stops does so whether or not anybody can be told of it, and whoever else looks
// after it.

import type { Budget, BudgetState } from '@hearth/core/budget'
import { expect, test } from 'vitest'
import { BudgetWatch } from './budget-watch.ts'

const ACCOUNT = '000000000000'
const NOW = Date.parse('2026-02-03T04:05:06Z')
const BUDGET: Budget = {
  account: ACCOUNT,
  name: 'all',
  scope: { kind: 'account' },
  unit: 'requests',
  limit: 10,
  alerts: [80, 100],
  destination: 'https://example.com/hook',
  stop: true,
}

function watching() {
  let states: Record<string, BudgetState> = {}
  let revision = 0
  const seen = {
    isFull: true,
    tries: 0,
    used: 12,
    delivered: [] as unknown[],
    bill: async () => seen.used,
  }
  const watch = new BudgetWatch({
    region: 'us-east-1',
    budgets: {
      accounts: () => [ACCOUNT],
      list: () => [BUDGET],
      revisedStates: () => (revision > 0 ? { value: states, revision } : undefined),
      async putStates(_: string, next: Record<string, BudgetState>, read = 0) {
        if (read !== revision) return false
        states = next
        revision += 1
        return true
      },
    } as unknown as ConstructorParameters<typeof BudgetWatch>[0]['budgets'],
    deliveries: {
      async put(delivery) {
        seen.tries += 1
        if (seen.isFull) throw new Error('the queue is full')
        seen.delivered.push(delivery)
      },
    },
    billOf: () => seen.bill().then((requests) => ({ total: { requests }, rows: [] }) as never),
    report() {},
  })
  return { watch, seen, stateOf: (name: string) => states[name] }
}

test('a destination that takes nothing delays the word, and never the stop', async () => {
  const { watch, seen, stateOf } = watching()
  await watch.turn(NOW)
  expect(stateOf('all')).toMatchObject({ used: 12, alerted: [] })
  await watch.turn(NOW + 500)
  expect(seen.tries).toBe(1)
  seen.isFull = false
  await watch.turn(NOW + 60_000)
  expect(seen.delivered).toHaveLength(2)
  expect(stateOf('all')).toMatchObject({ used: 12, alerted: [80, 100] })
})

test('a clock that is set back delays neither the word nor what is shown', async () => {
  const { watch, seen, stateOf } = watching()
  await watch.turn(NOW)
  const before = NOW - 3_600_000
  await watch.turn(before)
  expect(seen.tries).toBe(2)
  seen.isFull = false
  await watch.turn(before + 30_000)
  expect(seen.delivered).toHaveLength(2)
  seen.used = 13
  await watch.turn(before - 1_000)
  expect(stateOf('all')).toMatchObject({ used: 13 })
})

test('a review that was overtaken by another changes nothing', async () => {
  const { watch, seen, stateOf } = watching()
  const late = Promise.withResolvers<number>()
  seen.bill = () => late.promise
  const overtaken = watch.turn(NOW + 60_000)
  seen.bill = async () => 12
  await watch.turn(NOW)
  expect(stateOf('all')).toMatchObject({ used: 12 })
  late.resolve(3)
  await overtaken
  expect(stateOf('all')).toMatchObject({ used: 12 })
})
