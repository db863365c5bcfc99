// Aliases: names of a function that point to one of its versions, or share their invocations out
// between two. Pure laws over the function's document; which version an invocation then gets is
// invocation/routing's affair.

import { functionArn, type Place } from './arn.ts'
import { moveProvisioned, unprovision } from './concurrency.ts'
import { ServiceError } from './error.ts'
import { withoutEventInvoke } from './event-invoke-config.ts'
import { aliasOf, type FunctionDocument, versionOf } from './function.ts'

/** One alias. It is never changed in place, so that whoever holds it may remember by it. */
export interface Alias {
  version: string
  description: string
  revisionId: string
  /** The share of invocations, 0 to 1, that another version gets. */
  weights?: Readonly<Record<string, number>>
}

/** What a caller asks for; what is absent stays, or is as if new. */
export interface AliasWish {
  version?: string
  description?: string
  weights?: Readonly<Record<string, number>>
}

export interface AliasAddress {
  place: Place
  functionName: string
  name: string
}

/** When, and under which fresh revision. */
export interface AliasChange {
  revisionId: string
  now: number
  /** The one that the caller means. */
  expected?: string | undefined
}

const LATEST = '$LATEST'
const VERSION = /^\d+$/
/** AWS's: an alias shares out between two versions at most. */
const WEIGHTS_MAX = 1

/** @throws ServiceError when there is one of this name, or no such version. */
export function createAlias(
  document: FunctionDocument | undefined,
  wish: AliasWish & { version: string },
  at: AliasAddress & Pick<AliasChange, 'revisionId'>,
): FunctionDocument {
  const { version, description = '', weights } = wish
  const found = requireTargets(document, { version, weights }, at)
  if (aliasOf(found, at.name)) {
    throw new ServiceError('ResourceConflictException', `Alias already exists: ${arnOf(at)}`)
  }
  return stored(found, at.name, { version, description, revisionId: at.revisionId, weights })
}

/**
 * Provisioned concurrency of the alias goes with it to its new version.
 * @throws ServiceError when there is none, or no such version, or a stale revision is meant.
 */
export function updateAlias(
  document: FunctionDocument | undefined,
  wish: AliasWish,
  at: AliasAddress & AliasChange,
): FunctionDocument {
  const current = document && aliasOf(document, at.name)
  if (!current) throw absent(`Alias not found: ${arnOf(at)}`)
  if (at.expected !== undefined && at.expected !== current.revisionId) throw staleAlias()
  const { version = current.version, description = current.description } = wish
  const weights = wish.weights ?? current.weights
  const found = requireTargets(document, { version, weights }, at)
  const next = { version, description, weights, revisionId: at.revisionId }
  return moveProvisioned(stored(found, at.name, next), at.name, { version, now: at.now })
}

/**
 * With its configurations and its policy. Its URL stays, as on AWS, and is forbidden to everybody.
 * What is not there is gone.
 */
export function deleteAlias(
  document: FunctionDocument,
  name: string,
  now: number,
): FunctionDocument {
  if (!aliasOf(document, name)) return document
  const { [name]: _alias, ...aliases } = document.aliases ?? {}
  const { [name]: _policy, ...policies } = document.policies ?? {}
  const rest = unprovision(document, name, now)
  const scaling = rest.scaling?.filter(({ qualifier }) => qualifier !== name)
  return withoutEventInvoke({ ...rest, aliases, policies, ...(scaling && { scaling }) }, name)
}

/** @throws ServiceError when there is none. */
export function requireAlias(document: FunctionDocument | undefined, at: AliasAddress): Alias {
  const found = document && aliasOf(document, at.name)
  if (found) return found
  throw absent(`Cannot find alias arn: ${arnOf(at)}`)
}

/** By name. */
export function listAliases({ aliases = {} }: FunctionDocument): [string, Alias][] {
  return Object.entries(aliases).sort(([one], [other]) => (one < other ? -1 : 1))
}

/** Whether an alias sends invocations to a version. */
export const pointsTo = ({ version, weights = {} }: Alias, number: string): boolean =>
  version === number || Object.hasOwn(weights, number)

/**
 * For DeleteFunction. @throws ServiceError for `$LATEST`, even of a function that is not there; for
 * whatever may name an alias, and for a version that one points to.
 */
export function requireDeletable(document: FunctionDocument | undefined, qualifier: string): void {
  if (qualifier === LATEST) {
    throw invalid('$LATEST version cannot be deleted without deleting the function.')
  }
  if (!document) return
  if (!VERSION.test(qualifier)) {
    throw invalid('Deletion of aliases is not currently supported.')
  }
  const names = listAliases(document).flatMap(([name, alias]) =>
    pointsTo(alias, qualifier) ? [name] : [],
  )
  if (names.length === 0) return
  throw new ServiceError(
    'ResourceConflictException',
    'Unable to delete version because the following aliases reference it: ' +
      `[${names.join(', ')}]`,
  )
}

/** The revision that stands for a qualifier: an alias has one of its own. */
export function revisionOf(document: FunctionDocument, qualifier?: string): string | undefined {
  return (aliasOf(document, qualifier) ?? versionOf(document, qualifier))?.revisionId
}

function requireTargets(
  document: FunctionDocument | undefined,
  { version, weights = {} }: { version: string; weights?: AliasWish['weights'] | undefined },
  { place, functionName }: AliasAddress,
): FunctionDocument {
  const others = Object.keys(weights)
  if (others.length > WEIGHTS_MAX) {
    throw invalid('Number of items in AdditionalVersionWeights cannot be greater than 1')
  }
  for (const number of [version, ...others]) {
    if (document && versionOf(document, number)) continue
    throw absent(`Function not found: ${functionArn(place, functionName, number)}`)
  }
  if (others.length > 0 && version === LATEST) {
    throw invalid('$LATEST is not supported for an alias pointing to more than 1 version', true)
  }
  if (others.includes(version)) {
    throw invalid(
      `Invalid function version ${version}. ` +
        `Function version ${version} is already included in routing configuration.`,
    )
  }
  return document as FunctionDocument
}

function stored(
  document: FunctionDocument,
  name: string,
  { weights, ...alias }: Omit<Alias, 'weights'> & { weights: Alias['weights'] | undefined },
): FunctionDocument {
  const isShared = weights !== undefined && Object.keys(weights).length > 0
  const next: Alias = { ...alias, ...(isShared && { weights }) }
  return { ...document, aliases: { ...document.aliases, [name]: next } }
}

const arnOf = ({ place, functionName, name }: AliasAddress) =>
  functionArn(place, functionName, name)
const absent = (message: string) => new ServiceError('ResourceNotFoundException', message)
const invalid = (message: string, untyped = false) =>
  new ServiceError('InvalidParameterValueException', message, { untyped })
const staleAlias = () =>
  new ServiceError(
    'PreconditionFailedException',
    'The Revision Id provided does not match the latest Revision Id. ' +
      'Call the GetFunction/GetAlias API to retrieve the latest Revision Id',
  )
