// Hearth's own books, read past Hearth: the ledger, the dead letters and what still waits, straight
// from NATS; and the bill as an operator sees it. It changes nothing.

import type { Reconciliation } from '@hearth/bus/bill-messages'
import { connectBus } from '@hearth/bus/connect'
import { STREAMS } from '@hearth/bus/messages'
import { createStreams, type Streams } from '@hearth/bus/streams'
import { openDeadLetters } from '@hearth/store/dead-letters'
import { fetchNative } from '../../packages/cli/src/client.ts'
import { type Hearth, KEYS } from '../hearth.ts'
import { readLedger } from '../ledger-records.ts'
import type { Books } from './billing.ts'
import type { TrialEvent } from './reporting-function.ts'

export interface Evidence {
  /** How many messages wait in queues, timers and deliveries. */
  waiting(): Promise<number>
  books(): Promise<Books>
  /** Requests that were given up, by what their payload names. */
  buried(functionNames: readonly string[]): Promise<{ id: string; requestId: string }[]>
  close(): Promise<void>
}

const EVENT_STREAMS = 8
const MB_MS_PER_GB_SECOND = 1024 * 1000
const LETTERS_MAX = 100_000
const RECONCILIATION = '/hearth/bill/reconciliation'
const RECONCILED_POLL_MS = 200

export async function openEvidence(hearth: Hearth, account: string): Promise<Evidence> {
  const bus = await connectBus({ url: hearth.nats.url, monitorUrl: hearth.nats.monitorUrl })
  const streams = await createStreams(bus)
  return {
    waiting: () => waiting(streams),
    async books() {
      const records = await readLedger(streams)
      const { rows } = await hearth.bill()
      const bill = rows.map(({ functionName, requests, gbSeconds }) => ({
        functionName,
        requests,
        mbMs: Math.round(gbSeconds * MB_MS_PER_GB_SECOND),
      }))
      return { records, bill, unproven: await unproven(hearth) }
    },
    async buried(functionNames) {
      const letters = await openDeadLetters(streams)
      const found: { id: string; requestId: string }[] = []
      for (const functionName of functionNames) {
        const own = await letters.list({ account, functionName }, { limit: LETTERS_MAX })
        for (const { event, payload } of own) {
          const { id } = JSON.parse(Buffer.from(payload).toString()) as TrialEvent
          found.push({ id, requestId: event.requestId })
        }
      }
      return found
    },
    close: () => bus.close(),
  }
}

/** Hearth's own reconciliation of ledger and totals. @throws Error when there was none. */
async function unproven({ endpoint }: Hearth): Promise<string[]> {
  const client = { endpointUrl: endpoint, region: 'us-east-1', credentials: KEYS }
  let found = await fetchNative<Reconciliation>(client, RECONCILIATION, { body: {} })
  while (found.state === 'running') {
    await new Promise((resolve) => setTimeout(resolve, RECONCILED_POLL_MS))
    found = await fetchNative<Reconciliation>(client, RECONCILIATION)
  }
  if (found.state !== 'done') throw new Error(`no proof: ${JSON.stringify(found)}`)
  return found.differences.map(({ key }) => key)
}

async function waiting(streams: Streams): Promise<number> {
  const names = [
    ...Array.from({ length: EVENT_STREAMS }, (_, shard) => STREAMS.events(shard).name),
    STREAMS.timers.name,
    STREAMS.deliveries.name,
  ]
  const counts = await Promise.all(
    names.map(async (name) => {
      const { subjects } = await streams.facts(name)
      return Object.values(subjects).reduce((sum, count) => sum + count, 0)
    }),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}
