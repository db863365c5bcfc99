// Working a stream's batch off: the function is invoked with it, and then whatever the law says
// follows, until each of its records is done or given up. Invocations that the platform refused use
// no attempt. A record counts as given up only once its destination has it for sure.

import { setTimeout as sleep } from 'node:timers/promises'
import { functionArn } from '@hearth/core/arn'
import { type BatchOutcome, readOutcome } from '@hearth/core/batch-outcome'
import { batchRecord, targetOf } from '@hearth/core/destination'
import type { EventSourceMapping } from '@hearth/core/event-source-mapping'
import type { InvocationRequest, InvocationResult } from '@hearth/core/invocation'
import {
  afterBatch,
  type GiveUpReason,
  type Piece,
  pieceOf,
  withoutAged,
} from '@hearth/core/stream-batch'
import { againMs } from './batching.ts'
import { FUNCTION_FAILED, type Progress } from './mapping-progress.ts'
import { isTooLarge, type Taken } from './shard-lane.ts'
import type { StreamSource } from './sources/source.ts'

export interface BatchParts {
  mapping: EventSourceMapping
  region: string
  source: StreamSource
  shard: string
  /** The one door. */
  invoke(request: InvocationRequest): Promise<InvocationResult>
  /** Resolves once what was given up is durable where it is to be told. */
  deliver(record: string, shard: string): Promise<void>
  progress: Progress
}

export interface Batch {
  records: Taken[]
  stop: AbortSignal
  /** What the event says beside the records, such as a window's state. */
  extra(): Record<string, unknown>
  /** After each answer, before any record of it counts as done. */
  answered(payload: string, outcome: BatchOutcome): void
}

interface Last {
  requestId: string
  executedVersion: string
  functionError?: string
}

/** Resolves when all records are done or given up, or when the stop came first. */
export async function workBatch(parts: BatchParts, batch: Batch): Promise<void> {
  const { mapping, progress } = parts
  const { stop } = batch
  const lasts = new WeakMap<Piece<Taken>, Last>()
  const work = [pieceOf(batch.records)]
  let refusals = 0
  for (let piece = work.shift(); piece; piece = work.shift()) {
    await rest(piece.notBefore - Date.now(), stop)
    if (stop.aborted) return
    const last = lasts.get(piece)
    const { aged, rest: young } = withoutAged(piece, mapping, Date.now())
    const large = young.records.filter(isTooLarge)
    const left = large.length > 0 ? { ...young, records: without(young.records, large) } : young
    const { failures } = piece
    // AWS tells no answer to what grew too old, and counts one attempt at least (recorded).
    const atLeast = Math.max(failures, 1)
    await giveUp(parts, aged, { failures: atLeast, stop, reason: 'RecordAgeExceeded' })
    const given = { failures, stop, ...(last && { last }) }
    await giveUp(parts, large, { ...given, reason: 'RetryAttemptsExhausted' })
    if (stop.aborted) return
    if (left.records.length === 0 && piece.records.length > 0) continue
    const said = await offer(parts, left.records, batch.extra())
    if (!said) {
      refusals += 1
      progress.count('refused', 1)
      progress.result(FUNCTION_FAILED)
      const again = { ...left, notBefore: Date.now() + againMs(refusals, Math.random()) }
      if (last) lasts.set(again, last)
      work.unshift(again)
      continue
    }
    refusals = 0
    const { outcome } = said
    const { done, givenUp, next } = afterBatch(left, outcome, mapping, Date.now())
    tell(progress, outcome, { invoked: left.records.length, done: done.length })
    batch.answered(said.payload, outcome)
    for (const record of done) record.done()
    for (const one of next) lasts.set(one, said.last)
    const about = { failures: failures + 1, last: said.last, stop }
    await giveUp(parts, givenUp, { ...about, reason: 'RetryAttemptsExhausted' })
    work.unshift(...next)
  }
}

function tell(
  progress: Progress,
  outcome: BatchOutcome,
  { invoked, done }: { invoked: number; done: number },
): void {
  progress.count('invoked', invoked)
  progress.count('failed', invoked - done)
  progress.result(outcome.kind === 'failed' ? FUNCTION_FAILED : 'OK')
}

interface Said {
  outcome: BatchOutcome
  payload: string
  last: Last
}

/** What the function said, or undefined when the invocation was refused and may be tried again. */
async function offer(
  { mapping, region, source, invoke }: BatchParts,
  records: readonly Taken[],
  extra: Record<string, unknown>,
): Promise<Said | undefined> {
  const { account, functionName, qualifier, reportsItemFailures } = mapping
  const requestId = crypto.randomUUID()
  const event = { ...source.payload(records), ...extra }
  try {
    const result = await invoke({
      kind: 'mapping',
      requestId,
      account,
      functionName,
      ...(qualifier !== undefined && { qualifier }),
      invokedArn: functionArn({ account, region }, functionName, qualifier),
      payload: Buffer.from(JSON.stringify(event)),
      wantsLogTail: false,
    })
    const { functionError, executedVersion } = result
    const payload = Buffer.from(result.payload).toString()
    const ids = records.map(({ id }) => id)
    return {
      outcome: readOutcome({ payload, functionError }, { ids, reportsItemFailures }),
      payload,
      last: { requestId, executedVersion, ...(functionError !== undefined && { functionError }) },
    }
  } catch {
    return undefined
  }
}

/** Told where the mapping says, for as long as it takes; only then are they done with. */
async function giveUp(
  parts: BatchParts,
  records: readonly Taken[],
  about: { reason: GiveUpReason; failures: number; last?: Last; stop: AbortSignal },
): Promise<void> {
  const { mapping, region, source, shard, deliver } = parts
  if (records.length === 0) return
  const { account, functionName, qualifier, onFailure } = mapping
  const { last, failures, stop } = about
  const toBucket = onFailure !== undefined && targetOf(onFailure)?.kind === 's3'
  const record = batchRecord(
    {
      requestId: last?.requestId ?? crypto.randomUUID(),
      functionArn: functionArn({ account, region }, functionName, qualifier),
      condition: about.reason,
      invokeCount: failures,
      ...(last && {
        response: {
          statusCode: 200,
          executedVersion: last.executedVersion,
          ...(last.functionError !== undefined && { functionError: last.functionError }),
        },
      }),
      batchInfo: source.batchInfo(shard, records),
      ...(toBucket && { payload: JSON.stringify(source.payload(records)) }),
    },
    Date.now(),
  )
  for (let attempt = 1; onFailure !== undefined; attempt += 1) {
    try {
      await deliver(record, shard)
      break
    } catch (error) {
      console.error(`mapping ${mapping.uuid} could not tell of what was given up: ${error}`)
      await rest(againMs(attempt, Math.random()), stop)
      if (stop.aborted) return
    }
  }
  for (const { done } of records) done()
}

const without = <R>(records: readonly R[], gone: readonly R[]) =>
  records.filter((one) => !gone.includes(one))

async function rest(ms: number, stop: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal: stop }).catch(() => {})
}
