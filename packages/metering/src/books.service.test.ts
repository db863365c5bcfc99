// The books on a real NATS: stored, read on and migrated, provisioned concurrency charged once by
// whoever tries, and a reconciliation that agrees until somebody tampers.

import { connectBus } from '@hearth/bus/connect'
import { ledgerSubject, STREAMS } from '@hearth/bus/messages'
import { createStreams, type Streams } from '@hearth/bus/streams'
import { openValues } from '@hearth/bus/values'
import type { FunctionDocument } from '@hearth/core/function'
import { type Ledger, openLedger } from '@hearth/store/ledger'
import { openUseTotals, type UseTotals } from '@hearth/store/use-totals'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Nats, startNats } from '../../../e2e/servers.ts'
import { Books, type StoredDay } from './books.ts'
import { ProvisionedMeter } from './provisioned-meter.ts'
import { reconcile } from './reconciliation.ts'
import { recordOf } from './records-harness.ts'

const account = '000000000000'
const NOON = Date.UTC(2026, 10, 3, 12)
let nats: Nats
let bus: Awaited<ReturnType<typeof connectBus>>
let streams: Streams
let ledger: Ledger
let totals: UseTotals

beforeAll(async () => {
  nats = await startNats()
  bus = await connectBus({ url: nats.url, monitorUrl: nats.monitorUrl })
  streams = await createStreams(bus)
  // As an earlier Hearth left it: plain JSON, and a ledger that refuses when it is full.
  await streams.open({ name: 'METER', subjects: 'meter.>', bytesMax: 1 << 31, ageSecondsMax: 1e6 })
  const records = [recordOf({ requestId: 'old', startedAt: NOON })]
  const subject = ledgerSubject('s', '1', 0)
  await streams.append(subject, Buffer.from(JSON.stringify({ records })), { ifAbsent: true })
  const former = { position: 1, recent: ['old#1'], use: {} as Record<string, object> }
  former.use[`${account}/2026-11/f/x86_64`] = { requests: 1, mbMs: 1280, storageMbMs: 0 }
  const values = await openValues(bus, { bucket: 'totals', bytesMax: 1 << 20 })
  await values.put('totals', Buffer.from(JSON.stringify(former)), undefined)
  ledger = await openLedger(streams)
  totals = await openUseTotals(bus, streams)
})
afterAll(async () => {
  await bus?.close()
  await nats?.stop()
})

/** Reads the ledger to its end, as the metering role does. */
async function roll(): Promise<Books> {
  const books = await Books.open(totals)
  const last = await ledger.lastSequence()
  const end = new AbortController()
  if (books.position < last) {
    const from = { fromSequence: books.position + 1 }
    for await (const entry of ledger.segments(from, end.signal)) {
      await books.take(entry)
      if (entry.sequence >= last) end.abort()
    }
  }
  await books.store()
  return books
}

const compare = (books: Pick<Books, 'everything'>, keysMax?: number) =>
  reconcile({ ledger, books, signal: new AbortController().signal, progress: () => {} }, keysMax)
const requests = async (books: Books) =>
  (await books.byMonth(account, '2026-11')).reduce((sum, line) => sum + line.requests, 0)

test('what an earlier Hearth kept is read on', async () => {
  const records = Array.from({ length: 500 }, (_, index) =>
    recordOf({ requestId: `a-${index}`, startedAt: NOON, alias: index % 2 === 0 ? 'live' : 'old' }),
  )
  expect(await ledger.ship(ledgerSubject('s', '1', 1), { records })).toBe('stored')
  expect(await ledger.ship(ledgerSubject('s', '1', 1), { records })).toBe('already there')
  expect(await requests(await roll())).toBe(501)
  expect(await requests(await roll())).toBe(501)
  const { bytes } = await ledger.facts()
  expect(bytes).toBeLessThan(500 * 60)
})

