// What follows after a stream's batch, and when: which records are done, which are tried again and
// in which pieces, and which are given up and why. Pure. A stream has no other memory than its
// checkpoint, so nothing may be lost here: what goes in is done, given up, or comes out again.

import { type BatchOutcome, resumeIndex } from './batch-outcome.ts'
import type { EventSourceMapping } from './event-source-mapping.ts'
import { ENDLESS } from './event-source-settings.ts'

export interface StreamEntry {
  /** What batchItemFailures name. */
  id: string
  /** Milliseconds since the epoch. */
  arrivedAt: number
}

/** Records that are given to the function together, in order. */
export interface Piece<R> {
  records: R[]
  /** Failed attempts that count against the retries. */
  attempts: number
  /** All failed invocations that had these records; splitting counts here, too. */
  failures: number
  /** Not to be tried before this moment, in milliseconds since the epoch. */
  notBefore: number
}

export type GiveUpReason = 'RecordAgeExceeded' | 'RetryAttemptsExhausted'

export interface Aftermath<R> {
  done: R[]
  givenUp: R[]
  /** Tried next, in this order, before anything that is behind them. */
  next: Piece<R>[]
}

type Settings = Pick<EventSourceMapping, 'bisects' | 'recordAgeSecondsMax' | 'retriesMax'>

const BACKOFF_MS = 100
const BACKOFF_MS_MAX = 30_000

/** How long a piece rests after so many failures: twice as long each time, never nothing. */
export const restMs = (failures: number) =>
  Math.min(BACKOFF_MS * 2 ** Math.min(Math.max(failures - 1, 0), 20), BACKOFF_MS_MAX)

export const pieceOf = <R>(records: R[]): Piece<R> => ({
  records,
  attempts: 0,
  failures: 0,
  notBefore: 0,
})

/** Takes out what is too old to be given to the function; the rest is tried. */
export function withoutAged<R extends StreamEntry>(
  piece: Piece<R>,
  { recordAgeSecondsMax }: Pick<Settings, 'recordAgeSecondsMax'>,
  now: number,
): { aged: R[]; rest: Piece<R> } {
  if (recordAgeSecondsMax === ENDLESS) return { aged: [], rest: piece }
  const oldest = now - recordAgeSecondsMax * 1000
  const aged = piece.records.filter(({ arrivedAt }) => arrivedAt < oldest)
  if (aged.length === 0) return { aged, rest: piece }
  return { aged, rest: { ...piece, records: piece.records.filter((one) => !aged.includes(one)) } }
}

/**
 * After an invocation. A piece that may be split is not charged for its failure: halves begin with
 * the retries that the whole had, so that only a lone record can use them up.
 */
export function afterBatch<R extends StreamEntry>(
  piece: Piece<R>,
  outcome: BatchOutcome,
  settings: Settings,
  now: number,
): Aftermath<R> {
  const { records } = piece
  const ids = records.map(({ id }) => id)
  const resumesAt = outcome.kind === 'failed' ? 0 : resumeIndex(ids, outcome)
  const done = records.slice(0, resumesAt)
  const rest = records.slice(resumesAt)
  const isDone = outcome.kind === 'done' || (rest.length === 0 && records.length > 0)
  if (isDone) return { done, givenUp: [], next: [] }
  const failures = piece.failures + 1
  const notBefore = now + restMs(failures)
  const again = (part: R[], attempts: number) => ({ records: part, attempts, failures, notBefore })
  if (settings.bisects && records.length > 1) {
    const parts = done.length > 0 ? [rest] : halves(rest, outcome)
    return { done, givenUp: [], next: parts.map((part) => again(part, piece.attempts)) }
  }
  const attempts = piece.attempts + 1
  if (settings.retriesMax !== ENDLESS && attempts > settings.retriesMax) {
    return { done, givenUp: rest, next: [] }
  }
  return { done, givenUp: [], next: [again(rest, attempts)] }
}

/** A named first record is apart at once; where nothing is named, the middle is the best guess. */
function halves<R>(records: R[], outcome: BatchOutcome): R[][] {
  const at = outcome.kind === 'partial' ? 1 : Math.ceil(records.length / 2)
  return [records.slice(0, at), records.slice(at)]
}
