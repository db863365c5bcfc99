// The loop of a mapping that reads a queue: receive, filter, gather, invoke, and settle or release
// what the function said of each record. It counts on the queue to hand out again whatever it does
// not settle, so it may die at any line; what it cannot run now it keeps away and offers again.

import { setTimeout as sleep } from 'node:timers/promises'
import { functionArn } from '@hearth/core/arn'
import { type BatchOutcome, readOutcome, settleQueue } from '@hearth/core/batch-outcome'
import type { EventSourceMapping } from '@hearth/core/event-source-mapping'
import type { InvocationRequest, InvocationResult } from '@hearth/core/invocation'
import {
  adjustLanes,
  againMs,
  BATCH_BYTES_MAX,
  fitting,
  type Lanes,
  nextStep,
  type Seen,
} from './batching.ts'
import { FUNCTION_FAILED, type Progress, SOURCE_FAILED } from './mapping-progress.ts'
import type { QueueRecord, QueueSource } from './sources/source.ts'

export interface QueueLoopParts {
  mapping: EventSourceMapping
  region: string
  source: QueueSource
  /** Whether a record is for the function; what is not is done with. */
  passes(filtered: Record<string, unknown>): boolean
  /** The one door. */
  invoke(request: InvocationRequest): Promise<InvocationResult>
  progress: Progress
  /** Batches at a time, unless the mapping says how many. */
  batchesMax: number
  report(problem: string): void
}

/** Records that are held are kept away for this long, again and again. */
const HOLD_SECONDS = 30
const KEEP_EVERY_MS = 10_000
/** After this time without a run a batch goes back to the queue and its rules. */
const REFUSED_MS_MAX = 3_600_000
const LOOK_MS = 200
const LAG_EVERY_MS = 10_000
/** A source that answers too early with nothing is not asked at once again. */
const PAUSE_MS = 200

/**
 * Runs until the signal aborts: then it takes nothing more, lets finish what runs, and returns.
 * @throws what the source throws, after the same.
 */
export async function runQueueLoop(parts: QueueLoopParts, signal: AbortSignal): Promise<void> {
  const failure = new AbortController()
  const stop = AbortSignal.any([signal, failure.signal])
  const crew = createCrew(parts, stop, (lane) => {
    void lane.catch((error) => failure.abort(error))
  })
  const timers = [
    setInterval(crew.look, LOOK_MS),
    setInterval(() => void tellLag(parts), LAG_EVERY_MS),
  ]
  crew.look()
  void tellLag(parts)
  await new Promise<void>((resolve) => {
    stop.addEventListener('abort', () => resolve())
    if (stop.aborted) resolve()
  })
  for (const timer of timers) clearInterval(timer)
  await crew.finished()
  if (failure.signal.aborted) throw failure.signal.reason
}

async function tellLag({ source, progress }: QueueLoopParts): Promise<void> {
  const records = await source.backlog().catch(() => undefined)
  if (records !== undefined) progress.lag({ records })
}

interface Crew {
  /** Starts lanes as there may be more. */
  look(): void
  finished(): Promise<void>
}

/** The lanes of a loop, and how many there may be. */
function createCrew(
  parts: QueueLoopParts,
  stop: AbortSignal,
  follow: (lane: Promise<void>) => void,
): Crew {
  const max = parts.mapping.maximumConcurrency ?? parts.batchesMax
  const running = new Set<Promise<void>>()
  let lanes: Lanes = { allowed: 1, growAt: 0 }
  let polling = 0
  const see = (seen: Seen) => {
    lanes = adjustLanes(lanes, seen, { now: performance.now(), max })
    look()
  }
  const look = () => {
    if (stop.aborted) return
    if (running.size > 0 && polling === 0 && running.size >= lanes.allowed) {
      lanes = adjustLanes(lanes, 'all busy', { now: performance.now(), max })
    }
    while (running.size < lanes.allowed) start()
  }
  const start = () => {
    polling += 1
    const lane = runLane(parts, stop, {
      mayGoOn: () => running.size <= lanes.allowed,
      see,
      isBusy: (busy) => {
        polling += busy ? -1 : 1
        if (busy) look()
      },
      isIdle: () => {
        if (polling > 1) lanes = adjustLanes(lanes, 'idle', { now: performance.now(), max })
      },
    })
    const ended = lane.finally(() => {
      polling -= 1
      running.delete(ended)
    })
    running.add(ended)
    follow(ended)
  }
  return {
    look,
    finished: async () => void (await Promise.allSettled([...running])),
  }
}

