// The metering role on a real NATS and Valkey: it says when the ledger is not the one that its
// books were kept from, and after a pause that was longer than its lease it goes on, one keeper
// after another.

import type { BillQuestion, BillWord } from '@hearth/bus/bill-messages'
import { openClaims } from '@hearth/bus/claims'
import { connectBus } from '@hearth/bus/connect'
import { ledgerSubject, SUBJECTS } from '@hearth/bus/messages'
import { createRequests, type Requests } from '@hearth/bus/requests'
import { createStreams } from '@hearth/bus/streams'
import type { Bill } from '@hearth/core/bill'
import { NO_OWN_PRICES } from '@hearth/core/price-list'
import { connectLeases } from '@hearth/leases/connect'
import { openBudgets } from '@hearth/store/budgets'
import { type Ledger, openLedger } from '@hearth/store/ledger'
import { openUseTotals } from '@hearth/store/use-totals'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../../e2e/hearth.ts'
import { type Nats, type Server, startNats, startValkey } from '../../../e2e/servers.ts'
import { recordOf } from './records-harness.ts'
import { AWS_PRICES, type Metering, startMetering } from './start.ts'

const account = '000000000000'
/** Longer than a lease. */
const PAUSE_MS = 6_000
let nats: Nats
let valkey: Server
let ledger: Ledger
let requests: Requests
let metering: Metering
const reports: string[] = []
const closes: (() => unknown)[] = []

beforeAll(async () => {
  ;[nats, valkey] = await Promise.all([startNats(), startValkey()])
  const bus = await connectBus({ url: nats.url, monitorUrl: nats.monitorUrl })
  const claims = await openClaims('127.0.0.1', '127.0.0.1')
  const leases = connectLeases(valkey.url)
  const streams = await createStreams(bus)
  const [totals, budgets] = [await openUseTotals(bus, streams), await openBudgets(bus)]
  ledger = await openLedger(streams)
  requests = createRequests(bus, claims)
  await totals.putHead({ position: 2, recent: [] }, undefined)
  metering = startMetering({
    ...{ account, region: 'us-east-1', ledger, totals, budgets, leases, requests },
    deliveries: { put: async () => {} },
    functions: { all: () => [], cached: () => undefined },
    prices: { aws: AWS_PRICES, own: NO_OWN_PRICES },
    report: (problem) => reports.push(problem),
  })
  closes.push(() => budgets.close(), claims.close, leases.close, bus.close)
})
afterAll(async () => {
  await metering?.close()
  for (const close of closes) await close()
  await Promise.all([nats?.stop(), valkey?.stop()])
})

async function billedRequests(): Promise<number | undefined> {
  const meta = { account, month: '2026-11' }
  const answer = await requests.ask<BillQuestion, BillWord, object>(
    SUBJECTS.bill,
    { meta, body: new Uint8Array(0) },
    { firstWithinMs: 2_000, lastWithinMs: 2_000, promisesLast: ({ made }) => made },
  )
  if (answer.kind !== 'answered' || !answer.first.made) return undefined
  const { body } = await answer.last
  return (JSON.parse(Buffer.from(body).toString()) as Bill).requests
}

const ship = (segment: number) =>
  ledger.ship(ledgerSubject('s', '1', segment), {
    records: [recordOf({ requestId: `${segment}` })],
  })

test('a ledger that has lost its end is told of', async () => {
  // The books are open before what takes the lost places comes.
  await eventually('there is a bill', async () => (await billedRequests()) === 0)
  for (const segment of [1, 2, 3]) await ship(segment)
  await eventually('what follows is billed', async () => (await billedRequests()) === 1)
  expect(reports.filter((one) => one.includes('it has lost its end'))).toHaveLength(1)
})

test('after a pause that was longer than its lease it keeps the books again, alone', async () => {
  await ship(4)
  const until = performance.now() + PAUSE_MS
  while (performance.now() < until);
  await ship(5)
  await eventually('all is billed', async () => (await billedRequests()) === 3)

  expect(reports.filter((one) => one.includes('another process'))).toEqual([])
  expect(reports).toContainEqual(expect.stringContaining('the lease of the books ran out'))
})
