// The price list: what AWS asks for each unit of use, in tiers that fall with the amount, and under
// which usage type its Cost and Usage Report shows that. Data in, money out; whose use it is and
// what comes free is the bill's affair.

import type { Architecture } from './function.ts'

/** A price up to an amount of the month; the last tier has no end. */
export interface PriceTier {
  upToGbSeconds?: number
  price: number
}

/** US dollars. */
export interface PriceList {
  requestsPerMillion: number
  /** On demand. */
  gbSecondTiers: Record<Architecture, readonly PriceTier[]>
  /** For invocations in provisioned environments, in the place of the tiers. */
  provisionedGbSecond: Record<Architecture, number>
  /** For provisioned concurrency as long as it is configured, used or not. */
  configuredGbSecond: Record<Architecture, number>
  storageGbSecond: number
  streamedGb: number
  freeRequests: number
  freeGbSeconds: number
  freeStreamedGb: number
}

/** What it costs here, in US dollars: by use, or a sum a month that use shares. */
export interface OwnPrices {
  perGbSecond: number
  perMillionRequests: number
  /** Of the machine; shared out by GB-seconds, those of idle provisioned environments included. */
  perMonth: number
}

export const NO_OWN_PRICES: OwnPrices = { perGbSecond: 0, perMillionRequests: 0, perMonth: 0 }

/** Units of use; integers, so that sums are exact in whatever order they are made. */
export interface Use {
  requests: number
  /** Memory x billed duration, init included, on demand. */
  mbMs: number
  /** The same in environments of provisioned concurrency. */
  provisionedMbMs: number
  /** Memory x time of provisioned concurrency that was configured. */
  configuredMbMs: number
  /** Ephemeral storage over the 512 MB that come free x billed duration. */
  storageMbMs: number
  /** Bytes of streamed responses beyond the 6 MB of each that come free. */
  streamedBytes: number
}

export const NO_USE: Use = {
  requests: 0,
  mbMs: 0,
  provisionedMbMs: 0,
  configuredMbMs: 0,
  storageMbMs: 0,
  streamedBytes: 0,
}

/** One kind of use at one price, as AWS lists it; the amount is in its unit. */
export interface Charge {
  usageType: string
  unit: 'GB' | 'GB-Second' | 'Request'
  amount: number
  /** Dollars a unit, before the free tier: of tiers the mean of what the account's month falls in. */
  rate: number
  listPrice: number
}

const MB_MS_PER_GB_SECOND = 1024 * 1000
const BYTES_PER_GB = 1024 ** 3
const MILLION = 1_000_000

export const gbSecondsOf = (mbMs: number) => mbMs / MB_MS_PER_GB_SECOND
export const gbOf = (bytes: number) => bytes / BYTES_PER_GB

export function addUse(a: Use, b: Use): Use {
  return {
    requests: a.requests + b.requests,
    mbMs: a.mbMs + b.mbMs,
    provisionedMbMs: a.provisionedMbMs + b.provisionedMbMs,
    configuredMbMs: a.configuredMbMs + b.configuredMbMs,
    storageMbMs: a.storageMbMs + b.storageMbMs,
    streamedBytes: a.streamedBytes + b.streamedBytes,
  }
}

export function sumUses(uses: Iterable<Use>): Use {
  let sum = NO_USE
  for (const use of uses) sum = addUse(sum, use)
  return sum
}

/** What an amount costs where the price falls with the amount. */
export function tiered(amount: number, tiers: readonly PriceTier[]): number {
  let from = 0
  let cost = 0
  for (const { upToGbSeconds = Number.POSITIVE_INFINITY, price } of tiers) {
    cost += Math.max(Math.min(amount, upToGbSeconds) - from, 0) * price
    from = upToGbSeconds
  }
  return cost
}

/** Use at AWS's list prices, each kind that occurs; `tierRates` are those of the account's month. */
export function chargesOf(
  use: Use,
  architecture: Architecture,
  { prices, tierRates }: { prices: PriceList; tierRates: Record<Architecture, number> },
): Charge[] {
  const suffix = architecture === 'arm64' ? '-ARM' : ''
  const charge = (usageType: string, unit: Charge['unit'], [amount, rate]: [number, number]) =>
    amount === 0 ? [] : [{ usageType, unit, amount, rate, listPrice: amount * rate }]
  const seconds = (kind: string, mbMs: number, rate: number) =>
    charge(`Lambda-${kind}${suffix}`, 'GB-Second', [gbSecondsOf(mbMs), rate])
  return [
    ...charge(`Request${suffix}`, 'Request', [use.requests, prices.requestsPerMillion / MILLION]),
    ...seconds('GB-Second', use.mbMs, tierRates[architecture]),
    ...seconds(
      'Provisioned-GB-Second',
      use.provisionedMbMs,
      prices.provisionedGbSecond[architecture],
    ),
    ...seconds(
      'Provisioned-Concurrency',
      use.configuredMbMs,
      prices.configuredGbSecond[architecture],
    ),
    ...seconds('Storage-GB-Second', use.storageMbMs, prices.storageGbSecond),
    ...charge('Lambda-Streaming-Response-Processed-Bytes', 'GB', [
      gbOf(use.streamedBytes),
      prices.streamedGb,
    ]),
  ]
}