interface LaneHooks {
  mayGoOn(): boolean
  see(seen: Seen): void
  isBusy(busy: boolean): void
  isIdle(): void
}

async function runLane(parts: QueueLoopParts, stop: AbortSignal, hooks: LaneHooks): Promise<void> {
  const held = new Set<QueueRecord>()
  const keep = setInterval(() => void keepAway(parts, [...held]), KEEP_EVERY_MS)
  let carried: QueueRecord[] = []
  try {
    while (!stop.aborted && hooks.mayGoOn()) {
      const { batch, rest } = await gather(parts, { stop, held, carried })
      carried = rest
      if (batch.length === 0) {
        if (!stop.aborted) hooks.isIdle()
        continue
      }
      if (stop.aborted) {
        carried = [...batch, ...rest]
        break
      }
      hooks.isBusy(true)
      try {
        await runBatch(parts, { batch, stop, held, see: hooks.see })
      } finally {
        hooks.isBusy(false)
      }
    }
  } finally {
    clearInterval(keep)
    await release(parts, carried, 'untried')
  }
}

interface Gathering {
  stop: AbortSignal
  /** What is kept away while the lane has it. */
  held: Set<QueueRecord>
  /** What did not fit into the batch before. */
  carried: readonly QueueRecord[]
}

/** One batch, or none when nothing came for a while; `rest` did not fit into it. */
async function gather(
  parts: QueueLoopParts,
  { stop, held, carried }: Gathering,
): Promise<{ batch: QueueRecord[]; rest: QueueRecord[] }> {
  const { batchSize, batchingWindowSeconds } = parts.mapping
  const settings = { batchSize, windowMs: batchingWindowSeconds * 1000 }
  const batch: QueueRecord[] = []
  let rest = [...carried]
  let bytes = 0
  let firstAt = 0
  const take = () => {
    const fits = fitting(rest, { count: batch.length, bytes }, batchSize)
    const taken = rest.slice(0, fits)
    if (batch.length === 0 && taken.length > 0) firstAt = performance.now()
    batch.push(...taken)
    bytes += taken.reduce((sum, { size }) => sum + size + 1, 0)
    rest = rest.slice(fits)
  }
  take()
  while (!stop.aborted) {
    const step = nextStep(
      { count: batch.length, isFull: rest.length > 0, sinceFirstMs: performance.now() - firstAt },
      settings,
    )
    if (step.kind === 'invoke') break
    const askedAt = performance.now()
    const received = await receive(parts, { ...step, stop }).catch(async (error) => {
      held.clear()
      await release(parts, [...batch, ...rest], 'untried')
      throw error
    })
    const passed = await filter(parts, received)
    for (const record of passed) held.add(record)
    await keepAway(parts, passed)
    rest.push(...passed)
    take()
    if (received.length > 0) continue
    const early = step.waitMs - (performance.now() - askedAt)
    if (early > 0) await pause(Math.min(early, PAUSE_MS), stop)
    if (batch.length === 0) break
  }
  return { batch, rest }
}

async function receive(
  { source, progress }: QueueLoopParts,
  { max, waitMs, stop }: { max: number; waitMs: number; stop: AbortSignal },
): Promise<QueueRecord[]> {
  try {
    const records = await source.receive({ max, waitMs, signal: stop })
    progress.count('received', records.length)
    return records
  } catch (error) {
    if (stop.aborted) return []
    progress.result(SOURCE_FAILED)
    throw error
  }
}

