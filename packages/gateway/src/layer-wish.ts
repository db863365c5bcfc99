// The layers that a caller wishes a function to have: each must be there, and all must fit together
// with the code.

import type { Code, Configuration } from '@hearth/core/function'
import { requireRoom, type UsedLayer, useLayers } from '@hearth/core/layer'
import type { Caller, Parts } from './routes/route.ts'

/** Undefined when the wish is silent. @throws ServiceError for what AWS refuses. */
export function wishedLayers(
  arns: readonly string[] | undefined,
  { place }: Pick<Caller, 'place'>,
  { layers }: Pick<Parts, 'layers'>,
): UsedLayer[] | undefined {
  return arns && useLayers(arns, place, layers.cached)
}

/** None takes them away; a wish that is silent leaves them. */
export function withLayers(
  configuration: Configuration,
  layers: UsedLayer[] | undefined,
): Configuration {
  if (!layers) return configuration
  const { layers: _, ...bare } = configuration
  return layers.length > 0 ? { ...bare, layers } : bare
}

/** @throws ServiceError when they are too large together once they are unpacked. */
export async function requireFit(
  { artifacts }: Pick<Parts, 'artifacts'>,
  code: Code,
  layers: readonly UsedLayer[] = [],
): Promise<void> {
  if (layers.length === 0) return
  const hashes = [code, ...layers.map((layer) => layer.code)].map(({ sha256 }) => sha256)
  requireRoom(await artifacts.unpackedBytes(hashes))
}
