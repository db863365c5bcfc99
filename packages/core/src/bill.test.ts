// Money from units: tiers, the free tier, provisioned environments, what it costs here, and exact
// sums however use is grouped.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type BillTerms,
  type Grouping,
  groupUse,
  makeBill,
  parseGroupings,
  type UseLine,
} from './bill.ts'
import { NO_OWN_PRICES, NO_USE, type PriceList } from './price-list.ts'

const PRICES: PriceList = {
  requestsPerMillion: 0.2,
  gbSecondTiers: {
    x86_64: [{ upToGbSeconds: 1000, price: 1 }, { price: 0.5 }],
    arm64: [{ price: 0.8 }],
  },
  provisionedGbSecond: { x86_64: 0.6, arm64: 0.5 },
  configuredGbSecond: { x86_64: 0.3, arm64: 0.2 },
  storageGbSecond: 0.1,
  streamedGb: 2,
  freeRequests: 100,
  freeGbSeconds: 10,
  freeStreamedGb: 100,
}
const GB_SECOND = 1024 * 1000
const question = { account: '000000000000', month: '2026-11' }
const TAGS: Record<string, Record<string, string>> = { f: { team: 'red' }, g: { team: 'blue' } }
const terms = (given: Partial<BillTerms> = {}): BillTerms => ({
  prices: PRICES,
  own: NO_OWN_PRICES,
  monthShare: 1,
  tagsOf: (name) => TAGS[name],
  ...given,
})
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
const billOf = (lines: UseLine[], given?: Partial<BillTerms>) =>
  makeBill(question, lines, terms(given))

