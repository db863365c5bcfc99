// Budgets: what counts towards one, when somebody is told, and whom one that is used up stops.

import { describe, expect, test } from 'vitest'
import { makeBill, type UseLine } from './bill.ts'
import { type Budget, covers, isSpent, readBudget, review, usedOf } from './budget.ts'
import { NO_OWN_PRICES, NO_USE } from './price-list.ts'

const at = { account: '000000000000', name: 'orders' }
const budget = (wish: object = {}): Budget =>
  readBudget(at, { unit: 'requests', limit: 100, ...wish })

describe('a wish', () => {
  test('becomes a budget, with alerts at 80 and 100 per cent unless it says otherwise', () => {
    expect(budget({ scope: { function: 'f' }, stop: true })).toEqual({
      ...at,
      scope: { kind: 'function', functionName: 'f' },
      unit: 'requests',
      limit: 100,
      alerts: [80, 100],
      stop: true,
    })
    expect(
      budget({ scope: { tag: { key: 'team', value: '' } }, alerts: [90, 50, 90] }),
    ).toMatchObject({ scope: { kind: 'tag', key: 'team', value: '' }, alerts: [50, 90] })
  })

  test.each([
    [{ unit: 'euros' }, 'unit must'],
    [{ limit: 0 }, 'limit must'],
    [{ limit: '5' }, 'limit must'],
    [{ limit: Number.POSITIVE_INFINITY }, 'limit must'],
    [{ stop: 'yes' }, 'stop must'],
    [{ alerts: [0] }, 'alerts must'],
    [{ alerts: [1001] }, 'alerts must'],
    [{ alerts: 80 }, 'alerts must'],
    [{ scope: { function: 'f', tag: { key: 'a', value: 'b' } } }, 'scope has'],
    [{ scope: { function: 'arn:x' } }, 'scope.function must'],
    [{ scope: { tag: { key: 'a' } } }, 'scope.tag must'],
    [{ scope: { tag: null } }, 'scope.tag must'],
    [{ scope: { functionName: 'f' } }, 'scope must'],
    [{ scope: 'function:f' }, 'scope must'],
    [{ scope: [{ function: 'f' }] }, 'scope must'],
    [{ destination: 'somebody' }, 'destination must'],
    [{ destination: 'arn:aws:s3:::bucket' }, 'destination must'],
    [{ destination: 'arn:aws:lambda:us-east-1:000000000000:function:f' }, 'destination must'],
  ])('with %j is refused', (wish, message) => {
    expect(() => budget(wish)).toThrow(message)
  })

  test('needs a plain name', () => {
    expect(() => readBudget({ ...at, name: 'a.b' }, {})).toThrow('A name of a budget')
  })
})

describe('what is used', () => {
  const use = (given: Partial<UseLine>): UseLine => ({
    ...NO_USE,
    day: '2026-11-03',
    functionName: 'f',
    architecture: 'x86_64',
    version: '1',
    alias: '',
    tenantId: '',
    ...given,
  })
  const prices = {
    requestsPerMillion: 1_000_000,
    gbSecondTiers: { x86_64: [{ price: 1 }], arm64: [{ price: 1 }] },
    provisionedGbSecond: { x86_64: 1, arm64: 1 },
    configuredGbSecond: { x86_64: 1, arm64: 1 },
    storageGbSecond: 1,
    streamedGb: 1,
    freeRequests: 4,
    freeGbSeconds: 0,
    freeStreamedGb: 0,
  }
  const lines = [
    use({ requests: 3, mbMs: 2_048_000 }),
    use({ requests: 5, functionName: 'g', architecture: 'arm64' }),
  ]
  const bill = makeBill({ account: at.account, month: '2026-11' }, lines, {
    prices,
    own: { ...NO_OWN_PRICES, perMonth: 10 },
    monthShare: 0.5,
    tagsOf: (name) => (name === 'g' ? { team: 'red' } : undefined),
  })
  const tag = { tag: { key: 'team', value: 'red' } }

  test.each([
    ['requests', {}, 8],
    ['requests', { function: 'f' }, 3],
    ['requests', tag, 5],
    ['gb-seconds', {}, 2],
    ['gb-seconds', { function: 'g' }, 0],
    // After the free tier, and at list where the scope is a part of the account.
    ['aws-dollars', {}, 3 + 5 + 2 - 4],
    ['aws-dollars', { function: 'f' }, 3 + 2],
    ['own-dollars', {}, 5],
    ['own-dollars', { function: 'f' }, 5],
    ['requests', { function: 'nobody' }, 0],
  ])('in %s of %j is %d', (unit, scope, expected) => {
    expect(usedOf(budget({ unit, scope }), bill)).toBeCloseTo(expected, 9)
  })
})

describe('a review', () => {
  const now = (used: number, month = '2026-11') => ({ month, used })

  test('tells each alert once a month', () => {
    const first = review(budget(), undefined, now(79))
    expect(first).toEqual({ state: { ...now(79), alerted: [] }, due: [] })
    const second = review(budget(), first.state, now(80))
    expect(second.due).toEqual([80])
    expect(review(budget(), second.state, now(99)).due).toEqual([])
    const last = review(budget(), second.state, now(250))
    expect(last.due).toEqual([100])
    expect(review(budget(), last.state, now(80, '2026-12')).due).toEqual([80])
  })

  test('tells again of one that was raised and passed again', () => {
    const { state } = review(budget(), undefined, now(100))
    const raised = review(budget({ limit: 1000 }), state, now(100))
    expect(raised.state.alerted).toEqual([])
    expect(review(budget({ limit: 1000 }), raised.state, now(1000)).due).toEqual([80, 100])
  })
})

describe('a budget that is used up', () => {
  const spent = { month: '2026-11', used: 100, alerted: [] }

  test.each([
    [{ stop: true }, '2026-11', true],
    [{}, '2026-11', false],
    [{ stop: true }, '2026-12', false],
    [{ stop: true, limit: 101 }, '2026-11', false],
  ])('%j in %s stops: %s', (wish, month, expected) => {
    expect(isSpent(budget(wish), spent, month)).toBe(expected)
    expect(isSpent(budget(wish), undefined, month)).toBe(false)
  })

  test.each([
    [{}, true],
    [{ function: 'f' }, true],
    [{ function: 'g' }, false],
    [{ tag: { key: 'team', value: 'red' } }, true],
    [{ tag: { key: 'team', value: 'blue' } }, false],
    [{ tag: { key: 'toString', value: '' } }, false],
  ])('of %j covers a function of the red team: %s', (scope, expected) => {
    const document = { account: at.account, name: 'f', tags: { team: 'red' } }
    expect(covers(budget({ scope }), document)).toBe(expected)
    expect(covers(budget({ scope }), { ...document, account: '111111111111' })).toBe(false)
  })
})
