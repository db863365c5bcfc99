// The checkpoint of one shard in the hands of its owner: claimed under the owner's epoch, moved by
// compare-and-set, and written a few times a second at most. Once another has taken the shard over
// nothing can be written any more, and the owner is told to stop.

import { setTimeout as sleep } from 'node:timers/promises'
import type { CheckpointPlace, Checkpoints } from '@hearth/store/checkpoints'
import type { WindowState } from './tumbling-window.ts'

/** What is kept beside the position. */
export interface ShardState {
  window?: WindowState
  /** The shard is closed and all of it is done, so that its children may be read. */
  ended?: true
}

export interface ShardMark extends ShardState {
  position?: string
}

export interface ShardCheckpoint {
  /** As it was when the shard was claimed, and as it was moved since. */
  mark(): ShardMark
  /** Written soon. */
  move(next: ShardMark): void
  /** Writes what is not written yet, or gives up after a while. */
  close(): Promise<void>
}

export interface ShardCheckpointParts {
  checkpoints: Checkpoints
  place: CheckpointPlace
  shard: string
  epoch: number
  /** Another has the shard. */
  onStale(): void
  /** After each write of a position. */
  onWritten?(position: string): Promise<void>
}

const WRITE_EVERY_MS = 250
const CLOSE_ATTEMPTS = 8

export async function openShardCheckpoint(
  parts: ShardCheckpointParts,
): Promise<ShardCheckpoint | 'stale'> {
  const { checkpoints, place, shard, epoch, onStale } = parts
  const claimed = await checkpoints.claim(place, shard, epoch)
  if (claimed === 'stale') return 'stale'
  let { revision } = claimed
  let mark = markOf(claimed.value)
  let [isDirty, isStale] = [false, false]
  let timer: NodeJS.Timeout | undefined
  let writing = Promise.resolve()
  const write = async () => {
    if (!isDirty || isStale) return
    isDirty = false
    const { position, ...state } = mark
    const next = { ...(position !== undefined && { position }), epoch, state, revision }
    try {
      const written = await checkpoints.advance(place, shard, next)
      if (written === 'stale') {
        isStale = true
        return onStale()
      }
      revision = written
      if (position !== undefined) await parts.onWritten?.(position).catch(() => {})
    } catch {
      isDirty = true
    }
  }
  const enqueue = () => {
    writing = writing.then(write)
    return writing
  }
  const later = () => {
    if (timer !== undefined || isStale) return
    timer = setTimeout(async () => {
      await enqueue()
      timer = undefined
      if (isDirty) later()
    }, WRITE_EVERY_MS)
  }
  return {
    mark: () => mark,
    move(next) {
      mark = next
      isDirty = true
      later()
    },
    async close() {
      clearTimeout(timer)
      // A timer that is set no more keeps its place, so that nothing is written after this.
      timer ??= setTimeout(() => {}, 0)
      for (let attempt = 1; attempt <= CLOSE_ATTEMPTS; attempt += 1) {
        await enqueue()
        if (!isDirty || isStale) return
        await sleep(WRITE_EVERY_MS)
      }
    },
  }
}

export function markOf({ position, state }: { position?: string; state?: unknown }): ShardMark {
  return { ...(position !== undefined && { position }), ...(state as ShardState | undefined) }
}
