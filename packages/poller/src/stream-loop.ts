// The loop of a mapping that reads a stream: finds its shards again and again, parents before their
// children, shares each out, and pins once and for all where reading begins. What becomes of one
// shard is in shard-run.ts. It keeps no position of its own: all of them are in checkpoints.

import { setTimeout as sleep } from 'node:timers/promises'
import type { EventSourceMapping } from '@hearth/core/event-source-mapping'
import type { CheckpointPlace, Checkpoints } from '@hearth/store/checkpoints'
import { againMs } from './batching.ts'
import { SOURCE_FAILED } from './mapping-progress.ts'
import { markOf } from './shard-checkpoint.ts'
import { runShard, type ShardParts } from './shard-run.ts'
import type { Grant, Shared, Shares } from './shares.ts'
import type { Position, Shard, StreamSource } from './sources/source.ts'

export interface StreamParts extends Omit<ShardParts, 'mapping' | 'place'> {
  /** Shares a shard among pollers, or keeps it by the right to the whole mapping. */
  shares: Pick<Shares, 'share'>
  /** Called once it is known where reading begins. */
  opened?(): Promise<void>
}

const DISCOVER_EVERY_MS = 5_000
const LOOK_MS = 250
/** No source names a shard so. */
const START_PLACE = '.start'

/** Runs until the signal aborts: then it takes nothing more, and lets finish what runs. */
export async function runStreamMapping(
  mapping: EventSourceMapping,
  parts: StreamParts,
  signal: AbortSignal,
): Promise<void> {
  const { source, checkpoints, shares, progress } = parts
  const startOf = await pinStart(mapping, source, checkpoints)
  await parts.opened?.()
  const shared = new Map<string, Shared>()
  const leaving = new Set<Promise<void>>()
  const take = (shard: string) =>
    shares.share(shareName(mapping, shard), (grant) =>
      runShard(
        { ...parts, mapping, place: mapping },
        { ...{ shard, grant, signal }, start: startOf(shard) },
      ),
    )
  const letGo = (shard: string) => {
    const gone = shared.get(shard)?.close()
    shared.delete(shard)
    const ended = gone?.finally(() => leaving.delete(ended as Promise<void>))
    if (ended) leaving.add(ended)
  }
  const share = (shards: readonly Shard[]) => {
    const ready = readyShards(shards, endedShards(checkpoints, mapping))
    for (const shard of shared.keys()) if (!ready.includes(shard)) letGo(shard)
    for (const shard of ready) if (!shared.has(shard)) shared.set(shard, take(shard))
  }
  let failures = 0
  while (!signal.aborted) {
    try {
      const shards = await source.shards()
      failures = 0
      for (const until = Date.now() + DISCOVER_EVERY_MS; Date.now() < until && !signal.aborted; ) {
        share(shards)
        await pause(LOOK_MS, signal)
      }
    } catch (error) {
      failures += 1
      progress.result(SOURCE_FAILED)
      console.error(`mapping ${mapping.uuid} could not list its shards: ${error}`)
      await pause(againMs(failures, Math.random()), signal)
    }
  }
  for (const shard of [...shared.keys()]) letGo(shard)
  await Promise.all(leaving)
}

/** Not those that are done, nor those whose parents are there and not done. */
export function readyShards(shards: readonly Shard[], ended: ReadonlySet<string>): string[] {
  const open = new Set(shards.map(({ id }) => id).filter((id) => !ended.has(id)))
  return shards
    .filter(({ id, parents }) => open.has(id) && !parents.some((parent) => open.has(parent)))
    .map(({ id }) => id)
}

function endedShards(checkpoints: Checkpoints, place: CheckpointPlace): Set<string> {
  const known = [...checkpoints.list(place)]
  return new Set(known.filter(([, one]) => markOf(one).ended).map(([shard]) => shard))
}

interface Pin {
  /** When it was first known that reading begins at LATEST; whatever came later is read. */
  at: number
  /** Shards whose source can say where that is. */
  shards: Record<string, string>
}

/**
 * LATEST becomes a place that stays what it is, in one write before anything is read: whoever
 * begins again before the first checkpoint must begin there, and not at what is the latest by then.
 */
async function pinStart(
  { uuid, resets, startingPosition = 'TRIM_HORIZON', startingTimestamp = 0 }: EventSourceMapping,
  source: StreamSource,
  checkpoints: Checkpoints,
): Promise<(shard: string) => Position> {
  if (startingPosition === 'TRIM_HORIZON') return () => ({ start: 'TRIM_HORIZON' })
  if (startingPosition === 'AT_TIMESTAMP') {
    return () => ({ start: 'AT_TIMESTAMP', timestamp: startingTimestamp })
  }
  const pin = await readPin(checkpoints, { uuid, resets }, () => latestOf(source))
  return (shard) => {
    const after = pin.shards[shard]
    if (after !== undefined) return { after }
    // A shard that such a source shows later was empty when reading began.
    return source.latest ? { start: 'TRIM_HORIZON' } : { start: 'AT_TIMESTAMP', timestamp: pin.at }
  }
}

async function readPin(
  checkpoints: Checkpoints,
  place: CheckpointPlace,
  make: () => Promise<Pin>,
): Promise<Pin> {
  for (;;) {
    const claimed = await checkpoints.claim(place, START_PLACE, 0)
    if (claimed === 'stale') continue
    if (claimed.value.state) return claimed.value.state as Pin
    const state = await make()
    const { revision } = claimed
    const written = await checkpoints.advance(place, START_PLACE, { epoch: 0, state, revision })
    if (written !== 'stale') return state
  }
}

async function latestOf(source: StreamSource): Promise<Pin> {
  // Streams of DynamoDB tell whole seconds only.
  const at = Math.floor(Date.now() / 1000) * 1000
  const shards: Record<string, string> = {}
  if (source.latest) {
    for (const { id } of await source.shards()) shards[id] = await source.latest(id)
  }
  return { at, shards }
}

/** Shards by the right to their whole mapping, for a poller that has that. */
export function sharesOf(grant: Grant): Pick<Shares, 'share'> {
  return {
    share(_, run) {
      const over = new AbortController()
      const lost = AbortSignal.any([grant.lost, over.signal])
      let isRunning = true
      const keep = async () => {
        while (!lost.aborted) {
          await run({ epoch: grant.epoch, lost }).catch((error) => {
            console.error(`a shard is begun again: ${error}`)
          })
          await pause(LOOK_MS * 4, lost)
        }
        isRunning = false
      }
      const running = keep()
      return {
        held: () => isRunning,
        async close() {
          over.abort()
          await running
        },
      }
    },
  }
}

/** What pollers share out. */
const shareName = ({ uuid, resets }: EventSourceMapping, shard: string) =>
  `mapping.${uuid}.${resets}.${Buffer.from(shard).toString('base64url')}`

const pause = (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }).catch(() => {})
