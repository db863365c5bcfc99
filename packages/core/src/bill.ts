// The bill: what was used in a month, by function or as it was asked for, and what it costs here
// and on AWS. Metering writes it, the gateway passes it on, the CLI and the console show it; the
// arithmetic of money is here, from exact integer units, once.

import type { Architecture } from './function.ts'
import {
  addUse,
  type Charge,
  chargesOf,
  gbOf,
  gbSecondsOf,
  NO_USE,
  type OwnPrices,
  type PriceList,
  sumUses,
  tiered,
  type Use,
} from './price-list.ts'

/** What use can be grouped by; a tag by its key: `tag:team`. Several together are joined by commas. */
export const GROUPINGS = [
  'account',
  'alias',
  'architecture',
  'day',
  'function',
  'month',
  'tenant',
  'version',
] as const
export type Grouping = (typeof GROUPINGS)[number] | `tag:${string}`

/** Use as it is shown; GB-seconds, GB and dollars are fractional. */
export interface ShownUse {
  requests: number
  /** Of attempts: memory x billed duration, init included, provisioned environments included. */
  gbSeconds: number
  /** Of these in environments of provisioned concurrency. */
  provisionedGbSeconds: number
  /** Memory x time of provisioned concurrency that was configured, in begun five minutes. */
  configuredGbSeconds: number
  /** What of that no attempt used. */
  idleGbSeconds: number
  /** Ephemeral storage over 512 MB. */
  storageGbSeconds: number
  /** Streamed responses beyond the first 6 MB of each. */
  streamedGb: number
  /** US dollars at AWS's list prices, before the free tier. */
  awsListPrice: number
  /** The same by AWS's usage types; sums to awsListPrice. */
  charges: Charge[]
  /** US dollars by the operator's own prices. */
  ownCost: number
}

/** One function on one architecture. */
export interface BillRow extends ShownUse {
  functionName: string
  architecture: Architecture
  /** The function's at this moment; absent where it is gone or has none. */
  tags?: Record<string, string>
}

/** One group of those asked for; `''` where the use has none: no alias, no tenant, no such tag. */
export interface BillGroup extends ShownUse {
  /** By grouping: `{ day: '2026-11-03', 'tag:team': 'orders' }`. */
  keys: Record<string, string>
}

export interface Bill {
  account: string
  /** `YYYY-MM`, UTC. */
  month: string
  /** By function and architecture, most GB-seconds first. */
  rows: BillRow[]
  requests: number
  gbSeconds: number
  /** The account's and the month's; functions with provisioned concurrency use none of it. */
  freeTier: { requests: number; gbSeconds: number; requestsUsed: number; gbSecondsUsed: number }
  /** What AWS would have charged after its free tier, in US dollars at list prices. */
  awsCharge: number
  /** The month's sums, before the free tier. */
  total: ShownUse
  /** What was asked for in `by`, in its order; absent where nothing was. */
  by?: Grouping[]
  groups?: BillGroup[]
  /** How far the books are: ISO time of the newest attempt in them, and segments that wait. */
  books: { upTo?: string; segmentsBehind: number }
}

/** Use of one function in one day under one version, alias and tenant. */
export interface UseLine extends Use {
  /** `YYYY-MM-DD`, UTC; `-00` is of totals that an earlier Hearth kept by the month. */
  day: string
  functionName: string
  architecture: Architecture
  version: string
  /** `''` for none, as with tenants. */
  alias: string
  tenantId: string
}

export interface BillTerms {
  prices: PriceList
  own: OwnPrices
  /** How much of the month is over, from 0 to 1: so much of a monthly sum is due. */
  monthShare: number
  /** Tags by function, as they are now. */
  tagsOf(functionName: string): Readonly<Record<string, string>> | undefined
}

/** More groups are no bill any more. */
export const GROUPS_MAX = 20_000
/** Every grouping there is and a dozen tags; each is looked up for each line of use. */
export const GROUPINGS_MAX = 20
/** As on AWS: no tag has a longer key. */
const TAG_KEY_LENGTH_MAX = 128
const ARCHITECTURES = ['x86_64', 'arm64'] as const

