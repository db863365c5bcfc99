// AWS's public list prices of Lambda (us-east-1, US dollars) and its monthly free tier. Data: edit it to bill in
// other terms. Tiers are cumulative: each `upToGbSeconds` is where the next price begins.

export const AWS_PRICES = {
  requestsPerMillion: 0.2,
  gbSecondTiers: {
    x86_64: [
      { upToGbSeconds: 6_000_000_000, price: 0.0000166667 },
      { upToGbSeconds: 15_000_000_000, price: 0.000015 },
      { upToGbSeconds: Number.POSITIVE_INFINITY, price: 0.0000133334 },
    ],
    arm64: [
      { upToGbSeconds: 7_500_000_000, price: 0.0000133334 },
      { upToGbSeconds: 18_750_000_000, price: 0.0000120001 },
      { upToGbSeconds: Number.POSITIVE_INFINITY, price: 0.0000106667 },
    ],
  },
  storageGbSecond: 0.0000000309,
  streamedGb: 0.008,
  freeRequests: 1_000_000,
  freeGbSeconds: 400_000,
  freeStreamedGb: 100,
}
