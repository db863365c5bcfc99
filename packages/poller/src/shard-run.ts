// One shard in the hands of its owner: read from its checkpoint on, filtered, dealt out to lanes by
// key, and its checkpoint moved over what is wholly done. It never reads further ahead than its
// lanes can soon work off, and it ends as soon as another has taken the shard over.

import { setTimeout as sleep } from 'node:timers/promises'
import type { CheckpointPlace, Checkpoints } from '@hearth/store/checkpoints'
import { type BatchParts, workBatch } from './batch-work.ts'
import { againMs, BATCH_BYTES_MAX } from './batching.ts'
import { SOURCE_FAILED } from './mapping-progress.ts'
import { openShardCheckpoint, type ShardCheckpoint } from './shard-checkpoint.ts'
import { createLane, type Lane, type LaneStep, type Taken } from './shard-lane.ts'
import type { Grant } from './shares.ts'
import type { Position, ShardRead, StreamRecord } from './sources/source.ts'
import { openWatermark, type Watermark } from './watermark.ts'
import { openWindow, type WindowKeeper } from './window-keeper.ts'

export interface ShardParts extends Omit<BatchParts, 'shard'> {
  checkpoints: Checkpoints
  place: CheckpointPlace
  /** Whether a record is for the function; what is not is passed over. */
  passes(filtered: Record<string, unknown>): boolean
}

export interface ShardRun {
  shard: string
  /** Where reading begins when nothing is done yet. */
  start: Position
  grant: Grant
  signal: AbortSignal
}

const READ_WAIT_MS = 1_000
const READ_MAX = 10_000
/** Records that are read ahead of the lanes, at least. */
const AHEAD_MIN = 1_000

/** Runs until all of the shard is done, the grant is lost, or the signal aborts. */
export async function runShard(parts: ShardParts, run: ShardRun): Promise<void> {
  const { source, checkpoints, place } = parts
  const { shard, grant, signal } = run
  const failure = new AbortController()
  let broken: unknown
  const stop = AbortSignal.any([signal, grant.lost, failure.signal])
  const checkpoint = await openShardCheckpoint({
    ...{ checkpoints, place, shard, epoch: grant.epoch },
    onStale: () => failure.abort(),
    onWritten: async (position) => source.commit?.(shard, position),
  })
  if (checkpoint === 'stale' || checkpoint.mark().ended) return
  const desk = openDesk(parts, shard, checkpoint)
  const lanes = desk.lanes.map((lane) =>
    lane.run(stop).catch((error) => {
      broken = error
      failure.abort()
    }),
  )
  try {
    const hasEnded = await readAll(parts, { ...run, stop, desk, checkpoint })
    for (const lane of desk.lanes) lane.finish()
    await Promise.all(lanes)
    const isDone = hasEnded && !stop.aborted && desk.watermark.waiting() === 0
    if (isDone) checkpoint.move({ ...checkpoint.mark(), ended: true })
  } finally {
    failure.abort()
    parts.progress.lag({}, shard)
    await Promise.all(lanes)
    await checkpoint.close()
  }
  if (broken !== undefined) throw broken
}

interface Desk {
  lanes: Lane[]
  watermark: Watermark
  take(records: readonly StreamRecord[]): void
  /** Resolves once there is room for more. */
  room(stop: AbortSignal): Promise<void>
}

