// Routes of concurrency: the reserve of a function, environments that are initialised ahead, and
// the account's limits. The laws are in core/concurrency; that what was asked for also runs is the
// schedulers' affair, and their heartbeats say how far they are.

import type * as Aws from '@aws-sdk/client-lambda'
import { functionArn, parseFunctionName } from '@hearth/core/arn'
import {
  provision,
  provisionedUnder,
  reserve,
  UNPUBLISHED,
  unprovision,
  unreserve,
  unreserved,
} from '@hearth/core/concurrency'
import { ServiceError } from '@hearth/core/error'
import { aliasOf, type FunctionDocument, versionOf } from '@hearth/core/function'
import { viewProvisioned } from '../provisioned-view.ts'
import { findLatest, makeMarker, type Named, notFound, readMarker } from './functions.ts'
import type { Caller, Parts, Route } from './route.ts'

/** Lambda quotas: code in all, code unzipped, code zipped; in bytes. */
const CODE_BYTES_MAX = { all: 80_530_636_800, unzipped: 262_144_000, zipped: 52_428_800 }
const PAGE_MAX = 50
const DELETED = { StatusCode: 204 }

export const putFunctionConcurrency: Route<
  Aws.PutFunctionConcurrencyCommandInput,
  Aws.Concurrency
> = async (input, caller, parts) => {
  const { account, name } = unqualified(input, caller)
  const count = input.ReservedConcurrentExecutions ?? 0
  await parts.functions.change(account, name, (document) => {
    // AWS says of which version, although a reserve has none.
    if (!document) throw notFound(functionArn(caller.place, name, '$LATEST'))
    return reserve(document, count, accountOf(caller, parts))
  })
  return { ReservedConcurrentExecutions: count }
}

export const getFunctionConcurrency: Route<
  Aws.GetFunctionConcurrencyCommandInput,
  Aws.GetFunctionConcurrencyResponse
> = (input, caller, parts) => {
  const { account, name } = parseFunctionName(input.FunctionName ?? '', undefined, caller.place)
  const document = existing(parts.functions.cached(account, name), name, caller)
  const reserved = document.concurrency?.reserved
  return reserved === undefined ? {} : { ReservedConcurrentExecutions: reserved }
}

export const deleteFunctionConcurrency: Route<
  Aws.DeleteFunctionConcurrencyCommandInput,
  object
> = async (input, caller, parts) => {
  const { account, name } = unqualified(input, caller)
  await parts.functions.change(account, name, (document) =>
    unreserve(existing(document, name, caller), Date.now()),
  )
  return DELETED
}

export const putProvisionedConcurrencyConfig: Route<
  Aws.PutProvisionedConcurrencyConfigCommandInput,
  Aws.PutProvisionedConcurrencyConfigResponse
> = async (input, caller, parts) => {
  const { account, name, qualifier } = published(input, caller, parts, UNPUBLISHED)
  const requested = input.ProvisionedConcurrentExecutions ?? 0
  const changed = await parts.functions.change(account, name, (found) => {
    const document = existing(found, name, caller)
    const alias = aliasOf(document, qualifier)
    const target = alias ? { version: alias.version, alias: qualifier } : { version: qualifier }
    return provision(document, { ...target, requested }, accountOf(caller, parts))
  })
  return viewOf(changed, qualifier, parts)
}

export const getProvisionedConcurrencyConfig: Route<
  Aws.GetProvisionedConcurrencyConfigCommandInput,
  Aws.GetProvisionedConcurrencyConfigResponse
> = (input, caller, parts) => {
  const { account, name, qualifier } = published(input, caller, parts, NOT_PUBLISHED)
  return viewOf(existing(parts.functions.cached(account, name), name, caller), qualifier, parts)
}

export const deleteProvisionedConcurrencyConfig: Route<
  Aws.DeleteProvisionedConcurrencyConfigCommandInput,
  object
> = async (input, caller, parts) => {
  const { account, name, qualifier } = published(input, caller, parts, NOT_PUBLISHED)
  await parts.functions.change(account, name, (document) =>
    unprovision(existing(document, name, caller), qualifier, Date.now()),
  )
  return DELETED
}

export const listProvisionedConcurrencyConfigs: Route<
  Aws.ListProvisionedConcurrencyConfigsCommandInput,
  Aws.ListProvisionedConcurrencyConfigsResponse
