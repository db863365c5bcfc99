// Concurrency: how many invocations may run at a time, for the account, for a function with
// a reserve, and in environments that are initialised ahead. Pure; routes change documents by these
// laws, and schedulers read from the same documents which tokens an invocation needs.

import { ServiceError } from './error.ts'
import type { FunctionDocument } from './function.ts'
import { type EndedProvisioned, endedOf } from './provisioned-charge.ts'
import { refuseTenancy } from './tenancy.ts'

/** What is configured for one function; absent where nothing ever was. */
export interface Concurrency {
  /** Grows with each change, so that whoever has an older view knows. */
  revision: number
  /** Of all versions together; 0 turns the function off. */
  reserved?: number
  provisioned: ProvisionedConcurrency[]
  /** What was provisioned and is no more, oldest first: metering may not have charged all of it. */
  ended?: EndedProvisioned[]
}

/** Environments of one published version that are initialised ahead. */
export interface ProvisionedConcurrency {
  version: string
  /** The alias that it was asked for, and with which it moves from version to version. */
  alias?: string
  requested: number
  /** Milliseconds since the epoch; also tells one configuration from the next. */
  modifiedAt: number
}

/** AWS keeps 100 of an account's 1,000 for functions without a reserve. */
const UNRESERVED_MIN = 100
/** In an account that is smaller, the same tenth. */
const UNRESERVED_SHARE = 0.1

/** The part of an account's limit that no function may reserve. */
export function unreservedMin(accountLimit: number): number {
  return Math.min(UNRESERVED_MIN, Math.floor(accountLimit * UNRESERVED_SHARE))
}

/** What an account's functions without a reserve share, provisioned environments included. */
export function unreserved(documents: readonly FunctionDocument[], accountLimit: number): number {
  const reserved = documents.map(({ concurrency }) => concurrency?.reserved ?? 0)
  return Math.max(accountLimit - total(reserved), 0)
}

export function provisionedOf({ concurrency }: FunctionDocument): number {
  return total(concurrency?.provisioned.map(({ requested }) => requested) ?? [])
}

/** What is left of the unreserved after functions without a reserve have had some provisioned. */
function uncommitted(documents: readonly FunctionDocument[], accountLimit: number): number {
  const free = documents.filter(({ concurrency }) => concurrency?.reserved === undefined)
  return unreserved(documents, accountLimit) - total(free.map(provisionedOf))
}

/** The account at a moment, in milliseconds since the epoch. */
interface Account {
  /** All of its functions. */
  documents: readonly FunctionDocument[]
  limit: number
  now: number
}

/**
 * The document with so much reserved. @throws ServiceError when the account would keep too little
 * for the others, or more is provisioned.
 */
export function reserve(
  document: FunctionDocument,
  count: number,
  { documents, limit, now }: Account,
): FunctionDocument {
  const provisioned = provisionedOf(document)
  if (count < provisioned) {
    // The blanks are AWS's.
    throw refusal(
      ` ReservedConcurrentExecutions  ${count} should not be lower than function's total ` +
        `provisioned concurrency [${provisioned}].`,
      { untyped: true },
    )
  }
  const others = documents.filter(({ name }) => name !== document.name)
  const min = unreservedMin(limit)
  if (count > 0 && uncommitted(others, limit) - count < min) {
    throw refusal(
      "Specified ReservedConcurrentExecutions for function decreases account's " +
        `UnreservedConcurrentExecution below its minimum value of [${min}].`,
      { untyped: true },
    )
  }
  return change(document, { reserved: count }, now)
}

/** The document without a reserve; its invocations share the account's again. */
export function unreserve(document: FunctionDocument, now: number): FunctionDocument {
  if (document.concurrency?.reserved === undefined) return document
  const { reserved: _, ...concurrency } = document.concurrency
  return change({ ...document, concurrency }, {}, now)
}

/** What is provisioned under this qualifier: an alias's is not its version's. */
export function provisionedUnder(
  { concurrency }: FunctionDocument,
  qualifier: string,
): ProvisionedConcurrency | undefined {
  return concurrency?.provisioned.find(({ alias, version }) => (alias ?? version) === qualifier)
}

/**
 * The document with so many environments of a published version initialised ahead.
 * @throws ServiceError when they do not fit the reserve, or the account, the version has some under
 * another qualifier, or the function keeps tenants apart.
 */
export function provision(
  document: FunctionDocument,
  wish: Omit<ProvisionedConcurrency, 'modifiedAt'>,
  { documents, limit, now }: Account,
): FunctionDocument {
  const { version, requested } = wish
  if (version === '$LATEST') throw refusal(UNPUBLISHED)
  refuseTenancy(document.latest, 'provisioned concurrency')
  requireFree(document, wish)
  const others = (document.concurrency?.provisioned ?? []).filter((one) => one.version !== version)
  const without = change(document, { provisioned: others }, now)
  const reserved = document.concurrency?.reserved
  if (reserved !== undefined && provisionedOf(without) + requested > reserved) {
    throw refusal(
      'Requested Provisioned Concurrency should not be greater than the ' +
        'reservedConcurrentExecution for function',
    )
  }
  if (reserved === undefined) {
    const rest = documents.filter(({ name }) => name !== document.name)
    requireUnreserved(requested, uncommitted([...rest, without], limit), unreservedMin(limit))
  }
  const provisioned = [...others, { ...wish, modifiedAt: now }]
  return change(document, { provisioned }, now)
}

