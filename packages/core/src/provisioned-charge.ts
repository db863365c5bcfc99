// What is charged of provisioned concurrency: so many environments of a version for each five
// minutes that have begun since they were configured, whoever uses them. What ends is remembered in
// the function's record by the same write that ends it, so metering can charge it later, too.

import type { ProvisionedConcurrency } from './concurrency.ts'
import { type Architecture, type FunctionDocument, versionOf } from './function.ts'

/** As it was when it ended; its version may be gone. */
export interface EndedProvisioned extends ProvisionedConcurrency {
  endedAt: number
  memoryMb: number
  architecture: Architecture
}

/** What is charged: so many environments of a version from one time on, maybe to another. */
export type ChargedProvisioned = Omit<EndedProvisioned, 'endedAt'> & { endedAt?: number }

/** Metering looks once a second; one that was away for longer forgives what ended before. */
const ENDED_MS_MAX = 7 * 24 * 3_600_000
const ENDED_MAX = 100
/** Lambda pricing: rounded up to the nearest five minutes. */
export const PROVISIONED_PERIOD_MS = 300_000

/** What is provisioned for a function, and what lately was. */
export function chargedProvisioned(document: FunctionDocument, now: number): ChargedProvisioned[] {
  const { provisioned = [], ended = [] } = document.concurrency ?? {}
  return [...lately(ended, now), ...provisioned.flatMap((one) => withSize(document, one) ?? [])]
}

/** How many periods have begun: each is charged whole, the first with the first moment. */
export function periodsBegun(
  { modifiedAt, endedAt }: Pick<ChargedProvisioned, 'endedAt' | 'modifiedAt'>,
  now: number,
): number {
  if (endedAt !== undefined && endedAt <= now) {
    return Math.max(Math.ceil((endedAt - modifiedAt) / PROVISIONED_PERIOD_MS), 1)
  }
  return now < modifiedAt ? 0 : Math.floor((now - modifiedAt) / PROVISIONED_PERIOD_MS) + 1
}

function withSize(
  document: FunctionDocument,
  one: ProvisionedConcurrency,
): ChargedProvisioned | undefined {
  const version = versionOf(document, one.version)
  if (!version) return undefined
  const { architecture, configuration } = version
  return { ...one, memoryMb: configuration.memoryMb, architecture }
}

/** What ended before, and what is not among the next any more. */
export function endedOf(
  document: FunctionDocument,
  next: readonly ProvisionedConcurrency[],
  now: number,
): EndedProvisioned[] {
  const { provisioned = [], ended = [] } = document.concurrency ?? {}
  const goesOn = (one: ProvisionedConcurrency) =>
    next.some(({ version, modifiedAt }) => version === one.version && modifiedAt === one.modifiedAt)
  const gone = provisioned
    .filter((one) => !goesOn(one))
    .flatMap((one) => withSize(document, one) ?? [])
    .map((one) => ({ ...one, endedAt: now }))
  return [...lately(ended, now), ...gone].slice(-ENDED_MAX)
}

/** A record keeps what ended until it is next written, which may be long after. */
const lately = (ended: readonly EndedProvisioned[], now: number) =>
  ended.filter(({ endedAt }) => endedAt > now - ENDED_MS_MAX)
