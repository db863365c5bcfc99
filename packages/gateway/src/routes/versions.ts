// Routes of published versions: publish $LATEST, and list what there is. A version is part of its
// function's document and changes with it; what an update publishes is routes/functions' affair.

import { randomUUID } from 'node:crypto'
import type * as Aws from '@aws-sdk/client-lambda'
import { functionArn, parseFunctionName } from '@hearth/core/arn'
import {
  publishVersion as publishDocument,
  requireCode,
  requireRevision,
  requireSettled,
} from '@hearth/core/function'
import { viewListed, viewSha256, viewVersion } from '../function-view.ts'
import { requireObeyable } from '../function-wish.ts'
import { findLatest, makeMarker, notFound, readMarker } from './functions.ts'
import type { Route } from './route.ts'

/** AWS returns at most this many versions a page. */
const PAGE_MAX = 50

export const publishVersion: Route<
  Aws.PublishVersionCommandInput,
  Aws.FunctionConfiguration
> = async (input, caller, parts) => {
  const { account, name } = parseFunctionName(input.FunctionName ?? '', undefined, caller.place)
  const { place } = caller
  requireObeyable(input)
  const [revisionId, latestRevisionId] = [randomUUID(), randomUUID()]
  const changed = await parts.functions.change(account, name, (document) => {
    if (!document) throw notFound(functionArn(place, name))
    requireSettled(document, place)
    requireCode(input.CodeSha256, viewSha256(document.latest))
    requireRevision(document.latest, input.RevisionId)
    const description = input.Description
    return publishDocument(document, {
      revisionId,
      latestRevisionId,
      ...(description !== undefined && { description }),
    }).document
  })
  parts.settlement.soon(account, name)
  const newest = changed.published.at(-1)
  if (!newest) throw new Error(`${name} was published and has no version`)
  return viewVersion(newest, name, { place, qualified: true })
}

export const listVersionsByFunction: Route<
  Aws.ListVersionsByFunctionCommandInput,
  Aws.ListVersionsByFunctionResponse
> = (input, caller, parts) => {
  const { name, latest, published } = findLatest(input, caller, parts)
  const size = Math.min(input.MaxItems ?? PAGE_MAX, PAGE_MAX)
  const first = input.Marker === undefined ? 0 : Number(readMarker(input.Marker))
  // A page begins with the version after the marker's, whatever was deleted meanwhile.
  const rest = [latest, ...published].filter((one) => (Number(one.version) || 0) >= first)
  const page = rest.slice(0, size)
  const next = rest[size]
  return {
    Versions: page.map((one) => viewListed(one, name, { place: caller.place, qualified: true })),
    ...(next && { NextMarker: makeMarker(next.version) }),
  }
}
