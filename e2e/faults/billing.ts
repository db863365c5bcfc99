// Whether the bill is right: each attempt that ran is in the ledger, is billed once if it was
// finished and never if its machine crashed, at the megabytes and milliseconds that the recorder
// itself saw. Pure, in integers.

import { billedMs, type InvocationRecord } from '@hearth/core/invocation'
import type { Attempted, Pairing } from './attempts.ts'
import { type Figure, none } from './figure.ts'
import { type History, isAccepted, type Run } from './history.ts'

/** What Hearth says was used: the ledger's records in order, and what it bills for them. */
export interface Books {
  records: readonly InvocationRecord[]
  bill: readonly Billed[]
  /** Sums that are not the ledger's, as Hearth itself finds when it is asked for its proof. */
  unproven: readonly string[]
}

export interface Billed {
  functionName: string
  requests: number
  mbMs: number
}

/** A process may lose its CPU between the stamp of a record and the clock of its duration. */
const PREEMPTED_MS = 500
/** The rounding of a record to whole milliseconds, and clocks of two processes. */
const LESS_MS = 5

export function judgeBilling(history: History, pairing: Pairing, books: Books): Figure[] {
  const due = dueOf(books.records)
  const names = new Set([...due.keys(), ...books.bill.map(({ functionName }) => functionName)])
  const rows = [...names].map((name) => {
    const billed = books.bill.find(({ functionName }) => functionName === name)
    return { name, due: due.get(name) ?? NOTHING, billed: billed ?? NOTHING }
  })
  const apart = rows.reduce((sum, { due, billed }) => sum + Math.abs(due.mbMs - billed.mbMs), 0)
  const twice = rows.flatMap(({ name, due, billed }) =>
    repeat(billed.requests - due.requests, name),
  )
  const missing = rows.flatMap(({ name, due, billed }) =>
    repeat(due.requests - billed.requests, `${name}: in the ledger, and not billed`),
  )
  return [
    none('billed twice', twice),
    none('not billed', [...missing, ...unwritten(history, pairing)]),
    none(
      'billed without a run',
      pairing.recordsAlone
        .filter(({ outcome }) => outcome !== 'crashed' && outcome !== 'init error')
        .map(({ requestId, outcome, functionName }) => `${requestId} ${functionName} ${outcome}`),
    ),
    { what: 'MB-ms billed beside the ledger', found: apart, allowed: 0 },
    none("sums billed beside the ledger, by Hearth's own proof", [...books.unproven]),
    ...durations(pairing.pairs),
    none('billed beyond the time of its environment', overlaps(pairing.pairs)),
    {
      what: 'runs on the house',
      found: pairing.pairs.filter(({ record }) => record.outcome === 'crashed').length,
      note: 'their machine crashed',
    },
  ]
}

const NOTHING = { requests: 0, mbMs: 0 }
const repeat = (times: number, what: string) =>
  Array.from({ length: Math.max(0, times) }, () => what)
const isWork = ({ outcome }: InvocationRecord) => outcome !== 'crashed'

/** What must be billed: of each attempt the first record that is no crash. */
function dueOf(records: readonly InvocationRecord[]): Map<string, typeof NOTHING> {
  const seen = new Set<string>()
  const due = new Map<string, typeof NOTHING>()
  for (const record of records.filter(isWork)) {
    const key = `${record.requestId}#${record.attempt}`
    if (seen.has(key)) continue
    seen.add(key)
    const { requests, mbMs } = due.get(record.functionName) ?? NOTHING
    const next = { requests: requests + 1, mbMs: mbMs + record.memoryMb * record.billedMs }
    due.set(record.functionName, next)
  }
  return due
}

/**
 * Runs that the ledger lacks, and requests answered for nothing. A repetition that crashed
 * beside its first needs no line of its own: nobody pays for it.
 */
function unwritten({ requests }: History, { byRequest }: Pairing): string[] {
  return [...requests.values()].flatMap((request) => {
    const { id, functionName, runs } = request
    if (runs.length === 0) return []
    const paired = byRequest.get(id) ?? []
    const written = new Set(paired.map(({ run }) => run))
    const needless = (run: Run) => run.ending === 'died' && written.size > 0
    const missing = runs.filter((run) => !written.has(run) && !needless(run))
    if (missing.length > 0) return missing.map(() => `${id} of ${functionName}: no record`)
    return isAccepted(request) && !paired.some(({ record }) => isWork(record))
      ? [`${id} of ${functionName}: answered, and only crashes`]
      : []
  })
}

function durations(pairs: readonly Attempted[]): Figure[] {
  const finished = pairs.filter(
    ({ run, record }) => isWork(record) && (run.ending === 'succeeded' || run.ending === 'failed'),
  )
  const seenMs = ({ run }: Attempted) => run.over - run.began
  const rounded = ({ record }: Attempted) =>
    billedMs(record.durationMicroseconds / 1000, record.initMicroseconds / 1000)
  const wrong = finished.filter(
    (one) =>
      one.record.billedMs < seenMs(one) - LESS_MS ||
      Math.abs(one.record.billedMs - rounded(one)) > 1,
  )
  const seen = finished.reduce((sum, one) => sum + one.record.memoryMb * seenMs(one), 0)
  const billed = finished.reduce((sum, { record }) => {
    return sum + record.memoryMb * Math.round(record.durationMicroseconds / 1000)
  }, 0)
  return [
    none(
      'billed for less than ran, or rounded wrongly',
      wrong.map((one) => {
        const { id, functionName } = one.run
        return `${id} of ${functionName}: ${one.record.billedMs} ms, seen ${seenMs(one)} ms`
      }),
    ),
    { what: 'MB-ms billed', found: billed, note: `the recorder itself saw ${Math.round(seen)}` },
  ]
}

/**
 * An environment runs one attempt at a time, so what is billed for one must be over before the next
 * begins there: the recorder sees from outside neither an event's way in nor its answer's way out.
 */
function overlaps(pairs: readonly Attempted[]): string[] {
  const last = new Map<string, Attempted>()
  const ordered = [...pairs].sort((a, b) => a.record.startedAt - b.record.startedAt)
  return ordered.flatMap((one) => {
    const before = last.get(one.run.host)
    last.set(one.run.host, one)
    if (!before) return []
    const { startedAt, durationMicroseconds } = before.record
    const over = startedAt + durationMicroseconds / 1000 - one.record.startedAt
    return over > PREEMPTED_MS
      ? [`${before.run.id} of ${before.run.functionName}: ${Math.round(over)} ms too long`]
      : []
  })
}