/** The records that are for the function; what is not is done with, and what is too large fails. */
async function filter(
  parts: QueueLoopParts,
  records: readonly QueueRecord[],
): Promise<QueueRecord[]> {
  const strangers = records.filter(({ filtered }) => !parts.passes(filtered))
  parts.progress.count('filteredOut', strangers.length)
  await settle(parts, strangers)
  const mine = records.filter((record) => !strangers.includes(record))
  const tooLarge = mine.filter(({ size }) => size > BATCH_BYTES_MAX)
  if (tooLarge.length === 0) return mine
  parts.progress.count('failed', tooLarge.length)
  parts.progress.result(FUNCTION_FAILED)
  await release(parts, tooLarge, 'failed')
  return mine.filter((record) => !tooLarge.includes(record))
}

interface Run {
  batch: QueueRecord[]
  stop: AbortSignal
  held: Set<QueueRecord>
  see(seen: Seen): void
}

/** Has a batch run, however often it is refused, and obeys the outcome. */
async function runBatch(parts: QueueLoopParts, run: Run): Promise<void> {
  const { batch, stop } = run
  const giveUpAt = performance.now() + REFUSED_MS_MAX
  const payload = Buffer.from(JSON.stringify({ Records: batch.map(({ event }) => event) }))
  // What is settled or released must not be kept away any more, not even by a moment.
  const letGo = () => {
    for (const record of batch) run.held.delete(record)
  }
  for (let refusals = 1; ; refusals += 1) {
    const outcome = await offer(parts, batch, payload)
    if (outcome) {
      letGo()
      return obey(parts, run, outcome)
    }
    parts.progress.count('refused', 1)
    parts.progress.result(FUNCTION_FAILED)
    run.see('refused')
    await pause(againMs(refusals, Math.random()), stop)
    const isLate = performance.now() > giveUpAt
    if (!isLate && !stop.aborted) continue
    letGo()
    return release(parts, batch, stop.aborted ? 'untried' : 'failed')
  }
}

async function obey(
  parts: QueueLoopParts,
  { batch, see }: Run,
  outcome: BatchOutcome,
): Promise<void> {
  const { mapping, progress } = parts
  const { settled, released } = settleQueue(batch, outcome)
  progress.count('invoked', batch.length)
  progress.count('failed', released.length)
  progress.result(outcome.kind === 'failed' ? FUNCTION_FAILED : 'OK')
  if (outcome.kind === 'failed' && !mapping.reportsItemFailures) see('failed')
  await settle(parts, settled)
  await release(parts, released, 'failed')
}

/** What became of it, or undefined when the invocation was refused and may be tried again. */
async function offer(
  { mapping, region, invoke }: QueueLoopParts,
  batch: readonly QueueRecord[],
  payload: Uint8Array,
): Promise<BatchOutcome | undefined> {
  const { account, functionName, qualifier, reportsItemFailures } = mapping
  try {
    const result = await invoke({
      kind: 'mapping',
      requestId: crypto.randomUUID(),
      account,
      functionName,
      ...(qualifier !== undefined && { qualifier }),
      invokedArn: functionArn({ account, region }, functionName, qualifier),
      payload,
      wantsLogTail: false,
    })
    const { functionError } = result
    const answer = { payload: Buffer.from(result.payload).toString(), functionError }
    return readOutcome(answer, { ids: batch.map(({ id }) => id), reportsItemFailures })
  } catch {
    return undefined
  }
}

/** A record that could not be settled comes again: at least once is what a queue promises. */
async function settle(parts: QueueLoopParts, records: readonly QueueRecord[]): Promise<void> {
  if (records.length === 0) return
  try {
    await parts.source.settle(records)
    parts.progress.count('deleted', records.length)
  } catch (error) {
    told(parts, 'settle')(error)
  }
}

async function release(
  parts: QueueLoopParts,
  records: readonly QueueRecord[],
  why: 'failed' | 'untried',
): Promise<void> {
  if (records.length > 0) await parts.source.release(records, why).catch(told(parts, 'release'))
}

async function keepAway(parts: QueueLoopParts, records: readonly QueueRecord[]): Promise<void> {
  if (records.length === 0) return
  await parts.source.extend(records, HOLD_SECONDS).catch(told(parts, 'keep'))
}

const told =
  ({ mapping, progress, report }: QueueLoopParts, what: string) =>
  (error: unknown) => {
    progress.result(SOURCE_FAILED)
    report(`mapping ${mapping.uuid} could not ${what} records: ${error}`)
  }

const pause = (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }).catch(() => {})
