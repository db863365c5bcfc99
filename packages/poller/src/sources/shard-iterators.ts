// Reading a shard by iterators, as Kinesis and DynamoDB Streams have them: kept while they last,
// made anew when they have expired, never used faster than the service allows. A position that the
// service has thrown away is told, and reading goes on at the oldest record that is left.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Position, ShardRead, StreamRecord, StreamSource } from './source.ts'

export interface IteratorService {
  iterator(shard: string, from: Position, signal: AbortSignal): Promise<string | undefined>
  records(
    shard: string,
    options: { iterator: string; max: number; signal: AbortSignal },
  ): Promise<{ records: StreamRecord[]; next: string | undefined; behindMs?: number }>
  /** What a start that the service does not know leaves out. */
  isWanted?(record: StreamRecord, from: Position): boolean
}

/** AWS allows five reads a second of a shard to all of its readers. */
const READ_EVERY_MS = 200
const IDLE_EVERY_MS = 1_000
const THROTTLED_MS = 1_000
const THROTTLES = new Set([
  'KMSThrottlingException',
  'LimitExceededException',
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
])
/** What a service says of a position that is gone, or was never there. */
const TRIMMED = new Set([
  'InvalidArgumentException',
  'TrimmedDataAccessException',
  'ValidationException',
])

interface Place {
  /** From where the iterator goes on. */
  from: string
  iterator?: string
  readAfter: number
}

export function readByIterator(service: IteratorService): StreamSource['read'] {
  const places = new Map<string, Place>()
  return async (shard, from, { max, waitMs, signal }) => {
    const nothing: ShardRead = { records: [], ended: false }
    const place = placeOf(places, shard, JSON.stringify(from))
    await sleep(Math.max(0, place.readAfter - performance.now()), undefined, { signal }).catch(
      () => {},
    )
    if (signal.aborted) return nothing
    try {
      const iterator = place.iterator ?? (await iteratorOf(service, { shard, from, signal }))
      if (iterator === undefined) throw new Error(`${shard} has no iterator`)
      const answer = await service.records(shard, { iterator, max, signal })
      const { next, behindMs } = answer
      const records = answer.records.filter((one) => service.isWanted?.(one, from) ?? true)
      const last = records.at(-1)
      const isBehind = answer.records.length > 0 || (behindMs ?? 0) > 0
      const waits = isBehind
        ? READ_EVERY_MS
        : Math.min(Math.max(waitMs, READ_EVERY_MS), IDLE_EVERY_MS)
      places.set(shard, {
        from: JSON.stringify(last ? { after: last.position } : from),
        ...(next !== undefined && { iterator: next }),
        readAfter: performance.now() + waits,
      })
      return { records, ended: next === undefined, ...(behindMs !== undefined && { behindMs }) }
    } catch (error) {
      if (signal.aborted) return nothing
      const name = nameOf(error)
      if (name === 'ExpiredIteratorException' || name === 'TrimmedDataAccessException') {
        places.delete(shard)
        return nothing
      }
      if (!THROTTLES.has(name)) throw error
      place.readAfter = performance.now() + THROTTLED_MS * (0.5 + Math.random())
      return nothing
    }
  }
}

function placeOf(places: Map<string, Place>, shard: string, from: string): Place {
  const kept = places.get(shard)
  if (kept?.from === from) return kept
  const place = { from, readAfter: kept?.readAfter ?? 0 }
  places.set(shard, place)
  return place
}

async function iteratorOf(
  service: IteratorService,
  { shard, from, signal }: { shard: string; from: Position; signal: AbortSignal },
): Promise<string | undefined> {
  try {
    return await service.iterator(shard, from, signal)
  } catch (error) {
    if (!('after' in from) || !TRIMMED.has(nameOf(error))) throw error
    console.error(`${shard}: ${from.after} is gone, so records were lost; on at TRIM_HORIZON`)
    return service.iterator(shard, { start: 'TRIM_HORIZON' }, signal)
  }
}

const nameOf = (error: unknown) => (error instanceof Error ? error.name : '')
