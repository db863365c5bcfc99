// Routes of layers: publish, read, list and delete versions. Each reads the wish, asks the law in
// core/layer, lets the store write, and shows the result. Their policies have a file of their own.

import type * as Aws from '@aws-sdk/client-lambda'
import { ServiceError } from '@hearth/core/error'
import {
  deleteLayerVersion as deleteVersion,
  type LayerFilter,
  type LayerName,
  type LayerVersion,
  layerArn,
  layerVersionOf,
  matchingVersions,
  parseLayerName,
  parseLayerVersionArn,
  publishLayer,
  requireVersionNumber,
} from '@hearth/core/layer'
import { storeCode } from '../code-wish.ts'
import { viewLayerVersion, viewListed } from '../layer-view.ts'
import { makeMarker, readMarker } from './functions.ts'
import type { Caller, Parts, Route } from './route.ts'

/** AWS returns at most this many layers or versions a page. */
const PAGE_MAX = 50

interface Filter {
  CompatibleRuntime?: string | undefined
  CompatibleArchitecture?: string | undefined
}

export const publishLayerVersion: Route<
  Aws.PublishLayerVersionCommandInput,
  Aws.PublishLayerVersionResponse
> = async (input, caller, parts) => {
  const layer = parseLayerName(input.LayerName ?? '', caller.place)
  const wish = {
    code: await storeCode(input.Content, parts, 'layer content'),
    description: input.Description ?? '',
    runtimes: input.CompatibleRuntimes ?? [],
    architectures: input.CompatibleArchitectures ?? [],
    ...(input.LicenseInfo && { license: input.LicenseInfo }),
    createdAt: Date.now(),
  }
  let published: LayerVersion | undefined
  await parts.layers.change(layer, (found) => {
    const { document, version } = publishLayer(layer, found, wish)
    published = version
    return document
  })
  if (!published) throw new Error(`${layer.name} was published and has no version`)
  return viewLayerVersion(published, { layer, caller, parts })
}

export const getLayerVersion: Route<
  Aws.GetLayerVersionCommandInput,
  Aws.GetLayerVersionResponse
> = (input, caller, parts) => {
  const number = requireVersionNumber(input.VersionNumber)
  const layer = parseLayerName(input.LayerName ?? '', caller.place)
  return show(layer, number, { caller, parts })
}

export const getLayerVersionByArn: Route<
  Aws.GetLayerVersionByArnCommandInput,
  Aws.GetLayerVersionResponse
> = (input, caller, parts) => {
  const arn = input.Arn ?? ''
  const version = parseLayerVersionArn(arn)?.version
  // One of AWS's own layers has no number, and is not here.
  if (version === undefined) throw notFound()
  return show(parseLayerName(arn, caller.place), version, { caller, parts })
}

export const deleteLayerVersion: Route<Aws.DeleteLayerVersionCommandInput, object> = async (
  input,
  caller,
  parts,
) => {
  const number = requireVersionNumber(input.VersionNumber)
  const layer = parseLayerName(input.LayerName ?? '', caller.place)
  await parts.layers.change(layer, (document) => document && deleteVersion(document, number))
  return {}
}

export const listLayers: Route<Aws.ListLayersCommandInput, Aws.ListLayersResponse> = (
  input,
  caller,
  parts,
) => {
  const after = input.Marker === undefined ? '' : readMarker(input.Marker)
  const size = Math.min(input.MaxItems ?? PAGE_MAX, PAGE_MAX)
  const found = parts.layers.list(caller.place.account).flatMap((layer) => {
    const [newest] = layer.name > after ? matchingVersions(layer, filterOf(input)) : []
    return newest ? [{ layer, newest }] : []
  })
  const page = found.slice(0, size)
  const last = page.at(-1)
  return {
    Layers: page.map(({ layer, newest }) => ({
      LayerName: layer.name,
      LayerArn: layerArn(caller.place, layer),
      LatestMatchingVersion: viewListed(newest, layer, caller),
    })),
    ...(found.length > size && last && { NextMarker: makeMarker(last.layer.name) }),
  }
}

export const listLayerVersions: Route<
  Aws.ListLayerVersionsCommandInput,
  Aws.ListLayerVersionsResponse
> = (input, caller, parts) => {
  const layer = parseLayerName(input.LayerName ?? '', caller.place)
  const size = Math.min(input.MaxItems ?? PAGE_MAX, PAGE_MAX)
  const before = input.Marker === undefined ? Infinity : Number(readMarker(input.Marker))
  const versions = matchingVersions(parts.layers.cached(layer), filterOf(input))
  const rest = versions.filter(({ version }) => version < before)
  const page = rest.slice(0, size)
  const last = page.at(-1)
  return {
    LayerVersions: page.map((version) => viewListed(version, layer, caller)),
    ...(rest.length > size && last && { NextMarker: makeMarker(String(last.version)) }),
  }
}

function show(
  layer: LayerName,
  number: number,
  { caller, parts }: { caller: Caller; parts: Parts },
): Aws.GetLayerVersionResponse {
  const version = layerVersionOf(parts.layers.cached(layer), number)
  if (!version) throw notFound()
  return viewLayerVersion(version, { layer, caller, parts })
}

function filterOf({ CompatibleRuntime, CompatibleArchitecture }: Filter): LayerFilter {
  return {
    ...(CompatibleRuntime !== undefined && { runtime: CompatibleRuntime }),
    ...(CompatibleArchitecture !== undefined && { architecture: CompatibleArchitecture }),
  }
}

const notFound = () =>
  new ServiceError('ResourceNotFoundException', 'The resource you requested does not exist.')
