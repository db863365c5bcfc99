// Concurrency's laws: who may reserve and provision how much, in AWS's literal words, and that the
// pools which follow from it never add up to more than the account has.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  poolOf,
  provision,
  provisionedOf,
  provisionedPool,
  reserve,
  UNRESERVED_POOL,
  unprovision,
  unreserve,
  unreserved,
  unreservedMin,
} from './concurrency.ts'
import { createFunction, defaultConfiguration, type FunctionDocument } from './function.ts'

const configuration = {
  ...defaultConfiguration('f'),
  runtime: 'nodejs24.x',
  handler: 'a.b',
  role: 'r',
}
const make = (name: string): FunctionDocument =>
  createFunction(
    {
      account: '000000000000',
      name,
      tags: {},
      architecture: 'x86_64',
      code: { sha256: 'aa', size: 1 },
      configuration,
    },
    { now: 1, revisionId: 'r', deploymentId: 'd' },
  )
const f = make('f')
const account = (limit = 1000, documents: FunctionDocument[] = [f]) => ({
  documents,
  limit,
  now: 5,
})
const refusalOf = (work: () => unknown) => {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}

describe('a reserve', () => {
  test('may take all but 100 of the account, and one more is refused in AWS’s words', () => {
    expect(reserve(f, 900, account()).concurrency?.reserved).toBe(900)
    expect(refusalOf(() => reserve(f, 901, account()))).toMatchObject({
      code: 'InvalidParameterValueException',
      untyped: true,
      message:
        "Specified ReservedConcurrentExecutions for function decreases account's " +
        'UnreservedConcurrentExecution below its minimum value of [100].',
    })
  })

  test.each([
    [1000, 100],
    [5000, 100],
    [500, 50],
    [10, 1],
    [7, 0],
  ])('an account of %i keeps %i for the others', (limit, min) => {
    expect(unreservedMin(limit)).toBe(min)
    expect(reserve(f, limit - min, account(limit)).concurrency?.reserved).toBe(limit - min)
    expect(() => reserve(f, limit - min + 1, account(limit))).toThrow(`[${min}]`)
  })

  test('replaces the former one, and counts beside those of others', () => {
    const g = reserve(make('g'), 500, account())
    const once = reserve(f, 400, account(1000, [f, g]))
    expect(() => reserve(once, 401, account(1000, [once, g]))).toThrow()
    expect(reserve(once, 1, account(1000, [once, g])).concurrency?.reserved).toBe(1)
    expect(unreserve(once, 9).concurrency).toEqual({ provisioned: [], revision: 9 })
    expect(unreserve(f, 9)).toBe(f)
  })

  test('of 0 is always possible, and is a limit', () => {
    const off = reserve(f, 0, account(1))
    expect(poolOf(off, account(1, [off]))).toMatchObject({ limit: 0, groupLimit: 0 })
  })

  test('may not be lower than what is provisioned', () => {
    const kept = provision(f, { version: '1', requested: 2 }, account())
    expect(refusalOf(() => reserve(kept, 1, account()))).toMatchObject({
      untyped: true,
      message:
        " ReservedConcurrentExecutions  1 should not be lower than function's total provisioned " +
        'concurrency [2].',
    })
    expect(reserve(kept, 2, account()).concurrency?.reserved).toBe(2)
  })
})

describe('provisioned concurrency', () => {
  test('of all versions together fits the reserve', () => {
    const reserved = reserve(f, 5, account())
    const one = provision(reserved, { version: '1', requested: 3 }, account())
    expect(
      refusalOf(() => provision(one, { version: '2', requested: 3 }, account())),
    ).toMatchObject({
      untyped: false,
      message:
        'Requested Provisioned Concurrency should not be greater than the ' +
        'reservedConcurrentExecution for function',
    })
    expect(provisionedOf(provision(one, { version: '1', requested: 5 }, account()))).toBe(5)
    expect(provisionedOf(unprovision(one, '1', 9))).toBe(0)
    expect(unprovision(one, '2', 9)).toBe(one)
  })

  test('without a reserve leaves the account its minimum', () => {
    expect(() => provision(f, { version: '1', requested: 1001 }, account())).toThrow(
      "Specified ConcurrentExecutions for function is greater than account's unreserved " +
        'concurrency [1000].',
    )
    expect(() => provision(f, { version: '1', requested: 901 }, account())).toThrow(
      "Specified ConcurrentExecutions for function decreases account's " +
        'UnreservedConcurrentExecution below its minimum value of [100].',
    )
    expect(provisionedOf(provision(f, { version: '1', requested: 900 }, account()))).toBe(900)
  })
})

test('a revision always grows, also past a function of the same name that was deleted', () => {
  const first = reserve(f, 1, { ...account(), now: 100 })
  const again = reserve(f, 2, { ...account(), now: 200 })
  expect(again.concurrency?.revision).toBeGreaterThan(first.concurrency?.revision ?? 0)
  expect(reserve(first, 3, { ...account(), now: 0 }).concurrency?.revision).toBe(101)
})

test('whatever is granted, the groups add up to the account and pools fit their group', () => {
  const step = fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    kind: fc.constantFrom('reserve', 'provision', 'unreserve', 'unprovision'),
    count: fc.integer({ min: 0, max: 60 }),
    version: fc.constantFrom('1', '2'),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const all = new Map(['a', 'b', 'c'].map((name) => [name, make(name)]))
      const limits = () => account(50, [...all.values()])
      for (const { name, kind, count, version } of steps) {
        const document = all.get(name) as FunctionDocument
        const changed = () => {
          if (kind === 'reserve') return reserve(document, count, limits())
          if (kind === 'unreserve') return unreserve(document, 5)
          if (kind === 'unprovision') return unprovision(document, version, 5)
          return provision(document, { version, requested: count + 1 }, limits())
        }
        // A refusal changes nothing.
        if (refusalOf(changed) === undefined) all.set(name, changed())
      }
      const documents = [...all.values()]
      const pools = documents.flatMap((document) => [
        poolOf(document, limits()),
        ...(document.concurrency?.provisioned ?? []).map((one) =>
          provisionedPool(document, one, limits()),
        ),
      ])
      const groups = new Map(pools.map(({ group, groupLimit }) => [group, groupLimit]))
      groups.set(UNRESERVED_POOL, unreserved(documents, 50))
      expect([...groups.values()].reduce((sum, limit) => sum + limit, 0)).toBe(50)
      for (const [group, limit] of groups) {
        const mine = new Map(
          pools.filter((pool) => pool.group === group).map((pool) => [pool.name, pool.limit]),
        )
        expect([...mine.values()].reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(limit)
      }
    }),
  )
})