/** The bill of one account's month, from all of its lines. `books` is the caller's to add. */
export function makeBill(
  question: { account: string; month: string },
  lines: readonly UseLine[],
  terms: BillTerms,
): Omit<Bill, 'books'> {
  const { prices } = terms
  const rates = ratesOf(lines, terms)
  const byFunction = Map.groupBy(lines, (line) => `${line.functionName}/${line.architecture}`)
  const rows = [...byFunction.values()].map((own): BillRow => {
    const { functionName, architecture } = own[0] as UseLine
    const tags = terms.tagsOf(functionName)
    const shown = showUse(own, rates)
    const hasTags = tags && Object.keys(tags).length > 0
    return { functionName, architecture, ...shown, ...(hasTags && { tags: { ...tags } }) }
  })
  rows.sort((a, b) => b.gbSeconds - a.gbSeconds || b.requests - a.requests)
  const shown = showUse(lines, rates)
  // With no use to share it out the machine costs what it costs.
  const total = { ...shown, ownCost: shown.ownCost + rates.unshared }
  const { freeRequests, freeGbSeconds } = prices
  const free = freeUse(lines, prices)
  return {
    ...question,
    rows,
    requests: total.requests,
    gbSeconds: total.gbSeconds,
    freeTier: {
      requests: freeRequests,
      gbSeconds: freeGbSeconds,
      requestsUsed: free.requests,
      gbSecondsUsed: free.gbSeconds,
    },
    awsCharge: total.awsListPrice - freeDollars(lines, free, prices),
    total,
  }
}

/** The month's lines in groups, each group's key in the order of `by`; sorted by key. */
export function groupUse(
  question: { account: string; by: readonly Grouping[] },
  lines: readonly UseLine[],
  terms: BillTerms,
): BillGroup[] {
  const rates = ratesOf(lines, terms)
  const keysOf = (line: UseLine) =>
    question.by.map((grouping): [string, string] => [
      grouping,
      keyOf(grouping, line, { ...terms, account: question.account }),
    ])
  const groups = Map.groupBy(lines, (line) => JSON.stringify(keysOf(line)))
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, own]) => ({
      keys: Object.fromEntries(keysOf(own[0] as UseLine)),
      ...showUse(own, rates),
    }))
}

/**
 * What is asked for in `function,day` or its like, or undefined where that is no grouping or too
 * many of them.
 */
export function parseGroupings(text: string): Grouping[] | undefined {
  const words = text.split(',', GROUPINGS_MAX + 1).map((word) => word.trim())
  if (words.length > GROUPINGS_MAX) return undefined
  const isGrouping = (word: string): word is Grouping =>
    isTag(word) || GROUPINGS.some((known) => known === word)
  return words.every(isGrouping) && new Set(words).size === words.length ? words : undefined
}

const isTag = (word: string): word is `tag:${string}` =>
  /^tag:./.test(word) && word.length <= 'tag:'.length + TAG_KEY_LENGTH_MAX

function keyOf(
  grouping: Grouping,
  line: UseLine,
  { account, tagsOf }: Pick<BillTerms, 'tagsOf'> & { account: string },
): string {
  switch (grouping) {
    case 'account':
      return account
    case 'function':
      return line.functionName
    case 'month':
      return line.day.slice(0, 'YYYY-MM'.length)
    case 'tenant':
      return line.tenantId
    case 'alias':
    case 'architecture':
    case 'day':
    case 'version':
      return line[grouping]
    default: {
      const tags = tagsOf(line.functionName) ?? {}
      const key = grouping.slice('tag:'.length)
      return Object.hasOwn(tags, key) ? (tags[key] ?? '') : ''
    }
  }
}

/** What one unit of the account's month costs: tiers and a monthly sum make it depend on the whole. */
interface Rates {
  prices: PriceList
  tierRates: Record<Architecture, number>
  ownGbSecond: number
  ownRequest: number
  /** What of the monthly sum nobody's use takes a share of. */
  unshared: number
}

