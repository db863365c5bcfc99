// The proof that totals are the ledger: it is read whole and added up once more, each distinct
// attempt once, by other means than the books', and compared with the books as they were at the
// same position. It changes nothing, and one runs at a time.

import type {
  ReconcileQuestion,
  Reconciliation,
  ReconciliationDifference,
  ReconciliationResult,
} from '@hearth/bus/bill-messages'
import { type LedgerSegment, SUBJECTS } from '@hearth/bus/messages'
import type { Requests, Subscription } from '@hearth/bus/requests'
import { addUse, NO_USE, type Use } from '@hearth/core/price-list'
import type { Ledger } from '@hearth/store/ledger'
import { attemptOf, dayOf, isWork, useOf, useOfProvisioned } from './billing.ts'
import type { Books } from './books.ts'
import { type Hash, hashOf, KeySet } from './key-set.ts'

export interface ReconcileParts {
  ledger: Pick<Ledger, 'facts' | 'segments' | 'timeOf'>
  books: Pick<Books, 'everything'>
  /** Ends the reading. */
  signal: AbortSignal
  /** So many segments of the ledger have been read. */
  progress(segments: number, of: number): void
}

/** So many attempts are known at a time, in 200 MB; of more, each part in a reading of its own. */
const KEYS_MAX = 12_000_000
const SHOWN_MAX = 100
const MONTH_LENGTH = 'YYYY-MM'.length

interface Counts {
  segments: number
  records: number
  attempts: number
  repeated: number
  crashed: number
  provisionedPeriods: number
}

/** `account/month/function/architecture` -> use. */
type Sums = Map<string, Use>

export async function reconcile(
  parts: ReconcileParts,
  keysMax = KEYS_MAX,
): Promise<ReconciliationResult> {
  const startedAt = performance.now()
  const { position, months } = await parts.books.everything()
  const { firstSequence, lastSequence } = await parts.ledger.facts()
  const from = Math.max(firstSequence, 1)
  const whole = await firstWholeMonth(parts.ledger, from)
  // One that has lost its end would be waited for.
  const read = { from, to: Math.min(position, lastSequence) }
  let ledger: { sums: Sums; counts: Counts } | undefined
  for (let readings = 1; !ledger; readings *= 2) {
    ledger = await addUp(parts, read, { readings, keysMax })
  }
  const isWhole = (key: string) => (key.split('/')[1] ?? '') >= whole
  const totals = totalsOf(months)
  const keys = [...new Set([...ledger.sums.keys(), ...totals.keys()])].sort()
  const compared = keys.filter(isWhole)
  const leftOut = keys.filter((key) => !isWhole(key)).map((key) => key.split('/')[1] ?? '')
  const differences = compared.flatMap((key) => differenceOf(key, ledger.sums, totals) ?? [])
  return {
    state: 'done',
    isEqual: differences.length === 0,
    position: read.to,
    ...ledger.counts,
    compared: compared.length,
    leftOut: [...new Set(leftOut)],
    differences: differences.slice(0, SHOWN_MAX),
    differencesInAll: differences.length,
    seconds: (performance.now() - startedAt) / 1000,
  }
}

/** The ledger forgets its oldest: the month in which it begins now is not all there. */
async function firstWholeMonth(ledger: Pick<Ledger, 'timeOf'>, from: number): Promise<string> {
  if (from === 1) return ''
  const begins = new Date((await ledger.timeOf(from)) ?? Date.now())
  const next = new Date(Date.UTC(begins.getUTCFullYear(), begins.getUTCMonth() + 1))
  return next.toISOString().slice(0, MONTH_LENGTH)
}

