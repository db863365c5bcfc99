// Checkpoints: how far each shard of a mapping is, and what a tumbling window has gathered there.
// Written by compare-and-set under the epoch of whoever owns the shard, so that one who lost it can
// no longer write. A reset begins new keys: positions from before it are out of everybody's reach.

import type { Bus } from '@hearth/bus/connect'
import { BUCKETS } from '@hearth/bus/messages'
import { openRecords, type Revised } from '@hearth/bus/records'
import type { EventSourceMapping } from '@hearth/core/event-source-mapping'

export interface Checkpoint {
  /** Read on after this; absent while nothing is done. */
  position?: string
  /** The owner's; a greater one has taken over. */
  epoch: number
  /** Whatever the owner keeps beside the position, such as a window's state. */
  state?: unknown
}

/** Which mapping; its `resets` say which of its positions count. */
export type CheckpointPlace = Pick<EventSourceMapping, 'resets' | 'uuid'>

export interface Checkpoints {
  /**
   * Takes a shard over: from now on nobody of a smaller epoch can advance it.
   * @returns where it is and the revision to advance from, or 'stale' when a greater epoch has it.
   */
  claim(
    place: CheckpointPlace,
    shard: string,
    epoch: number,
  ): Promise<Revised<Checkpoint> | 'stale'>
  /**
   * @param revision from the claim or the last advance.
   * @returns the revision to advance from next, or 'stale' when another has the shard.
   */
  advance(
    place: CheckpointPlace,
    shard: string,
    next: Checkpoint & { revision: number },
  ): Promise<number | 'stale'>
  /** By shard, from the cache. */
  list(place: CheckpointPlace): Map<string, Checkpoint>
  /** Those from before the last reset; or all, for a mapping that is gone. */
  sweep(place: CheckpointPlace, which: 'all' | 'former'): Promise<void>
  close(): void
}

const BYTES_MAX = 1024 * 1024 * 1024
const ATTEMPTS_MAX = 20

/** Shards are named by their sources, so their names are written in letters that keys may have. */
const keyOf = (place: CheckpointPlace, shard: string) =>
  `${prefixOf(place)}${Buffer.from(shard).toString('base64url')}`
const prefixOf = ({ uuid, resets }: CheckpointPlace) => `${uuid}.${resets}.`
const shardOf = (key: string) =>
  Buffer.from(key.slice(key.lastIndexOf('.') + 1), 'base64url').toString()

export async function openCheckpoints(bus: Bus): Promise<Checkpoints> {
  const records = await openRecords<Checkpoint>(bus, {
    bucket: BUCKETS.checkpoints,
    bytesMax: BYTES_MAX,
  })
  return {
    async claim(place, shard, epoch) {
      const key = keyOf(place, shard)
      for (let count = 0; count < ATTEMPTS_MAX; count += 1) {
        const found = await records.get(key)
        if (found && found.value.epoch > epoch) return 'stale'
        const value = { ...found?.value, epoch }
        const revision = found
          ? await records.update(key, value, found.revision)
          : await records.create(key, value)
        if (typeof revision === 'number') return { value, revision }
      }
      return 'stale'
    },

    advance(place, shard, { revision, ...checkpoint }) {
      return records.update(keyOf(place, shard), checkpoint, revision)
    },

    list(place) {
      const keys = records.keys(prefixOf(place))
      return new Map(
        keys.flatMap((key) => {
          const found = records.cached(key)
          return found ? [[shardOf(key), found.value] as const] : []
        }),
      )
    },

    async sweep(place, which) {
      const current = prefixOf(place)
      for (const key of await records.freshKeys()) {
        if (!key.startsWith(`${place.uuid}.`)) continue
        if (which === 'former' && key.startsWith(current)) continue
        const found = await records.get(key)
        if (found) await records.delete(key, found.revision)
      }
    },

    close: records.close,
  }
}