function ratesOf(lines: readonly UseLine[], { prices, own, monthShare }: BillTerms): Rates {
  const tierRates = { x86_64: 0, arm64: 0 }
  let held = 0
  for (const architecture of ARCHITECTURES) {
    const used = sumUses(lines.filter((line) => line.architecture === architecture))
    const amount = gbSecondsOf(used.mbMs)
    const price = tiered(amount, prices.gbSecondTiers[architecture])
    tierRates[architecture] = amount === 0 ? 0 : price / amount
    held += heldGbSeconds(used)
  }
  const due = own.perMonth * monthShare
  const shared = held === 0 ? 0 : due / held
  return {
    prices,
    tierRates,
    ownGbSecond: own.perGbSecond + shared,
    ownRequest: own.perMillionRequests / 1_000_000,
    unshared: held === 0 ? due : 0,
  }
}

/** Memory that was held here: by what ran on demand, and by what was provisioned, busy or not. */
const heldGbSeconds = ({ mbMs, configuredMbMs }: Use) => gbSecondsOf(mbMs + configuredMbMs)

function showUse(lines: readonly UseLine[], rates: Rates): ShownUse {
  const charges: Charge[] = []
  for (const architecture of ARCHITECTURES) {
    const own = sumUses(lines.filter((line) => line.architecture === architecture))
    charges.push(...chargesOf(own, architecture, rates))
  }
  const use = lines.reduce<Use>(addUse, NO_USE)
  return {
    requests: use.requests,
    gbSeconds: gbSecondsOf(use.mbMs + use.provisionedMbMs),
    provisionedGbSeconds: gbSecondsOf(use.provisionedMbMs),
    configuredGbSeconds: gbSecondsOf(use.configuredMbMs),
    idleGbSeconds: gbSecondsOf(Math.max(use.configuredMbMs - use.provisionedMbMs, 0)),
    storageGbSeconds: gbSecondsOf(use.storageMbMs),
    streamedGb: gbOf(use.streamedBytes),
    awsListPrice: charges.reduce((sum, { listPrice }) => sum + listPrice, 0),
    charges,
    ownCost: heldGbSeconds(use) * rates.ownGbSecond + use.requests * rates.ownRequest,
  }
}

/** What of the month comes free, and of how many GB-seconds by architecture it is taken. */
interface FreeUse {
  requests: number
  gbSeconds: number
  streamedGb: number
  eligible: Record<Architecture, number>
}

/**
 * "The Lambda free tier does not apply to functions that have Provisioned Concurrency enabled"
 * (Lambda pricing): nothing of such a function is free, not its requests, and not what overflows
 * into environments on demand. A month's sums do not say what was used before it was enabled or
 * after it was disabled, so a function that had any in a month has nothing free in all of that
 * month: what AWS would charge may be put too high, by no more than the free tier, and never too
 * low.
 */
function freeUse(lines: readonly UseLine[], prices: PriceList): FreeUse {
  const isProvisioned = (line: UseLine) => line.configuredMbMs > 0 || line.provisionedMbMs > 0
  const left = new Set(lines.filter(isProvisioned).map(({ functionName }) => functionName))
  const own = lines.filter(({ functionName }) => !left.has(functionName))
  const { requests, streamedBytes } = sumUses(own)
  const secondsOn = (one: Architecture) =>
    gbSecondsOf(sumUses(own.filter(({ architecture }) => architecture === one)).mbMs)
  const eligible = { x86_64: secondsOn('x86_64'), arm64: secondsOn('arm64') }
  return {
    requests: Math.min(requests, prices.freeRequests),
    gbSeconds: Math.min(eligible.x86_64 + eligible.arm64, prices.freeGbSeconds),
    streamedGb: Math.min(gbOf(streamedBytes), prices.freeStreamedGb),
    eligible,
  }
}

/** What of the list price comes free; compute from both architectures in proportion. */
function freeDollars(
  lines: readonly UseLine[],
  { requests, gbSeconds, streamedGb, eligible }: FreeUse,
  prices: PriceList,
): number {
  const inAll = eligible.x86_64 + eligible.arm64
  const share = inAll === 0 ? 0 : gbSeconds / inAll
  let free = 0
  for (const architecture of ARCHITECTURES) {
    const own = sumUses(lines.filter((line) => line.architecture === architecture))
    const amount = gbSecondsOf(own.mbMs)
    const tiers = prices.gbSecondTiers[architecture]
    const paid = Math.max(amount - eligible[architecture] * share, 0)
    free += tiered(amount, tiers) - tiered(paid, tiers)
  }
  return free + (requests / 1_000_000) * prices.requestsPerMillion + streamedGb * prices.streamedGb
}