test('ledger and totals agree, in one reading and in several', async () => {
  const again = [recordOf({ requestId: 'a-3', startedAt: NOON, againSince: 1 })]
  const crash = [recordOf({ requestId: 'c', startedAt: NOON, outcome: 'crashed', billedMs: 0 })]
  await ledger.ship(ledgerSubject('s', '1', 2), { records: [...again, ...crash] })
  const books = await roll()
  for (const keysMax of [1_000, 200]) {
    expect(await compare(books, keysMax)).toMatchObject({
      isEqual: true,
      attempts: 501,
      repeated: 1,
      crashed: 1,
      records: 503,
      compared: 1,
      differences: [],
      leftOut: [],
    })
  }
})

test('a ledger that has lost its end is not waited for', async () => {
  const books = await roll()
  const ahead = async () => ({ ...(await books.everything()), position: 1_000_000 })
  const result = await compare({ everything: ahead })
  expect(result).toMatchObject({ state: 'done', position: books.position, isEqual: true })
})

const document = {
  account,
  name: 'p',
  tags: {},
  published: [
    { version: '1', architecture: 'arm64', configuration: { memoryMb: 1024 } },
  ] as FunctionDocument['published'],
  concurrency: {
    revision: 1,
    provisioned: [{ version: '1', alias: 'live', requested: 3, modifiedAt: NOON }],
  },
} as Partial<FunctionDocument> as FunctionDocument
const functions = { all: () => [document] }

test('provisioned concurrency is charged once a period, whoever tries and whenever', async () => {
  const books = await Books.open(totals)
  const meter = () => new ProvisionedMeter({ ledger, books, functions })
  const periods = async () => (await compare(await roll())).provisionedPeriods
  const [first, second] = [meter(), meter()]
  await Promise.all([first.turn(NOON), second.turn(NOON)])
  await first.turn(NOON + 299_999)
  expect(await periods()).toBe(1)
  // Nobody was there for an hour, and whoever comes knows nothing.
  await meter().turn(NOON + 3_600_000)
  await first.turn(NOON + 3_600_000)
  expect(await periods()).toBe(13)
  const now = await roll()
  const lines = await now.byMonth(account, '2026-11')
  expect(lines.find(({ functionName }) => functionName === 'p')).toMatchObject({
    version: '1',
    alias: 'live',
    architecture: 'arm64',
    requests: 0,
    configuredMbMs: 13 * 300_000 * 3 * 1024,
  })
  expect((await compare(now)).isEqual).toBe(true)
})

test('a planted fault is found, and named', async () => {
  const at = { account, day: '2026-11-03' }
  const found = await totals.day<StoredDay>(at)
  const [line] = found?.value.lines ?? []
  if (!found || !line) throw new Error('the day is not there')
  line.splice(5, 1, (line[5] ?? 0) + 1)
  await totals.putDay(at, found.value, found.revision)
  const result = await compare(await Books.open(totals))
  expect(result).toMatchObject({ isEqual: false, differencesInAll: 1 })
  expect(result.differences[0]).toMatchObject({
    key: `${account}/2026-11/f/x86_64`,
    ledger: { requests: 501 },
    totals: { requests: 502 },
  })
})

test('a period counts once, whatever the ledger has let go', async () => {
  const books = await roll()
  const periodsOf = async (of: Books) => {
    const lines = await of.byMonth(account, '2026-11')
    const found = lines.find(({ functionName }) => functionName === 'p')
    return (found?.configuredMbMs ?? 0) / (300_000 * 3 * 1024)
  }
  const meter = (of: Pick<Books, 'nextPeriods'>) =>
    new ProvisionedMeter({ ledger, books: of, functions })
  expect(await periodsOf(books)).toBe(13)
  await streams.purge(STREAMS.ledger.name, 'meter._provisioned.>')
  const { messages } = await ledger.facts()
  await meter(books).turn(NOON + 3_600_000)
  expect((await ledger.facts()).messages).toBe(messages)
  // Whoever was paused since the first turn charges all once more, and one more than all.
  await meter({ nextPeriods: async () => new Map() }).turn(NOON + 3_900_000)
  expect((await ledger.facts()).messages).toBe(messages + 14)
  expect(await periodsOf(await roll())).toBe(14)
})
