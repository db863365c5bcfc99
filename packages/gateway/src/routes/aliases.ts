// Routes of aliases: names of a function's versions, with weights between two of them. The laws are
// in core/alias; what an alias has of its own (URL, policy, configurations) is the others' affair.

import { randomUUID } from 'node:crypto'
import type * as Aws from '@aws-sdk/client-lambda'
import {
  type Alias,
  type AliasWish,
  createAlias as createOne,
  deleteAlias as deleteOne,
  listAliases as listAll,
  pointsTo,
  requireAlias,
  updateAlias as updateOne,
} from '@hearth/core/alias'
import { functionArn, parseFunctionName } from '@hearth/core/arn'
import { findLatest, makeMarker, notFound, readMarker } from './functions.ts'
import type { Caller, Route } from './route.ts'

interface Named {
  FunctionName: string | undefined
  Name: string | undefined
}

const PAGE_MAX = 50

export const createAlias: Route<Aws.CreateAliasCommandInput, Aws.AliasConfiguration> = async (
  input,
  caller,
  parts,
) => {
  const at = addressOf(input, caller)
  const wish = { ...wishOf(input), version: input.FunctionVersion ?? '' }
  const change = { ...at, revisionId: randomUUID() }
  const changed = await parts.functions.change(at.account, at.functionName, (document) =>
    createOne(document, wish, change),
  )
  return view(requireAlias(changed, at), at.name, at)
}

export const getAlias: Route<Aws.GetAliasCommandInput, Aws.AliasConfiguration> = (
  input,
  caller,
  parts,
) => {
  const at = addressOf(input, caller)
  return view(requireAlias(parts.functions.cached(at.account, at.functionName), at), at.name, at)
}

export const updateAlias: Route<Aws.UpdateAliasCommandInput, Aws.AliasConfiguration> = async (
  input,
  caller,
  parts,
) => {
  const at = addressOf(input, caller)
  const expected = input.RevisionId
  const changed = await parts.functions.change(at.account, at.functionName, (document) =>
    updateOne(document, wishOf(input), {
      ...at,
      expected,
      revisionId: randomUUID(),
      now: Date.now(),
    }),
  )
  return view(requireAlias(changed, at), at.name, at)
}

export const deleteAlias: Route<Aws.DeleteAliasCommandInput, object> = async (
  input,
  caller,
  parts,
) => {
  const { account, functionName, name, place } = addressOf(input, caller)
  await parts.functions.change(account, functionName, (document) => {
    if (!document) throw notFound(functionArn(place, functionName))
    return deleteOne(document, name, Date.now())
  })
  return {}
}

export const listAliases: Route<Aws.ListAliasesCommandInput, Aws.ListAliasesResponse> = (
  input,
  caller,
  parts,
) => {
  const document = findLatest(input, caller, parts)
  const { FunctionVersion: version, Marker: marker } = input
  const size = Math.min(input.MaxItems ?? PAGE_MAX, PAGE_MAX)
  const from = marker === undefined ? '' : readMarker(marker)
  const rest = listAll(document).filter(
    ([name, alias]) => name >= from && (version === undefined || pointsTo(alias, version)),
  )
  const next = rest[size]
  const of = { place: caller.place, functionName: document.name }
  return {
    Aliases: rest.slice(0, size).map(([name, alias]) => view(alias, name, of)),
    ...(next && { NextMarker: makeMarker(next[0]) }),
  }
}

function addressOf(input: Named, { place }: Caller) {
  const { account, name } = parseFunctionName(input.FunctionName ?? '', undefined, place)
  return { account, place, functionName: name, name: input.Name ?? '' }
}

function wishOf(input: Omit<Aws.UpdateAliasCommandInput, 'FunctionName' | 'Name'>): AliasWish {
  const { FunctionVersion: version, Description: description, RoutingConfig } = input
  return {
    ...(version !== undefined && { version }),
    ...(description !== undefined && { description }),
    ...(RoutingConfig && { weights: RoutingConfig.AdditionalVersionWeights ?? {} }),
  }
}

function view(
  { version, description, revisionId, weights }: Alias,
  name: string,
  { place, functionName }: Pick<ReturnType<typeof addressOf>, 'functionName' | 'place'>,
): Aws.AliasConfiguration {
  return {
    AliasArn: functionArn(place, functionName, name),
    Name: name,
    FunctionVersion: version,
    Description: description,
    ...(weights && { RoutingConfig: { AdditionalVersionWeights: { ...weights } } }),
    RevisionId: revisionId,
  }
}
