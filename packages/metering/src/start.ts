// The metering role: one at a time reads the ledger in order, moves the totals on by
// compare-and-set, and answers what a month cost. Others stand by. Nothing that it keeps in memory
// matters: a new holder starts from the stored position, and a holder that was paused loses its
// compare-and-set.

import { type LedgerSegment, SUBJECTS } from '@hearth/bus/messages'
import type { Requests, Subscription } from '@hearth/bus/requests'
import { type Bill, type BilledUse, makeBill } from '@hearth/core/bill'
import type { LeaseStore } from '@hearth/leases/connect'
import { hold } from '@hearth/leases/ownership'
import type { Ledger } from '@hearth/store/ledger'
import { AWS_PRICES } from './prices.data.ts'
import { attemptOf, doubtful, isWork, NO_TOTALS, rollUp, type Totals } from './roll-up.ts'

export interface MeteringOptions {
  ledger: Ledger
  leases: LeaseStore
  requests: Requests
  report(problem: string): void
}

export interface Metering {
  close(): Promise<void>
}

export interface BillQuestion {
  account: string
  /** `YYYY-MM`; the current month when absent. */
  month?: string
}

const LEASE_MS = 5_000
const RENEW_MS = 1_500
const AGAIN_MS = 1_000
/** Gateways' clocks and that of NATS. */
const CLOCKS_DIFFER_MS = 60_000
/** Totals are stored at most this often, unless the ledger has been read to its end. */
const STORE_MS = 500

export function startMetering(options: MeteringOptions): Metering {
  const ownership = hold(options.leases, {
    name: 'metering',
    ttlMs: LEASE_MS,
    renewMs: RENEW_MS,
    onGained: (lost) => void keepBooks(options, lost),
  })
  return { close: () => ownership.close() }
}

/** Reads on until the lease is lost; after a failure it starts again from what is stored. */
async function keepBooks(options: MeteringOptions, lost: AbortSignal): Promise<void> {
  while (!lost.aborted) {
    try {
      await readLedger(options, lost)
    } catch (error) {
      options.report(`the ledger could not be read on: ${error}`)
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
  }
}

async function readLedger(options: MeteringOptions, lost: AbortSignal): Promise<void> {
  const { ledger, requests } = options
  const stored = ledger.totals<Totals>()
  const found = await stored.get()
  let totals = found?.value ?? NO_TOTALS
  let revision = found?.revision
  let storedPosition = totals.position
  let storedAt = performance.now()
  const store = async () => {
    if (totals.position === storedPosition) return
    const next = await stored.put(totals, revision)
    if (next === 'stale') throw new Error('another process has moved the totals on')
    revision = next
    storedPosition = totals.position
    storedAt = performance.now()
  }
  const end = new AbortController()
  const signal = AbortSignal.any([lost, end.signal])
  const answering = answerBills(requests, () => totals)
  const timer = setInterval(() => {
    store().catch((error) => end.abort(error))
  }, STORE_MS)
  try {
    for await (const entry of ledger.segments({ fromSequence: totals.position + 1 }, signal)) {
      totals = rollUp(totals, entry, await counted(ledger, totals, entry))
      if (performance.now() - storedAt > 4 * STORE_MS) await store()
    }
  } finally {
    clearInterval(timer)
    answering.close()
  }
}

/** Of the attempts of a segment that were made again: those that an earlier segment has. */
async function counted(
  ledger: Ledger,
  totals: Totals,
  { sequence, segment }: { sequence: number; segment: LedgerSegment },
): Promise<Set<string>> {
  const sought = doubtful(totals, segment)
  const found = new Set<string>()
  if (sought.length === 0) return found
  const names = new Set(sought.map(attemptOf))
  const since = Math.min(...sought.map(({ againSince = 0 }) => againSince))
  const fromTime = Math.max(since - CLOCKS_DIFFER_MS, 0)
  const end = new AbortController()
  for await (const earlier of ledger.segments({ fromTime }, end.signal)) {
    if (earlier.sequence >= sequence) break
    const records = earlier.segment.records.filter(isWork).map(attemptOf)
    for (const name of records) if (names.has(name)) found.add(name)
  }
  end.abort()
  return found
}

function answerBills(requests: Requests, totals: () => Totals): Subscription {
  return requests.answer<BillQuestion, Bill, never>(SUBJECTS.bill, ({ meta }, respond) => {
    const month = meta.month ?? new Date().toISOString().slice(0, 7)
    respond.first(billFor({ account: meta.account, month }, totals()))
  })
}

/** The bill of one account and month. */
export function billFor(question: { account: string; month: string }, totals: Totals): Bill {
  const prefix = `${question.account}/${question.month}/`
  const uses = Object.entries(totals.use)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, use]): BilledUse => {
      const [, , functionName = '', architecture] = key.split('/')
      return { ...use, functionName, architecture: architecture as BilledUse['architecture'] }
    })
    .sort((a, b) => b.mbMs - a.mbMs)
  return makeBill(question, uses, AWS_PRICES)
}