/** Where records are dealt out, and the mark of what is done is kept. */
function openDesk(parts: ShardParts, shard: string, checkpoint: ShardCheckpoint): Desk {
  const { mapping, progress } = parts
  const watermark = openWatermark()
  const windows = openWindow({ ...parts, shard }, checkpoint.mark().window)
  const laneCount = windows ? 1 : mapping.parallelizationFactor
  const aheadMax = Math.max(AHEAD_MIN, mapping.batchSize * laneCount * 2)
  const bytesMax = BATCH_BYTES_MAX * (laneCount + 1)
  const hall = openRoom({ records: aheadMax, bytes: bytesMax })
  const moved = () => {
    const position = watermark.reached() ?? checkpoint.mark().position
    const window = windows?.open()
    checkpoint.move({
      ...(position !== undefined && { position }),
      ...(window && { window }),
    })
  }
  const work = workOf({ ...parts, shard }, windows, moved)
  const lanes = Array.from({ length: laneCount }, () =>
    createLane({ mapping, openWindow: () => windows?.open(), work }),
  )
  const takenOf = (record: StreamRecord): Taken => {
    const done = watermark.take(record.position)
    hall.enter(record.size)
    return {
      ...record,
      done() {
        done()
        moved()
        hall.leave(record.size)
      },
    }
  }
  return {
    lanes,
    watermark,
    take(records) {
      const dealt = lanes.map((): Taken[] => [])
      for (const record of records) {
        const taken = takenOf(record)
        if (parts.passes(record.filtered)) dealt[laneOf(record.key, laneCount)]?.push(taken)
        else {
          progress.count('filteredOut', 1)
          taken.done()
        }
      }
      for (const [index, lane] of lanes.entries()) lane.push(dealt[index] ?? [])
    },
    room: hall.wait,
  }
}

/** How much may be read ahead, and the wait for a place. */
function openRoom(max: { records: number; bytes: number }) {
  let [held, bytes] = [0, 0]
  let makeRoom = () => {}
  const isRoomy = () => held < max.records && bytes < max.bytes
  return {
    enter(size: number) {
      held += 1
      bytes += size
    },
    leave(size: number) {
      held -= 1
      bytes -= size
      if (isRoomy()) makeRoom()
    },
    async wait(stop: AbortSignal) {
      while (!isRoomy() && !stop.aborted) {
        await new Promise<void>((resolve) => {
          makeRoom = () => {
            stop.removeEventListener('abort', makeRoom)
            resolve()
          }
          stop.addEventListener('abort', makeRoom)
        })
      }
    },
  }
}

function workOf(
  parts: BatchParts,
  windows: WindowKeeper | undefined,
  moved: () => void,
): (step: LaneStep, stop: AbortSignal) => Promise<void> {
  return async (step, stop) => {
    if (windows) return windows.work(step, stop, moved)
    if (step.kind !== 'batch') return
    const { records } = step
    await workBatch(parts, { records, stop, extra: () => ({}), answered: () => {} })
  }
}

interface Reading extends ShardRun {
  stop: AbortSignal
  desk: Desk
  checkpoint: ShardCheckpoint
}

/** @returns whether the shard was read to its end. */
async function readAll(parts: ShardParts, reading: Reading): Promise<boolean> {
  const { source, progress } = parts
  const { shard, start, stop, desk, checkpoint } = reading
  const { position } = checkpoint.mark()
  let from: Position = position === undefined ? start : { after: position }
  let failures = 0
  for (;;) {
    await desk.room(stop)
    if (stop.aborted) return false
    const askedAt = Date.now()
    try {
      const read = await source.read(shard, from, {
        ...{ max: READ_MAX, waitMs: READ_WAIT_MS, signal: stop },
      })
      failures = 0
      const last = read.records.at(-1)
      progress.count('received', read.records.length)
      tellLag(progress, shard, read)
      desk.take(read.records)
      if (last) from = { after: last.position }
      else if (!read.behindMs) for (const lane of desk.lanes) lane.caughtUp(askedAt)
      if (read.ended) return true
    } catch (error) {
      if (stop.aborted) return false
      failures += 1
      progress.result(SOURCE_FAILED)
      console.error(`mapping ${parts.mapping.uuid} could not read ${shard}: ${error}`)
      await sleep(againMs(failures, Math.random()), undefined, { signal: stop }).catch(() => {})
    }
  }
}

/** A source that cannot say at one time may have said so at another. */
function tellLag(progress: BatchParts['progress'], shard: string, read: ShardRead): void {
  const { behindMs, behindRecords: records } = read
  if (behindMs === undefined && records === undefined) return
  const time = behindMs === undefined ? {} : { behindMs }
  progress.lag({ ...time, ...(records !== undefined && { records }) }, shard)
}

/** Which lane works for a key: always the same one. */
export function laneOf(key: string, count: number): number {
  let hash = 2_166_136_261
  for (let at = 0; at < key.length; at += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(at), 16_777_619)
  }
  return (hash >>> 0) % count
}
