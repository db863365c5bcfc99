// Looking for the first of two in a real ledger: it finds what is there and ends, whatever clocks
// say, and leaves off when the books are lost.

import { connectBus } from '@hearth/bus/connect'
import { ledgerSubject } from '@hearth/bus/messages'
import { createStreams } from '@hearth/bus/streams'
import { type Ledger, openLedger } from '@hearth/store/ledger'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Nats, startNats } from '../../../e2e/servers.ts'
import { counted } from './earlier-attempts.ts'
import { recordOf } from './records-harness.ts'
import { SeenAttempts } from './seen-attempts.ts'

const HOUR_MS = 3_600_000
let nats: Nats
let bus: Awaited<ReturnType<typeof connectBus>>
let ledger: Ledger

beforeAll(async () => {
  nats = await startNats()
  bus = await connectBus({ url: nats.url, monitorUrl: nats.monitorUrl })
  ledger = await openLedger(await createStreams(bus))
  for (const [index, requestId] of ['a', 'b', 'c'].entries()) {
    await ledger.ship(ledgerSubject('s', '1', index), { records: [recordOf({ requestId })] })
  }
})
afterAll(async () => {
  await bus?.close()
  await nats?.stop()
})

const signal = () => new AbortController().signal
const again = (againSince: number) => ({
  sequence: 3,
  segment: { records: ['a', 'c'].map((requestId) => recordOf({ requestId, againSince })) },
})

test.each([
  ['an hour ago', -HOUR_MS],
  ['an hour from now, by a clock that was set back since', HOUR_MS],
])('a first of %s is found', async (_, offsetMs) => {
  const parts = { ledger, books: new SeenAttempts(), signal: signal() }
  const entry = again(Date.now() + offsetMs)
  expect(await counted(parts, entry)).toEqual(new Set(['a#1']))
})

test('ends with the books that it is for', async () => {
  const parts = { ledger, books: new SeenAttempts(), signal: AbortSignal.timeout(500) }
  // One that the ledger does not have is waited for.
  await counted(parts, { ...again(Date.now()), sequence: 9 })
  expect(parts.signal.aborted).toBe(true)
})
