// The layers that exist: one record each with all its versions, changed only by compare-and-set,
// read from a watched cache. Laws of change live in core/layer; this file retries a change that
// lost a race, and nothing else.

import type { Bus } from '@hearth/bus/connect'
import { BUCKETS } from '@hearth/bus/messages'
import { openRecords } from '@hearth/bus/records'
import { ServiceError } from '@hearth/core/error'
import type { LayerDocument, LayerName } from '@hearth/core/layer'

export interface Layers {
  /** From the cache, without I/O. */
  cached(layer: LayerName): LayerDocument | undefined
  /** All of an account, by name, from the cache. */
  list(account: string): LayerDocument[]
  /** Those of every account, likewise. */
  all(): LayerDocument[]
  /**
   * Applies a change to the newest document, again and again until no other writer is in between.
   * @param change gets the document, or undefined when there is none; it may give nothing back, for
   * a layer that is not to be made, and may throw a refusal.
   */
  change(
    layer: LayerName,
    change: (document: LayerDocument | undefined) => LayerDocument | undefined,
  ): Promise<void>
  close(): void
}

const BYTES_MAX = 256 * 1024 * 1024
/** Races that one change may lose before we say that the layer is too busy. */
const ATTEMPTS_MAX = 20

const keyOf = ({ account, name }: LayerName) => `${account}.${name}`

export async function openLayers(bus: Bus): Promise<Layers> {
  const records = await openRecords<LayerDocument>(bus, {
    bucket: BUCKETS.layers,
    bytesMax: BYTES_MAX,
  })
  const valuesOf = (prefix: string) =>
    records.keys(prefix).flatMap((key) => records.cached(key)?.value ?? [])
  return {
    cached: (layer) => records.cached(keyOf(layer))?.value,
    list: (account) => valuesOf(`${account}.`),
    all: () => valuesOf(''),

    async change(layer, change) {
      const key = keyOf(layer)
      for (let count = 0; count < ATTEMPTS_MAX; count += 1) {
        const found = count === 0 ? records.cached(key) : await records.get(key)
        const next = change(found?.value)
        if (next === undefined || next === found?.value) return
        const written = found
          ? await records.update(key, next, found.revision)
          : await records.create(key, next)
        if (typeof written === 'number') return
      }
      throw new ServiceError(
        'ResourceConflictException',
        `The operation cannot be performed at this time. Too many updates are in progress for ${layer.name}.`,
      )
    },

    close: records.close,
  }
}
