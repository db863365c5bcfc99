// What became of a batch that a function was given: the rules of ReportBatchItemFailures, and what
// a queue and a stream make of them. Pure; loops hand in the answer as the door gave it and obey.
// An answer that cannot be understood never counts as success: its records are tried again.

/** All done, all failed, or some of them failed, by the ids that the function named. */
export type BatchOutcome =
  | { kind: 'done' }
  | { kind: 'failed' }
  | { kind: 'partial'; failed: ReadonlySet<string> }

export interface BatchAnswer {
  /** The function's answer as text. */
  payload: string
  functionError?: string | undefined
}

const DONE: BatchOutcome = { kind: 'done' }
const FAILED: BatchOutcome = { kind: 'failed' }

/**
 * Reads the answer to a batch of records with these ids. AWS takes an answer that names no failure
 * for success (`""`, null, `{}`, `[]`, an empty or null list), and anything else that it does not
 * understand for the failure of the whole batch (docs: with-sqs, services-sqs-errorhandling).
 */
export function readOutcome(
  answer: BatchAnswer,
  batch: { ids: readonly string[]; reportsItemFailures: boolean },
): BatchOutcome {
  if (answer.functionError !== undefined) return FAILED
  if (!batch.reportsItemFailures) return DONE
  if (answer.payload.trim() === '') return DONE
  const parsed = parse(answer.payload)
  if (parsed === undefined) return FAILED
  const { value } = parsed
  if (value === null || value === '') return DONE
  if (typeof value !== 'object') return FAILED
  if (Array.isArray(value)) return value.length === 0 ? DONE : FAILED
  const failures = (value as { batchItemFailures?: unknown }).batchItemFailures
  if (failures === undefined || failures === null) return DONE
  if (!Array.isArray(failures)) return FAILED
  return namedFailures(failures, new Set(batch.ids))
}

function namedFailures(failures: readonly unknown[], ids: ReadonlySet<string>): BatchOutcome {
  if (failures.length === 0) return DONE
  const failed = new Set<string>()
  for (const item of failures) {
    const id = idOf((item as { itemIdentifier?: unknown } | null)?.itemIdentifier)
    // Empty, null, under another key, or of another batch: nothing of the answer can be believed.
    if (typeof id !== 'string' || !ids.has(id)) return FAILED
    failed.add(id)
  }
  return { kind: 'partial', failed }
}

/** Kafka's records are named by their partition (`topic-0`) and their offset in it. */
function idOf(identifier: unknown): unknown {
  if (typeof identifier !== 'object' || identifier === null) return identifier
  const { partition, offset } = identifier as { partition?: unknown; offset?: unknown }
  return typeof partition === 'string' ? `${partition}-${offset}` : undefined
}

/** Whether one record of a queue is done with or goes back. */
export interface QueueSettlement<R> {
  settled: R[]
  released: R[]
}

/**
 * A queue's part. Where records have groups their order must hold: what comes after a failed one of
 * its group goes back with it, whatever the function said of it.
 */
export function settleQueue<R extends { id: string; group?: string }>(
  records: readonly R[],
  outcome: BatchOutcome,
): QueueSettlement<R> {
  if (outcome.kind === 'done') return { settled: [...records], released: [] }
  if (outcome.kind === 'failed') return { settled: [], released: [...records] }
  const settled: R[] = []
  const released: R[] = []
  const stopped = new Set<string>()
  for (const record of records) {
    const fails = outcome.failed.has(record.id)
    if (fails && record.group !== undefined) stopped.add(record.group)
    const goesBack = fails || (record.group !== undefined && stopped.has(record.group))
    ;(goesBack ? released : settled).push(record)
  }
  return { settled, released }
}

/**
 * A stream's part: the index of the first record that is to be tried again; what is before it is
 * done. It is the length of the batch when all is done. A stream has one position, so records
 * after the first failed one are given to the function again.
 */
export function resumeIndex(ids: readonly string[], outcome: BatchOutcome): number {
  if (outcome.kind === 'done') return ids.length
  if (outcome.kind === 'failed') return 0
  const index = ids.findIndex((id) => outcome.failed.has(id))
  return index < 0 ? ids.length : index
}

/** undefined for what is not JSON; the value may itself be null. */
function parse(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}
