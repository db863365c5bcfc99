// The operator's price list: a JSON file that replaces AWS's list prices as far as it says, and
// says what it costs here. It is read once, when metering starts, and checked to the last member,
// because a price with a typing error in its name would be no price.

import { readFile } from 'node:fs/promises'
import { NO_OWN_PRICES, type OwnPrices, type PriceList } from '@hearth/core/price-list'
import type { Prices } from '@hearth/metering'
import { z } from 'zod'

const amount = z.number().nonnegative()
const byArchitecture = z.strictObject({ x86_64: amount, arm64: amount })
const tiers = z
  .array(z.strictObject({ upToGbSeconds: z.number().positive().optional(), price: amount }))
  .min(1)
  .refine((list) => isRising(list.map(({ upToGbSeconds }) => upToGbSeconds)), {
    message: 'upToGbSeconds must rise from tier to tier, and only the last has none',
  })

const schema = z.strictObject({
  aws: z
    .strictObject({
      requestsPerMillion: amount,
      gbSecondTiers: z.strictObject({ x86_64: tiers, arm64: tiers }),
      provisionedGbSecond: byArchitecture,
      configuredGbSecond: byArchitecture,
      storageGbSecond: amount,
      streamedGb: amount,
      freeRequests: amount,
      freeGbSeconds: amount,
      freeStreamedGb: amount,
    })
    .partial()
    .default({}),
  own: z
    .strictObject({ perGbSecond: amount, perMillionRequests: amount, perMonth: amount })
    .partial()
    .default({}),
})

/** `path` undefined: AWS's prices, and nothing costs anything here. @throws Error that names each fault. */
export async function readPrices(path: string | undefined, aws: PriceList): Promise<Prices> {
  if (path === undefined) return { aws, own: NO_OWN_PRICES }
  const parsed = schema.safeParse(await readJson(path))
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    throw new Error(`HEARTH_PRICES_FILE ${path} has faults:\n  ${faults.join('\n  ')}`)
  }
  const { data } = parsed
  // Members that are absent are not there at all: zod leaves none behind as undefined.
  return {
    aws: { ...aws, ...data.aws } as PriceList,
    own: { ...NO_OWN_PRICES, ...data.own } as OwnPrices,
  }
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw new Error(`HEARTH_PRICES_FILE ${path} cannot be read: ${(cause as Error).message}`, {
      cause,
    })
  }
}

function isRising(ends: (number | undefined)[]): boolean {
  return ends.every((end, index) => {
    const next = ends[index + 1]
    const isLast = index === ends.length - 1
    return isLast ? end === undefined : end !== undefined && (next === undefined || end < next)
  })
}
