// Layers: numbered packages that functions find under /opt, the laws of their versions, and which
// of them a function may have together. A version never changes; its number is never used again,
// and who uses one that was deleted keeps it, because a function remembers what it is made of.

import type { Place } from './arn.ts'
import { ServiceError } from './error.ts'
import type { Architecture, Code } from './function.ts'
import type { LayerPolicy } from './layer-policy.ts'

export interface LayerVersion {
  version: number
  description: string
  code: Code
  runtimes: string[]
  architectures: Architecture[]
  license?: string
  /** Milliseconds since the epoch. */
  createdAt: number
  policy?: LayerPolicy
}

/** Everything remembered of one layer: a single record, which stays when its versions are gone. */
export interface LayerDocument {
  account: string
  name: string
  /** Oldest first. */
  versions: LayerVersion[]
  lastVersionNumber: number
}

/** A layer as a function has it. */
export interface UsedLayer {
  arn: string
  code: Code
}

/** Which versions a list is of; each is left out when it does not matter. */
export interface LayerFilter {
  runtime?: string
  architecture?: string
}

export interface LayerName {
  account: string
  name: string
}

export const LAYERS_MAX = 5
/** What a function and its layers may take together once they are unpacked, in bytes. */
export const UNPACKED_BYTES_MAX = 262_144_000
/** AWS's model takes any partition. */
const LAYER_ARN = /^arn:[a-zA-Z0-9-]+:lambda:([^:]+):(\d{12}):layer:([^:]+)(?::(\d+))?$/

const invalid = (message: string) => new ServiceError('InvalidParameterValueException', message)

export const layerArn = ({ region }: Place, { account, name }: LayerName): string =>
  `arn:aws:lambda:${region}:${account}:layer:${name}`

export const layerVersionArn = (place: Place, layer: LayerName, version: number | string): string =>
  `${layerArn(place, layer)}:${version}`

/** Reads a name or an ARN. @throws ServiceError for another region or account. */
export function parseLayerName(value: string, place: Place): LayerName {
  const [, region = place.region, account = place.account, name = value] =
    LAYER_ARN.exec(value) ?? []
  if (region !== place.region) {
    throw new ServiceError(
      'ResourceNotFoundException',
      `Layers from '${region}' are not reachable in this region ('${place.region}')`,
    )
  }
  if (account !== place.account) {
    throw new ServiceError('AccessDeniedException', `Account ${account} is not served here.`)
  }
  return { account, name }
}

/** The layer of an ARN that names a version, and its number. */
export function parseLayerVersionArn(
  arn: string,
): (LayerName & { region: string; version: number }) | undefined {
  const [, region, account, name, version] = LAYER_ARN.exec(arn) ?? []
  if (!region || !account || !name || !version) return undefined
  return { region, account, name, version: Number(version) }
}

/** @throws ServiceError for what is no version's number. */
export function requireVersionNumber(version: number | undefined): number {
  if (version === undefined || !Number.isInteger(version) || version < 1) {
    throw invalid('Layer Version Cannot be less than 1')
  }
  return version
}

/** The layer, new or not, with one more version. */
export function publishLayer(
  layer: LayerName,
  document: LayerDocument | undefined,
  wish: Omit<LayerVersion, 'version'>,
): { document: LayerDocument; version: LayerVersion } {
  const { versions = [], lastVersionNumber = 0 } = document ?? {}
  const version = { ...wish, version: lastVersionNumber + 1 }
  return {
    version,
    document: {
      account: layer.account,
      name: layer.name,
      versions: [...versions, version],
      lastVersionNumber: version.version,
    },
  }
}

export function layerVersionOf(
  document: LayerDocument | undefined,
  version: number,
): LayerVersion | undefined {
  return document?.versions.find((one) => one.version === version)
}

/** The layer without that version; the same one when it has none. */
export function deleteLayerVersion(document: LayerDocument, version: number): LayerDocument {
  if (!layerVersionOf(document, version)) return document
  return { ...document, versions: document.versions.filter((one) => one.version !== version) }
}

/** Versions that say they are for it, newest first. */
export function matchingVersions(
  document: LayerDocument | undefined,
  { runtime, architecture }: LayerFilter,
): LayerVersion[] {
  const isFor = (version: LayerVersion) =>
    (runtime === undefined || version.runtimes.includes(runtime)) &&
    (architecture === undefined || version.architectures.some((one) => one === architecture))
  return (document?.versions ?? []).filter(isFor).reverse()
}

/**
 * The layers that a function asks for, in its order.
 * @throws ServiceError for too many, two of one layer, and what there is not.
 */
export function useLayers(
  arns: readonly string[],
  place: Place,
  find: (layer: LayerName) => LayerDocument | undefined,
): UsedLayer[] {
  if (arns.length > LAYERS_MAX) throw invalid(`Cannot reference more than ${LAYERS_MAX} layers.`)
  const seen = new Map<string, string>()
  return arns.map((arn) => {
    const used = useLayer(arn, place, find)
    const layer = arn.slice(0, arn.lastIndexOf(':'))
    const other = seen.get(layer)
    if (other !== undefined) {
      throw invalid(
        'Two different versions of the same layer are not allowed to be referenced in the same ' +
          `function. ${other} and ${arn} are versions of the same layer.`,
      )
    }
    seen.set(layer, arn)
    return used
  })
}

function useLayer(
  arn: string,
  place: Place,
  find: (layer: LayerName) => LayerDocument | undefined,
): UsedLayer {
  const named = parseLayerVersionArn(arn)
  if (named && named.region !== place.region) {
    throw invalid(
      'Layers are not in the same region as the function. ' +
        `Layers are expected to be in region ${place.region}.`,
    )
  }
  const isHere = named?.account === place.account
  const version = named && isHere ? layerVersionOf(find(named), named.version) : undefined
  if (!version) throw invalid(`Layer version ${arn} does not exist.`)
  return { arn, code: version.code }
}

/** @throws ServiceError when a function and its layers are too large together. */
export function requireRoom(unpackedBytes: number): void {
  if (unpackedBytes <= UNPACKED_BYTES_MAX) return
  throw invalid(
    `Function code combined with layers exceeds the maximum allowed size of ${UNPACKED_BYTES_MAX} ` +
      `bytes. The actual size is ${unpackedBytes} bytes.`,
  )
}
