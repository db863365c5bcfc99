// One mapping in the hands of the poller that owns it: moves its state on, keeps its loop running
// by the newest settings, begins a failed loop again after a while, and takes everything away when
// the mapping goes. All that it writes is by compare-and-set on the record.

import { setTimeout as sleep } from 'node:timers/promises'
import { matches, parsePattern } from '@hearth/core/event-pattern'
import { type EventSourceMapping, isRead, settleMapping } from '@hearth/core/event-source-mapping'
import { type MappingProgress, type Progress, SOURCE_FAILED } from './mapping-progress.ts'
import type { MappingsParts } from './mappings.ts'
import { runQueueLoop } from './queue-loop.ts'
import type { Grant } from './shares.ts'
import { queueOf } from './sources/queues.ts'
import type { SourceOptions } from './sources/source.ts'

/** Between two looks at the cache, which costs nothing. */
const LOOK_MS = 250
/** Between two writings of what became of the newest batches. */
const RESULT_MS = 3_000
const AGAIN_MS = 1_000
const AGAIN_MS_MAX = 60_000
/** A loop that ran for this long was well: its next failure is its first. */
const WELL_MS = 60_000
/** A mapping becomes Enabled after this time even if its source does not answer. */
const OPENED_MS = 5_000

export interface Owned {
  account: string
  uuid: string
  grant: Grant
  progress: MappingProgress
}

/** Runs until the grant is lost or the mapping has gone. */
export async function tendMapping(parts: MappingsParts, owned: Owned): Promise<void> {
  const { account, uuid, grant } = owned
  const results = setInterval(() => void writeResult(parts, owned), RESULT_MS)
  /** Loops of earlier settings that let finish what runs. */
  const ending = new Set<Promise<void>>()
  try {
    while (!grant.lost.aborted) {
      const mapping = parts.mappings.cached(account, uuid)
      if (!mapping) break
      if (isRead(mapping)) await readFor(parts, owned, mapping, ending)
      else await standDown(parts, owned, mapping, ending)
    }
  } finally {
    await Promise.all(ending)
    clearInterval(results)
    await writeResult(parts, owned)
  }
}

/** Reads by these settings until there are others, or the grant is lost. */
async function readFor(
  parts: MappingsParts,
  owned: Owned,
  mapping: EventSourceMapping,
  ending: Set<Promise<void>>,
): Promise<void> {
  const over = new AbortController()
  const stop = AbortSignal.any([over.signal, owned.grant.lost])
  // A queue hands no record out twice at a time; a stream would, to a second reader.
  if (!queueOf(mapping.kind)) await Promise.all(ending)
  if (mapping.resets > 0) await parts.checkpoints.sweep(mapping, 'former').catch(() => {})
  const loop = keepLooping(parts, owned, mapping, stop)
  const ended = loop.finally(() => ending.delete(ended))
  ending.add(ended)
  while (!stop.aborted) {
    const now = parts.mappings.cached(mapping.account, mapping.uuid)
    if (!now || !isRead(now) || now.generation !== mapping.generation) over.abort()
    else await pause(LOOK_MS, stop)
  }
}

/** Begins the loop again and again, later each time that it fails at once. */
async function keepLooping(
  parts: MappingsParts,
  { grant, progress }: Owned,
  mapping: EventSourceMapping,
  stop: AbortSignal,
): Promise<void> {
  const settle = once(() => settleState(parts, mapping), parts.report)
  for (let failures = 0; !stop.aborted; ) {
    const startedAt = performance.now()
    const late = setTimeout(settle, OPENED_MS)
    try {
      await runLoop(parts, { mapping, grant, progress, stop, opened: settle })
      if (!stop.aborted) throw new Error('the loop ended by itself')
    } catch (error) {
      progress.result(SOURCE_FAILED)
      parts.report(`mapping ${mapping.uuid} is begun again: ${error}`)
      await settle()
      failures = performance.now() - startedAt > WELL_MS ? 1 : failures + 1
      await pause(Math.min(AGAIN_MS * 2 ** (failures - 1), AGAIN_MS_MAX), stop)
    } finally {
      clearTimeout(late)
    }
  }
}

