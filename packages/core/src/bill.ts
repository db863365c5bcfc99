// The bill: what was used in a month, by function, and what it costs. Metering writes it, the
// gateway passes it on and the CLI prints it; the arithmetic of money is here, from exact integer
// units, once.

import type { Architecture } from './function.ts'

export interface BillRow {
  functionName: string
  architecture: Architecture
  requests: number
  gbSeconds: number
}

export interface Bill {
  account: string
  /** `YYYY-MM`, UTC. */
  month: string
  rows: BillRow[]
  requests: number
  gbSeconds: number
  freeTier: { requests: number; gbSeconds: number; requestsUsed: number; gbSecondsUsed: number }
  /** What AWS would have charged after its free tier, in US dollars at list prices. */
  awsCharge: number
}

export interface PriceList {
  requestsPerMillion: number
  gbSecondTiers: Record<Architecture, { upToGbSeconds: number; price: number }[]>
  storageGbSecond: number
  streamedGb: number
  freeRequests: number
  freeGbSeconds: number
  freeStreamedGb: number
}

/** Units of one function in a month; integers. */
export interface BilledUse {
  functionName: string
  architecture: Architecture
  requests: number
  mbMs: number
  storageMbMs: number
  /** Absent where totals are older than streaming. */
  streamedBytes?: number
}

const MB_MS_PER_GB_SECOND = 1024 * 1000
const BYTES_PER_GB = 1024 ** 3

/** A month's bill. The free tier is taken from all architectures in proportion. */
export function makeBill(
  question: { account: string; month: string },
  uses: readonly BilledUse[],
  prices: PriceList,
): Bill {
  const rows = uses.map(({ functionName, architecture, requests, mbMs }) => ({
    functionName,
    architecture,
    requests,
    gbSeconds: mbMs / MB_MS_PER_GB_SECOND,
  }))
  const requests = sum(rows.map((row) => row.requests))
  const gbSeconds = sum(uses.map((use) => use.mbMs)) / MB_MS_PER_GB_SECOND
  const { freeRequests, freeGbSeconds } = prices
  const paidShare = gbSeconds === 0 ? 0 : Math.max(gbSeconds - freeGbSeconds, 0) / gbSeconds
  const compute = sum(
    (['x86_64', 'arm64'] as const).map((architecture) => {
      const own = sum(
        rows.filter((row) => row.architecture === architecture).map((row) => row.gbSeconds),
      )
      return tiered(own * paidShare, prices.gbSecondTiers[architecture])
    }),
  )
  const storage =
    (sum(uses.map((use) => use.storageMbMs)) / MB_MS_PER_GB_SECOND) * prices.storageGbSecond
  const streamedGb = sum(uses.map((use) => use.streamedBytes ?? 0)) / BYTES_PER_GB
  const streamed = Math.max(streamedGb - prices.freeStreamedGb, 0) * prices.streamedGb
  const paidRequests = Math.max(requests - freeRequests, 0)
  return {
    ...question,
    rows,
    requests,
    gbSeconds,
    freeTier: {
      requests: freeRequests,
      gbSeconds: freeGbSeconds,
      requestsUsed: Math.min(requests, freeRequests),
      gbSecondsUsed: Math.min(gbSeconds, freeGbSeconds),
    },
    awsCharge:
      compute + storage + streamed + (paidRequests / 1_000_000) * prices.requestsPerMillion,
  }
}

/** What an amount costs where the price falls with the amount. */
function tiered(amount: number, tiers: PriceList['gbSecondTiers']['x86_64']): number {
  let from = 0
  let cost = 0
  for (const { upToGbSeconds, price } of tiers) {
    cost += Math.max(Math.min(amount, upToGbSeconds) - from, 0) * price
    from = upToGbSeconds
  }
  return cost
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