describe('a bill', () => {
  test('within the free tier costs nothing', () => {
    const bill = billOf([use({ requests: 100, mbMs: 10 * GB_SECOND })])
    expect(bill).toMatchObject({ requests: 100, gbSeconds: 10 })
    expect(bill.awsCharge).toBeCloseTo(0, 10)
    expect(bill.freeTier).toMatchObject({ requestsUsed: 100, gbSecondsUsed: 10 })
  })

  test('charges what is over it', () => {
    const bill = billOf([use({ requests: 1_000_100, mbMs: 12 * GB_SECOND })])
    expect(bill.awsCharge).toBeCloseTo(0.2 + 2, 10)
  })

  test('falls with the amount', () => {
    expect(billOf([use({ mbMs: 2010 * GB_SECOND })]).awsCharge).toBeCloseTo(1000 + 500, 8)
  })

  test('takes the free tier from both architectures in proportion', () => {
    const uses = [
      use({ mbMs: 30 * GB_SECOND }),
      use({ architecture: 'arm64', mbMs: 10 * GB_SECOND }),
    ]
    expect(billOf(uses).awsCharge).toBeCloseTo(22.5 + 7.5 * 0.8, 10)
  })

  test('counts storage over the free 512 MB', () => {
    expect(billOf([use({ storageMbMs: 5 * GB_SECOND })]).awsCharge).toBeCloseTo(0.5, 10)
  })

  test('counts streamed bytes over the free 100 GB', () => {
    const charge = (gb: number) =>
      billOf([use({ streamedBytes: gb * 1024 ** 3 }), use({})]).awsCharge
    expect(charge(100)).toBeCloseTo(0, 10)
    expect(charge(103)).toBeCloseTo(6, 10)
  })

  test('charges provisioned environments by their own prices, and nothing of them is free', () => {
    const lines = [
      use({ provisionedMbMs: 4 * GB_SECOND }),
      use({ configuredMbMs: 10 * GB_SECOND }),
      use({ architecture: 'arm64', provisionedMbMs: GB_SECOND, configuredMbMs: 5 * GB_SECOND }),
    ]
    const bill = billOf(lines)
    expect(bill.awsCharge).toBeCloseTo(4 * 0.6 + 10 * 0.3 + 0.5 + 5 * 0.2, 10)
    expect(bill.freeTier.gbSecondsUsed).toBe(0)
    expect(bill.rows[0]).toMatchObject({
      gbSeconds: 4,
      provisionedGbSeconds: 4,
      configuredGbSeconds: 10,
      idleGbSeconds: 6,
    })
  })

  test('gives nothing free to functions with provisioned concurrency', () => {
    const GB = 1024 ** 3
    const provisioned = { requests: 50, mbMs: 4 * GB_SECOND, streamedBytes: GB }
    const lines = [
      use({ requests: 60, mbMs: 3 * GB_SECOND, streamedBytes: 2 * GB }),
      // It has it under one version, and is called under others, too.
      use({ functionName: 'g', version: '2', configuredMbMs: GB_SECOND }),
      use({ functionName: 'g', version: '2', alias: 'live', ...provisioned }),
      use({ functionName: 'g', version: '3', architecture: 'arm64', ...provisioned }),
    ]
    const bill = billOf(lines)
    expect(bill.freeTier).toMatchObject({ requestsUsed: 60, gbSecondsUsed: 3 })
    const requests = (100 / 1_000_000) * 0.2
    expect(bill.awsCharge).toBeCloseTo(requests + 4 + 4 * 0.8 + 0.3 + 2 * 2, 10)
  })

  test('names AWS’s usage types', () => {
    const line = { requests: 2, mbMs: GB_SECOND, provisionedMbMs: GB_SECOND }
    const [row] = billOf([use({ ...line, architecture: 'arm64' })]).rows
    expect(row?.charges.map(({ usageType, amount }) => [usageType, amount])).toEqual([
      ['Request-ARM', 2],
      ['Lambda-GB-Second-ARM', 1],
      ['Lambda-Provisioned-GB-Second-ARM', 1],
    ])
  })

  test('costs here what the operator says, by use', () => {
    const own = { perGbSecond: 2, perMillionRequests: 1_000_000, perMonth: 0 }
    const lines = [use({ requests: 3, mbMs: GB_SECOND }), use({ configuredMbMs: GB_SECOND })]
    expect(billOf(lines, { own }).total.ownCost).toBeCloseTo(3 + 4, 10)
  })

  test('shares a monthly sum out, as much of it as is due', () => {
    const own = { ...NO_OWN_PRICES, perMonth: 100 }
    const lines = [use({ mbMs: 3 * GB_SECOND }), use({ functionName: 'g', mbMs: GB_SECOND })]
    const bill = billOf(lines, { own, monthShare: 0.5 })
    expect(bill.rows.map(({ ownCost }) => ownCost)).toEqual([37.5, 12.5])
    expect(bill.total.ownCost).toBe(50)
    expect(billOf([], { own, monthShare: 0.5 }).total.ownCost).toBe(50)
    const both = { ...own, perMillionRequests: 1_000_000 }
    const asked = [use({ requests: 3 })]
    expect(billOf(asked, { own: both, monthShare: 0.5 }).total.ownCost).toBe(53)
  })

  test('sums its rows exactly, however use is spread over functions', () => {
    const amounts = fc.array(fc.nat({ max: 1_000_000_000 }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(amounts, (parts) => {
        const total = parts.reduce((sum, part) => sum + part, 0)
        const spread = billOf(
          parts.map((mbMs, index) => use({ functionName: `f${index}`, mbMs, requests: 1 })),
        )
        const whole = billOf([use({ mbMs: total, requests: parts.length })])
        expect(spread.gbSeconds).toBe(whole.gbSeconds)
        expect(spread.requests).toBe(whole.requests)
        expect(spread.awsCharge).toBeCloseTo(whole.awsCharge, 6)
      }),
    )
  })
})

describe('groups', () => {
  const lines = [
    use({ requests: 1, alias: 'live', tenantId: 'a' }),
    use({ requests: 2, functionName: 'g', day: '2026-11-04' }),
    use({ requests: 4, functionName: 'h', version: '2' }),
  ]
  const requestsBy = (...by: Grouping[]) =>
    groupUse({ ...question, by }, lines, terms()).map(({ keys, requests }) => [keys, requests])

  test('are made by each grouping that there is', () => {
    expect(requestsBy('version')).toEqual([
      [{ version: '1' }, 3],
      [{ version: '2' }, 4],
    ])
    expect(requestsBy('alias')).toEqual([
      [{ alias: '' }, 6],
      [{ alias: 'live' }, 1],
    ])
    expect(requestsBy('tenant').at(-1)).toEqual([{ tenant: 'a' }, 1])
    expect(requestsBy('tag:team')).toEqual([
      [{ 'tag:team': '' }, 4],
      [{ 'tag:team': 'blue' }, 2],
      [{ 'tag:team': 'red' }, 1],
    ])
    expect(requestsBy('account', 'month')).toEqual([
      [{ account: '000000000000', month: '2026-11' }, 7],
    ])
    expect(requestsBy('day', 'architecture')[1]).toEqual([
      { day: '2026-11-04', architecture: 'x86_64' },
      2,
    ])
  })

  test('lose nothing, whatever they are made by', () => {
    const word = fc.constantFrom('', 'a', 'b')
    const line = fc.record({
      functionName: fc.constantFrom('f', 'g', 'h'),
      alias: word,
      tenantId: word,
      architecture: fc.constantFrom('x86_64' as const, 'arm64' as const),
      requests: fc.nat({ max: 1000 }),
      mbMs: fc.nat({ max: 5000 * GB_SECOND }),
    })
    const groupings = fc.subarray<Grouping>(['function', 'alias', 'tenant', 'tag:team', 'day'])
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), groupings, (given, by) => {
        const some = given.map(use)
        const own = { perGbSecond: 0.1, perMillionRequests: 5, perMonth: 7 }
        const groups = groupUse({ ...question, by }, some, terms({ own }))
        const { total } = billOf(some, { own })
        const sum = (of: (group: (typeof groups)[number]) => number) =>
          groups.reduce((all, group) => all + of(group), 0)
        expect(sum(({ requests }) => requests)).toBe(total.requests)
        expect(sum(({ awsListPrice }) => awsListPrice)).toBeCloseTo(total.awsListPrice, 4)
        if (total.gbSeconds > 0) expect(sum(({ ownCost }) => ownCost)).toBeCloseTo(total.ownCost, 4)
      }),
    )
  })

  test.each([
    ['function', ['function']],
    ['day, tag:cost centre', ['day', 'tag:cost centre']],
    ['tag:', undefined],
    ['week', undefined],
    ['day,day', undefined],
    ['', undefined],
    [`tag:${'k'.repeat(128)}`, [`tag:${'k'.repeat(128)}`]],
    [`tag:${'k'.repeat(129)}`, undefined],
  ])('asked for by "%s" are %j', (text, expected) => {
    expect(parseGroupings(text)).toEqual(expected)
  })

  test('asked for are twenty at most', () => {
    const tags = Array.from({ length: 21 }, (_, index) => `tag:${index}`)
    expect(parseGroupings(tags.slice(1).join(','))).toEqual(tags.slice(1))
    expect(parseGroupings(tags.join(','))).toBeUndefined()
  })
})