> = (input, caller, parts) => {
  const document = findLatest(input, caller, parts)
  const size = Math.min(input.MaxItems ?? PAGE_MAX, PAGE_MAX)
  const first = input.Marker === undefined ? 0 : Number(readMarker(input.Marker))
  const rest = (document.concurrency?.provisioned ?? [])
    .filter(({ version }) => Number(version) >= first)
    .sort((a, b) => Number(a.version) - Number(b.version))
  const next = rest[size]
  return {
    ProvisionedConcurrencyConfigs: rest.slice(0, size).map(({ alias, version }) => ({
      FunctionArn: functionArn(caller.place, document.name, alias ?? version),
      ...viewOf(document, alias ?? version, parts),
    })),
    ...(next && { NextMarker: makeMarker(next.version) }),
  }
}

export const getAccountSettings: Route<
  Aws.GetAccountSettingsCommandInput,
  Aws.GetAccountSettingsResponse
> = (_input, caller, parts) => {
  const { documents, limit } = accountOf(caller, parts)
  const layers = parts.layers.list(caller.place.account)
  const versions = [
    ...documents.flatMap(({ latest, published }) => [latest, ...published]),
    ...layers.flatMap((layer) => layer.versions),
  ]
  return {
    AccountLimit: {
      TotalCodeSize: CODE_BYTES_MAX.all,
      CodeSizeUnzipped: CODE_BYTES_MAX.unzipped,
      CodeSizeZipped: CODE_BYTES_MAX.zipped,
      ConcurrentExecutions: limit,
      UnreservedConcurrentExecutions: unreserved(documents, limit),
    },
    AccountUsage: {
      TotalCodeSize: versions.reduce((sum, { code }) => sum + code.size, 0),
      FunctionCount: documents.length,
    },
  }
}

/** The caller's account now, as the laws of concurrency want it. */
export const accountOf = ({ place }: Caller, { functions, limits }: Parts) => ({
  documents: functions.list(place.account),
  limit: limits.concurrency,
  now: Date.now(),
})

/** A reserve belongs to the function, never to one version of it. */
function unqualified(input: Named, caller: Caller) {
  const reference = parseFunctionName(input.FunctionName ?? '', undefined, caller.place)
  if (reference.qualifier === undefined) return reference
  throw new ServiceError(
    'InvalidParameterValueException',
    'This operation is permitted on Lambda functions only. Aliases and versions do not support ' +
      'this operation. Please specify either a function name or an unqualified function ARN.',
  )
}

const NOT_PUBLISHED = 'The function resource provided must be an alias or a published version.'

/** The published version or alias that is meant. @throws ServiceError in these words for $LATEST. */
function published(input: Named, caller: Caller, parts: Parts, words: string) {
  const { account, name, qualifier } = parseFunctionName(
    input.FunctionName ?? '',
    input.Qualifier,
    caller.place,
  )
  if (qualifier === undefined || qualifier === '$LATEST') {
    throw refusal(words)
  }
  const document = parts.functions.cached(account, name)
  if (document && versionOf(document, qualifier)) return { account, name, qualifier }
  const arn = functionArn(caller.place, name, qualifier)
  if (/^\d+$/.test(qualifier)) throw notFound(arn)
  throw new ServiceError('ResourceNotFoundException', `Cannot find alias arn: ${arn}`)
}

function existing(document: FunctionDocument | undefined, name: string, caller: Caller) {
  if (!document) throw notFound(functionArn(caller.place, name))
  return document
}

const refusal = (words: string) => new ServiceError('InvalidParameterValueException', words)

function viewOf(document: FunctionDocument, qualifier: string, parts: Parts) {
  const wish = provisionedUnder(document, qualifier)
  if (!wish) {
    throw new ServiceError(
      'ProvisionedConcurrencyConfigNotFoundException',
      'No Provisioned Concurrency Config found for this function',
    )
  }
  const shares = parts.schedulers
    .live()
    .flatMap(({ provisioned }) => provisioned ?? [])
    .filter(
      (share) =>
        share.account === document.account &&
        share.functionName === document.name &&
        share.version === wish.version,
    )
  return viewProvisioned(wish, shares)
}
