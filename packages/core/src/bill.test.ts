// Money from units: tiers, the free tier, and exact sums.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type BilledUse, makeBill, type PriceList } from './bill.ts'

const PRICES: PriceList = {
  requestsPerMillion: 0.2,
  gbSecondTiers: {
    x86_64: [
      { upToGbSeconds: 1000, price: 1 },
      { upToGbSeconds: Number.POSITIVE_INFINITY, price: 0.5 },
    ],
    arm64: [{ upToGbSeconds: Number.POSITIVE_INFINITY, price: 0.8 }],
  },
  storageGbSecond: 0.1,
  streamedGb: 2,
  freeRequests: 100,
  freeGbSeconds: 10,
  freeStreamedGb: 100,
}
const GB_SECOND = 1024 * 1000
const question = { account: '000000000000', month: '2026-11' }
const use = (given: Partial<BilledUse>): BilledUse => ({
  functionName: 'f',
  architecture: 'x86_64',
  requests: 0,
  mbMs: 0,
  storageMbMs: 0,
  ...given,
})

describe('a bill', () => {
  test('within the free tier costs nothing', () => {
    const bill = makeBill(question, [use({ requests: 100, mbMs: 10 * GB_SECOND })], PRICES)
    expect(bill).toMatchObject({ requests: 100, gbSeconds: 10, awsCharge: 0 })
    expect(bill.freeTier).toMatchObject({ requestsUsed: 100, gbSecondsUsed: 10 })
  })

  test('charges what is over it', () => {
    const bill = makeBill(question, [use({ requests: 1_000_100, mbMs: 12 * GB_SECOND })], PRICES)
    expect(bill.awsCharge).toBeCloseTo(0.2 + 2, 10)
  })

  test('falls with the amount', () => {
    const bill = makeBill(question, [use({ mbMs: 2010 * GB_SECOND })], PRICES)
    expect(bill.awsCharge).toBeCloseTo(1000 + 500, 8)
  })

  test('takes the free tier from both architectures in proportion', () => {
    const uses = [
      use({ mbMs: 30 * GB_SECOND }),
      use({ architecture: 'arm64', mbMs: 10 * GB_SECOND }),
    ]
    expect(makeBill(question, uses, PRICES).awsCharge).toBeCloseTo(22.5 + 7.5 * 0.8, 10)
  })

  test('counts storage over the free 512 MB', () => {
    expect(makeBill(question, [use({ storageMbMs: 5 * GB_SECOND })], PRICES).awsCharge).toBeCloseTo(
      0.5,
      10,
    )
  })

  test('counts streamed bytes over the free 100 GB', () => {
    const charge = (gb: number) =>
      makeBill(question, [use({ streamedBytes: gb * 1024 ** 3 }), use({})], PRICES).awsCharge
    expect(charge(100)).toBe(0)
    expect(charge(103)).toBeCloseTo(6, 10)
  })

  test('sums its rows exactly, however use is spread over functions', () => {
    const amounts = fc.array(fc.nat({ max: 1_000_000_000 }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(amounts, (parts) => {
        const total = parts.reduce((sum, part) => sum + part, 0)
        const spread = makeBill(
          question,
          parts.map((mbMs) => use({ mbMs, requests: 1 })),
          PRICES,
        )
        const whole = makeBill(question, [use({ mbMs: total, requests: parts.length })], PRICES)
        expect(spread.gbSeconds).toBe(whole.gbSeconds)
        expect(spread.requests).toBe(whole.requests)
        expect(spread.awsCharge).toBeCloseTo(whole.awsCharge, 6)
      }),
    )
  })
})
