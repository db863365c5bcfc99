// The metering role: one at a time keeps the books, answers what a month cost, reviews budgets and
// charges provisioned concurrency. Others stand by. Nothing that it has in memory matters: a new
// holder starts from what is stored, and a holder that was paused loses its compare-and-set.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Requests } from '@hearth/bus/requests'
import { isSpent, monthAt } from '@hearth/core/budget'
import type { LeaseStore } from '@hearth/leases/connect'
import { hold } from '@hearth/leases/ownership'
import type { Budgets } from '@hearth/store/budgets'
import type { Deliveries } from '@hearth/store/deliveries'
import type { Functions } from '@hearth/store/functions'
import type { Ledger } from '@hearth/store/ledger'
import type { UseTotals } from '@hearth/store/use-totals'
import { answerBills, type BillParts, billOf, type Prices } from './bills.ts'
import { Books } from './books.ts'
import { BudgetWatch } from './budget-watch.ts'
import { counted } from './earlier-attempts.ts'
import { createMetrics, type Figures, type MeteringMetrics } from './metrics.ts'
import { ProvisionedMeter } from './provisioned-meter.ts'
import { answerReconciliations } from './reconciliation.ts'

export type { Prices } from './bills.ts'
export { AWS_PRICES } from './prices.data.ts'

export interface MeteringOptions {
  account: string
  region: string
  ledger: Ledger
  totals: UseTotals
  budgets: Budgets
  deliveries: Pick<Deliveries, 'put'>
  functions: Pick<Functions, 'all' | 'cached'>
  prices: Prices
  leases: LeaseStore
  requests: Requests
  report(problem: string): void
}

export interface Metering {
  /** In Prometheus's text format. */
  metrics(): Promise<string>
  close(): Promise<void>
}

const LEASE_MS = 5_000
const RENEW_MS = 1_500
const AGAIN_MS = 1_000
/** Books are stored at most this often, and budgets reviewed. */
const STORE_MS = 500
const PROVISIONED_MS = 1_000
/** Budgets are looked at this often while nothing is used: they may have been changed. */
const REVIEW_MS = 2_000

export function startMetering(options: MeteringOptions): Metering {
  const metrics = createMetrics()
  let isClosing = false
  // A lease that ran out in a pause comes back at once. Two keepers here would overtake each other.
  let former: Promise<void> = Promise.resolve()
  const ownership = hold(options.leases, {
    name: 'metering',
    ttlMs: LEASE_MS,
    renewMs: RENEW_MS,
    onGained(lost) {
      former = former.then(() => keepBooks(options, { metrics, lost }))
      lost.addEventListener('abort', () => {
        if (!isClosing)
          options.report('the lease of the books ran out here; whoever has it keeps them')
      })
    },
  })
  const close = async () => {
    isClosing = true
    await ownership.close()
  }
  return { metrics: metrics.text, close }
}

interface Keeping {
  metrics: MeteringMetrics
  lost: AbortSignal
}

/** Reads on until the lease is lost; after a failure it starts again from what is stored. */
async function keepBooks(options: MeteringOptions, { metrics, lost }: Keeping): Promise<void> {
  while (!lost.aborted) {
    try {
      await readLedger(options, { metrics, lost })
    } catch (error) {
      options.report(`the ledger could not be read on: ${error}`)
    }
    await pause(AGAIN_MS, lost)
  }
}

async function readLedger(options: MeteringOptions, { metrics, lost }: Keeping): Promise<void> {
  const { ledger, requests, totals } = options
  const books = await Books.open(totals)
  await tellOfGap(options, books)
  if (lost.aborted) return
  const end = new AbortController()
  const signal = AbortSignal.any([lost, end.signal])
  const bills = { ...options, books, lastSequence: ledger.lastSequence }
  const answering = [
    answerBills(requests, bills),
    answerReconciliations(requests, { ledger, books, signal }),
  ]
  metrics.watch(() => figuresOf(options, bills))
  // At once, and once: whoever keeps the books next may be this process.
  const silence = () => {
    metrics.watch(undefined)
    for (const one of answering.splice(0)) one.close()
  }
  if (signal.aborted) silence()
  else signal.addEventListener('abort', silence, { once: true })
  const mishap = (what: string) => (error: unknown) => options.report(`${what}: ${error}`)
  const turns = [
    repeat(
      () => books.store(metrics.billed),
      { everyMs: STORE_MS, signal },
      (error) => end.abort(error),
    ),
    repeat(
      reviewing(options, bills),
      { everyMs: STORE_MS, signal },
      mishap('budgets could not be reviewed'),
    ),
    repeat(
      charging(options, books),
      { everyMs: PROVISIONED_MS, signal },
      mishap('provisioned concurrency could not be charged yet'),
    ),
  ]
  try {
    for await (const entry of ledger.segments({ fromSequence: books.position + 1 }, signal)) {
      const earlier = await counted({ ledger, books, signal }, entry)
      if (signal.aborted) break
      await books.take(entry, earlier)
    }
    end.signal.throwIfAborted()
    if (!lost.aborted) throw new Error('its reading ended')
  } finally {
    end.abort()
    await Promise.all(turns)
  }
}

/** Again and again, one at a time. */
async function repeat(
  work: () => Promise<void>,
  { everyMs, signal }: { everyMs: number; signal: AbortSignal },
  failed: (error: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    await work().catch(failed)
    await pause(everyMs, signal)
  }
}

const pause = (ms: number, signal: AbortSignal) =>
  sleep(ms, undefined, { signal }).catch(() => undefined)

function charging(options: MeteringOptions, books: Books): () => Promise<void> {
  const meter = new ProvisionedMeter({ ...options, books })
  return () => meter.turn(Date.now())
}

function reviewing(options: MeteringOptions, bills: BillParts): () => Promise<void> {
  const watch = new BudgetWatch({
    ...options,
    billOf: (account, month) => billOf(bills, account, month),
  })
  let position = -1
  let reviewedAt = Number.NEGATIVE_INFINITY
  return async () => {
    const now = performance.now()
    if (bills.books.position === position && now < reviewedAt + REVIEW_MS) return
    ;({ position } = bills.books)
    reviewedAt = now
    await watch.turn(Date.now())
  }
}

/** What went before it was read is lost to the books; nobody may find that out by chance. */
async function tellOfGap({ ledger, report }: MeteringOptions, books: Books): Promise<void> {
  const { firstSequence, lastSequence } = await ledger.facts()
  const missing = Math.min(firstSequence, lastSequence + 1) - books.position - 1
  if (missing > 0) report(`${missing} segments of the ledger went before they were billed`)
  if (lastSequence < books.position) {
    report(
      `the ledger ends at segment ${lastSequence}, and the books hold ${books.position}: it has lost ` +
        'its end, and what takes those places is not billed',
    )
  }
}

async function figuresOf(options: MeteringOptions, bills: BillParts): Promise<Figures> {
  const { account, budgets, ledger } = options
  const month = monthAt(Date.now())
  const { awsCharge, total } = await billOf(bills, account, month)
  const states = budgets.states(account)
  const own = budgets.list(account).map((budget) => {
    const state = states[budget.name]
    const used = state?.month === month ? state.used : 0
    const isStopping = isSpent(budget, state, month)
    return { budget, usedRatio: used / budget.limit, isStopping }
  })
  return {
    segmentsBehind: Math.max((await ledger.lastSequence()) - bills.books.position, 0),
    months: [{ account, awsCharge, ownCost: total.ownCost, budgets: own }],
  }
}