/** In one reading or several, each of which knows a part of all attempts; undefined: too many. */
async function addUp(
  parts: ReconcileParts,
  { from, to }: { from: number; to: number },
  { readings, keysMax }: { readings: number; keysMax: number },
): Promise<{ sums: Sums; counts: Counts } | undefined> {
  const sums: Sums = new Map()
  const counts = {
    segments: 0,
    records: 0,
    attempts: 0,
    repeated: 0,
    crashed: 0,
    provisionedPeriods: 0,
  }
  const of = Math.max(to - from + 1, 0) * readings
  for (let part = 0; part < readings; part += 1) {
    const keys = new KeySet()
    const isMine = ({ high }: Hash) => high % readings === part
    const end = new AbortController()
    const signal = AbortSignal.any([end.signal, parts.signal])
    if (to < from) break
    try {
      for await (const { sequence, segment } of parts.ledger.segments(
        { fromSequence: from },
        signal,
      )) {
        if (sequence > to) break
        if (part === 0) addWhole(segment, sums, counts)
        addAttempts(segment, sums, { counts, keys, isMine })
        if (keys.size > keysMax) return undefined
        parts.progress(part * (of / readings) + sequence - from + 1, of)
        if (sequence === to) break
      }
    } finally {
      end.abort()
    }
    if (parts.signal.aborted) throw new Error('the books have gone to another process')
  }
  return { sums, counts }
}

/** What needs no looking for others: periods, and what is only counted. */
function addWhole(segment: LedgerSegment, sums: Sums, counts: Counts): void {
  counts.segments += 1
  counts.records += segment.records.length
  for (const record of segment.provisioned ?? []) {
    counts.provisionedPeriods += 1
    add(sums, record, useOfProvisioned(record))
  }
}

function addAttempts(
  segment: LedgerSegment,
  sums: Sums,
  { counts, keys, isMine }: { counts: Counts; keys: KeySet; isMine(hash: Hash): boolean },
): void {
  for (const record of segment.records) {
    const hash = hashOf(attemptOf(record))
    if (!isMine(hash)) continue
    if (!isWork(record)) counts.crashed += 1
    else if (keys.add(hash)) {
      counts.attempts += 1
      add(sums, record, useOf(record))
    } else counts.repeated += 1
  }
}

interface Owned {
  account: string
  startedAt: number
  functionName: string
  architecture: string
}

function add(sums: Sums, owned: Owned, use: Use): void {
  const month = dayOf(owned).slice(0, MONTH_LENGTH)
  const key = `${owned.account}/${month}/${owned.functionName}/${owned.architecture}`
  sums.set(key, addUse(sums.get(key) ?? NO_USE, use))
}

function totalsOf(months: Awaited<ReturnType<Books['everything']>>['months']): Sums {
  const sums: Sums = new Map()
  for (const [month, lines] of months) {
    for (const line of lines) {
      const key = `${month}/${line.functionName}/${line.architecture}`
      sums.set(key, addUse(sums.get(key) ?? NO_USE, line))
    }
  }
  return sums
}

function differenceOf(
  key: string,
  ledger: Sums,
  totals: Sums,
): ReconciliationDifference | undefined {
  const found = { key, ledger: ledger.get(key) ?? NO_USE, totals: totals.get(key) ?? NO_USE }
  const names = Object.keys(NO_USE) as (keyof Use)[]
  return names.every((name) => found.ledger[name] === found.totals[name]) ? undefined : found
}

/** Begins one when it is asked for, and tells whoever asks how far it is. */
export function answerReconciliations(
  requests: Requests,
  parts: Omit<ReconcileParts, 'progress'>,
): Subscription {
  let latest: Reconciliation = { state: 'none' }
  const begin = () => {
    latest = { state: 'running', segments: 0, of: 0 }
    const progress = (segments: number, of: number) => {
      latest = { state: 'running', segments, of }
    }
    reconcile({ ...parts, progress }).then(
      (result) => {
        latest = result
      },
      (error) => {
        latest = { state: 'failed', why: String(error) }
      },
    )
  }
  return requests.answer<ReconcileQuestion, Reconciliation, never>(
    SUBJECTS.reconciliation,
    ({ meta }, respond) => {
      if (meta.start && latest.state !== 'running') begin()
      respond.first(latest)
    },
  )
}
