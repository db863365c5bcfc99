// A month of ten million records: how fast metering rolls them up beside merely reading them, how
// its memory grows on the way, what is stored, and how long the bill then takes. The records are
// made here and shipped as schedulers ship them; everything else is a real Hearth.

import { randomUUID } from 'node:crypto'
import { connectBus } from '@hearth/bus/connect'
import { ledgerSubject } from '@hearth/bus/messages'
import { createStreams } from '@hearth/bus/streams'
import type { InvocationRecord } from '@hearth/core/invocation'
import { type Ledger, openLedger } from '@hearth/store/ledger'
import { openUseTotals } from '@hearth/store/use-totals'
import { eventually, type Hearth, http, startHearth } from '../hearth.ts'
import { median } from './load.ts'
import { type Row, row } from './table.ts'

const PER_SEGMENT = 500
const AT_A_TIME = 16
const FUNCTIONS = 200
const MONTH_DAYS = 30
const DAY_MS = 86_400_000
const BYTES_PER_MB = 1024 * 1024
/** By then everything that it loads is loaded. */
const EARLY_SHARE = 0.1
const BILLS = 20
const FLAT = { must: 1.5, moonshot: 1.1 }
const WITHIN_A_SECOND = { must: 1, moonshot: 0.1 }

export async function bill(records: number): Promise<Row[]> {
  const hearth = await startHearth({ roles: 'gateway' })
  const bus = await connectBus({ url: hearth.nats.url, monitorUrl: hearth.nats.monitorUrl })
  try {
    const streams = await createStreams(bus)
    const ledger = await openLedger(streams)
    const segments = Math.ceil(records / PER_SEGMENT)
    await fill(ledger, segments)
    const read = await secondsToRead(ledger, segments)
    const rolled = await rollUp(hearth, segments)
    const ms = await billMs(hearth, records)
    const stored = (await (await openUseTotals(bus, streams)).bytes()) / BYTES_PER_MB
    const kept = (await ledger.facts()).bytes / BYTES_PER_MB
    const title = `${records / 1_000_000} million records`
    const perSecond = (seconds: number) => (segments * PER_SEGMENT) / seconds
    return [
      row(`${title}, rolled up, beside read`, {
        floor: perSecond(read),
        value: perSecond(rolled.seconds),
        unit: '/s',
      }),
      row(
        `${title}, memory, beside a tenth`,
        { floor: rolled.earlyMb, value: rolled.lateMb, unit: 'MB' },
        FLAT,
      ),
      row(`${title}, totals, beside the ledger`, { floor: kept, value: stored, unit: 'MB' }),
      row(
        `${title}, the bill, beside a second`,
        { floor: 1000, value: ms, unit: 'ms' },
        WITHIN_A_SECOND,
      ),
    ]
  } finally {
    await bus.close()
    await hearth.stop()
  }
}

/** As many schedulers would ship them in a month, day by day. */
async function fill(ledger: Ledger, segments: number): Promise<void> {
  let next = 0
  const ship = async () => {
    for (let number = next++; number < segments; number = next++) {
      const records = segmentOf(number, segments)
      await ledger.ship(ledgerSubject('bench', '1', number), { records })
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, ship))
}

function segmentOf(number: number, segments: number): InvocationRecord[] {
  const [year = 0, month = 1] = thisMonth().split('-').map(Number)
  const startedAt = Date.UTC(year, month - 1) + (number / segments) * MONTH_DAYS * DAY_MS
  return Array.from({ length: PER_SEGMENT }, (_, index) => {
    const which = (number * PER_SEGMENT + index * 7) % FUNCTIONS
    return {
      requestId: randomUUID(),
      attempt: 1,
      account: '000000000000',
      functionName: `function-${which}`,
      version: String(1 + (which % 3)),
      ...(which % 2 === 0 && { alias: 'live' }),
      architecture: 'x86_64',
      memoryMb: 512,
      ephemeralStorageMb: 512,
      startedAt: Math.floor(startedAt) + index,
      durationMicroseconds: 20_000 + ((index * 7919) % 30_000),
      initMicroseconds: 0,
      billedMs: 20 + ((index * 7919) % 30),
      start: 'warm',
      outcome: 'success',
    }
  })
}

async function secondsToRead(ledger: Ledger, segments: number): Promise<number> {
  const from = performance.now()
  const end = new AbortController()
  for await (const { sequence } of ledger.segments({ fromSequence: 1 }, end.signal)) {
    if (sequence === segments) end.abort()
  }
  return (performance.now() - from) / 1000
}

/** A metering role of its own, watched from outside. */
async function rollUp(hearth: Hearth, segments: number) {
  const part = await hearth.serve('metering')
  const from = performance.now()
  const address = /^Metrics on (\S+)$/m.exec(part.output())?.[1] ?? ''
  const early = segments * (1 - EARLY_SHARE)
  let earlyMb = 0
  let lateMb = 0
  await eventually(
    'all is rolled up',
    async () => {
      const text = (await http(address)).body.toString()
      const behind = sampleOf(text, 'lambda_ledger_lag_segments')
      lateMb = (sampleOf(text, 'process_resident_memory_bytes') ?? 0) / BYTES_PER_MB
      if (behind !== undefined && behind >= early) earlyMb = lateMb
      return behind === 0
    },
    3_600_000,
  )
  return { seconds: (performance.now() - from) / 1000, earlyMb: earlyMb || lateMb, lateMb }
}

function sampleOf(text: string, name: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${name} `))
  return line === undefined ? undefined : Number(line.slice(name.length))
}

/** @throws Error when the bill is not of all records. */
async function billMs(hearth: Hearth, records: number): Promise<number> {
  const times: number[] = []
  for (let count = 0; count < BILLS; count += 1) {
    const from = performance.now()
    const { requests } = await hearth.bill()
    times.push(performance.now() - from)
    if (requests < records) throw new Error(`the bill has ${requests} of ${records} requests`)
  }
  return median(times)
}

const thisMonth = () => new Date().toISOString().slice(0, 'YYYY-MM'.length)