export interface LoopRun {
  mapping: EventSourceMapping
  grant: Grant
  progress: Progress
  /** Take nothing more when it aborts. */
  stop: AbortSignal
  /** To be called once the source is open and it is known where reading begins. */
  opened(): Promise<void>
}

async function runLoop(parts: MappingsParts, run: LoopRun): Promise<void> {
  const { mapping, progress, stop } = run
  const queue = queueOf(mapping.kind)
  if (!queue) return parts.runStream(run)
  const source = await queue.open(sourceOptions(parts, mapping))
  try {
    await run.opened()
    const { region, invoke, batchesMax, report } = parts
    const passes = filterOf(mapping)
    await runQueueLoop(
      { mapping, region, source, passes, invoke, progress, batchesMax, report },
      stop,
    )
  } finally {
    await source.close()
  }
}

/** One pattern of several must match; without any, every record is for the function. */
export function filterOf({ filters }: EventSourceMapping) {
  const patterns = filters.map((text) => parsePattern(text))
  return (filtered: Record<string, unknown>) =>
    patterns.length === 0 || patterns.some((pattern) => matches(pattern, filtered))
}

export const sourceOptions = (
  { region, aws, natsUrl, valkeyUrl }: MappingsParts,
  mapping: EventSourceMapping,
): SourceOptions => ({ mapping, region, aws, natsUrl, valkeyUrl })

/** Nothing is read any more: says so once what ran has ended, or takes the mapping away. */
async function standDown(
  parts: MappingsParts,
  owned: Owned,
  mapping: EventSourceMapping,
  ending: Set<Promise<void>>,
): Promise<void> {
  await Promise.all(ending)
  try {
    if (mapping.state === 'Deleting') await takeAway(parts, mapping)
    else await settleState(parts, mapping)
  } catch (error) {
    parts.report(`mapping ${mapping.uuid} is ${mapping.state} still: ${error}`)
    await pause(AGAIN_MS, owned.grant.lost)
  }
  await pause(LOOK_MS, owned.grant.lost)
}

/** Only a state that these settings brought: a newer change waits for a loop of its own. */
async function settleState(parts: MappingsParts, mapping: EventSourceMapping): Promise<void> {
  await parts.mappings.change(mapping.account, mapping.uuid, (now = mapping) =>
    now.generation === mapping.generation ? settleMapping(now, Date.now()) : now,
  )
}

async function takeAway(parts: MappingsParts, mapping: EventSourceMapping): Promise<void> {
  const queue = queueOf(mapping.kind)
  // What cannot be reached cannot be cleaned up, and must not keep the mapping for ever.
  await queue?.remove(sourceOptions(parts, mapping)).catch((error) => {
    parts.report(`mapping ${mapping.uuid} leaves its consumer behind: ${error}`)
  })
  await parts.checkpoints.sweep(mapping, 'all')
  await parts.mappings.remove(mapping.account, mapping.uuid)
  await parts.claims.forget(workOf(mapping.uuid)).catch(() => {})
}

/** What pollers share out. */
export const workOf = (uuid: string) => `mapping.${uuid}`

async function writeResult(
  parts: MappingsParts,
  { account, uuid, progress }: Owned,
): Promise<void> {
  const lastResult = progress.unwritten()
  const mapping = parts.mappings.cached(account, uuid)
  if (lastResult === undefined || !mapping) return
  try {
    await parts.mappings.change(account, uuid, (now = mapping) =>
      now.lastResult === lastResult ? now : { ...now, lastResult },
    )
    progress.wrote(lastResult)
  } catch (error) {
    parts.report(`mapping ${uuid} could not write its result: ${error}`)
  }
}

function once(run: () => Promise<void>, report: (problem: string) => void): () => Promise<void> {
  let ran: Promise<void> | undefined
  return () => {
    ran ??= run().catch((error) => {
      ran = undefined
      report(`a mapping's state could not be written: ${error}`)
    })
    return ran
  }
}

const pause = (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }).catch(() => {})
