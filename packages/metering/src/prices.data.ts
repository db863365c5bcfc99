// AWS's public list prices of Lambda (us-east-1, US dollars) and its monthly free tier. Data: HEARTH_PRICES_FILE
// bills in other terms. Tiers are cumulative: each `upToGbSeconds` is where the next price begins.

import type { PriceList } from '@hearth/core/price-list'

export const AWS_PRICES: PriceList = {
  requestsPerMillion: 0.2,
  gbSecondTiers: {
    x86_64: [
      { upToGbSeconds: 6_000_000_000, price: 0.0000166667 },
      { upToGbSeconds: 15_000_000_000, price: 0.000015 },
      { price: 0.0000133334 },
    ],
    arm64: [
      { upToGbSeconds: 7_500_000_000, price: 0.0000133334 },
      { upToGbSeconds: 18_750_000_000, price: 0.0000120001 },
      { price: 0.0000106667 },
    ],
  },
  provisionedGbSecond: { x86_64: 0.0000097222, arm64: 0.0000077778 },
  configuredGbSecond: { x86_64: 0.0000041667, arm64: 0.0000033334 },
  storageGbSecond: 0.0000000309,
  streamedGb: 0.008,
  freeRequests: 1_000_000,
  freeGbSeconds: 400_000,
  freeStreamedGb: 100,
}