function requireUnreserved(requested: number, available: number, min: number): void {
  if (requested > available) {
    throw refusal(
      "Specified ConcurrentExecutions for function is greater than account's unreserved " +
        `concurrency [${available}].`,
      { untyped: true },
    )
  }
  if (available - requested >= min) return
  throw refusal(
    "Specified ConcurrentExecutions for function decreases account's " +
      `UnreservedConcurrentExecution below its minimum value of [${min}].`,
    { untyped: true },
  )
}

/** @throws ServiceError where the version has some under another qualifier. */
function requireFree(
  { concurrency }: FunctionDocument,
  { version, alias }: Pick<ProvisionedConcurrency, 'alias' | 'version'>,
): void {
  const taken = concurrency?.provisioned.find((one) => one.version === version)
  if (!taken || taken.alias === alias) return
  throw new ServiceError(
    'ResourceConflictException',
    alias === undefined
      ? 'Version is pointed by a Provisioned Concurrency alias'
      : "Alias can't be used for Provisioned Concurrency configuration on an already " +
          'Provisioned version',
  )
}

/** The document without what is provisioned under a qualifier. */
export function unprovision(
  document: FunctionDocument,
  qualifier: string,
  now: number,
): FunctionDocument {
  const gone = provisionedUnder(document, qualifier)
  if (!gone) return document
  const provisioned = document.concurrency?.provisioned.filter((one) => one !== gone) ?? []
  return change(document, { provisioned }, now)
}

/**
 * The document with what is provisioned for an alias at its new version.
 * @throws ServiceError where that is no version, or has some of its own.
 */
export function moveProvisioned(
  document: FunctionDocument,
  alias: string,
  { version, now }: { version: string; now: number },
): FunctionDocument {
  const own = provisionedUnder(document, alias)
  if (!own || own.version === version) return document
  if (version === '$LATEST') throw refusal(UNPUBLISHED)
  requireFree(document, { version, alias })
  const provisioned = document.concurrency?.provisioned.map((one) =>
    one === own ? { ...own, version, modifiedAt: now } : one,
  )
  return change(document, { provisioned: provisioned ?? [] }, now)
}

export const UNPUBLISHED =
  'Provisioned Concurrency Configs cannot be applied to unpublished function versions.'

/**
 * A limit that invocations count against: one that runs holds a token of one pool. Pools of a group
 * share the group's limit: the reserve of a function, or what the account has left.
 */
export interface ConcurrencyPool {
  name: string
  limit: number
  revision: number
  group: string
  groupLimit: number
}

/** The pool that functions without a reserve share. */
export const UNRESERVED_POOL = '*'

type Limits = Pick<Account, 'documents' | 'limit'>

/** The pool of a function's on-demand invocations. */
export function poolOf(document: FunctionDocument, account: Limits): ConcurrencyPool {
  const { concurrency } = document
  const reserved = concurrency?.reserved
  if (reserved === undefined) return unreservedPool(account)
  const limit = Math.max(reserved - provisionedOf(document), 0)
  const name = `reserved/${document.name}`
  return { name, limit, revision: concurrency?.revision ?? 0, group: name, groupLimit: reserved }
}

/** Its limit follows from every function's, so no revision orders it. */
export function unreservedPool({ documents, limit }: Limits): ConcurrencyPool {
  const own = Math.max(uncommitted(documents, limit), 0)
  const groupLimit = unreserved(documents, limit)
  return { name: UNRESERVED_POOL, limit: own, revision: 0, group: UNRESERVED_POOL, groupLimit }
}

/** The pool of one version's provisioned environments. */
export function provisionedPool(
  document: FunctionDocument,
  { version, requested }: ProvisionedConcurrency,
  account: Limits,
): ConcurrencyPool {
  const { group, groupLimit } = poolOf(document, account)
  const revision = document.concurrency?.revision ?? 0
  const name = `provisioned/${document.name}:${version}`
  return { name, limit: requested, revision, group, groupLimit }
}

function change(
  document: FunctionDocument,
  changes: Partial<Concurrency>,
  now: number,
): FunctionDocument {
  const { concurrency } = document
  // A function that is deleted and made again must not look older than it did.
  const revision = Math.max((concurrency?.revision ?? 0) + 1, now)
  const { ended: _, ...current } = concurrency ?? {}
  const next = { provisioned: [], ...current, ...changes, revision }
  const ended = endedOf(document, next.provisioned, now)
  return { ...document, concurrency: { ...next, ...(ended.length > 0 && { ended }) } }
}

const refusal = (message: string, options: { untyped?: boolean } = {}) =>
  new ServiceError('InvalidParameterValueException', message, options)

const total = (counts: number[]) => counts.reduce((sum, count) => sum + count, 0)
