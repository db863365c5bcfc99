// What a mapping's loop tells of its work as it goes: counts for the metrics, how far behind it is,
// and the words of AWS's LastProcessingResult. It only remembers; mappings.ts writes the record.

import type { EventSourceMapping } from '@hearth/core/event-source-mapping'

/** AWS's LastProcessingResult: its own words, or a problem's. */
export type ProcessingResult = 'No records processed' | 'OK' | `PROBLEM: ${string}`

export const FUNCTION_FAILED: ProcessingResult = 'PROBLEM: Function call failed'
export const SOURCE_FAILED: ProcessingResult =
  'PROBLEM: Connection error. Please check your event source connection configuration.'

/** How far behind its source a mapping is, by what the source can say. */
export interface Lag {
  records?: number
  behindMs?: number
}

/** Counts since this poller began; batches that were refused are tried again. */
export interface MappingCounts {
  received: number
  filteredOut: number
  /** Records that were given to the function, each time that they were. */
  invoked: number
  failed: number
  /** Records of a queue that were settled: the queue has them no more. */
  deleted: number
  /** Invocations that were refused: throttled, or no scheduler answered. */
  refused: number
}

export interface MappingFigures extends MappingCounts {
  uuid: string
  account: string
  functionName: string
  kind: EventSourceMapping['kind']
  lag: Lag
}

export interface Progress {
  count(what: keyof MappingCounts, count: number): void
  /** Of one shard, where there are shards; nothing once nobody reads it any more. */
  lag(lag: Lag, shard?: string): void
  result(words: ProcessingResult): void
}

export interface MappingProgress extends Progress {
  figures(): MappingFigures
  /** The newest words, unless they are those of the record. */
  unwritten(): ProcessingResult | undefined
  wrote(words: ProcessingResult): void
}

export function followProgress({
  uuid,
  account,
  functionName,
  kind,
  lastResult,
}: EventSourceMapping): MappingProgress {
  const counts = { received: 0, filteredOut: 0, invoked: 0, failed: 0, deleted: 0, refused: 0 }
  const lags = new Map<string, Lag>()
  let newest: ProcessingResult | undefined
  let written: string | undefined = lastResult
  return {
    count: (what, count) => {
      counts[what] += count
    },
    lag: (now, shard = '') => {
      if (now.records === undefined && now.behindMs === undefined) lags.delete(shard)
      else lags.set(shard, now)
    },
    result: (words) => {
      newest = words
    },
    figures: () => ({
      uuid,
      account,
      functionName,
      kind,
      ...counts,
      lag: together([...lags.values()]),
    }),
    unwritten: () => (newest === written ? undefined : newest),
    wrote: (words) => {
      written = words
    },
  }
}

/** A mapping is as far behind as the shard that is furthest, and by the records of all. */
function together(lags: readonly Lag[]): Lag {
  const times = lags.flatMap(({ behindMs }) => behindMs ?? [])
  const records = lags.flatMap((lag) => lag.records ?? [])
  return {
    ...(times.length > 0 && { behindMs: Math.max(...times) }),
    ...(records.length > 0 && { records: records.reduce((sum, one) => sum + one, 0) }),
  }
}
