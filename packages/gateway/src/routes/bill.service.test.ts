// Questions to metering on a real NATS, while the books change hands: whoever asks does not notice,
// unless nobody takes them up.

import type { BillQuestion, BillWord } from '@hearth/bus/bill-messages'
import { openClaims } from '@hearth/bus/claims'
import { connectBus } from '@hearth/bus/connect'
import { SUBJECTS } from '@hearth/bus/messages'
import { createRequests, type Requests } from '@hearth/bus/requests'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Nats, startNats } from '../../../../e2e/servers.ts'
import { getBill, tellReconciliation } from './bill.ts'

const account = '000000000000'
const MOVES_MS = 1_500
let nats: Nats
let requests: Requests
let close: () => Promise<void>

beforeAll(async () => {
  nats = await startNats()
  const bus = await connectBus({ url: nats.url, monitorUrl: nats.monitorUrl })
  const claims = await openClaims('127.0.0.1', '127.0.0.1')
  requests = createRequests(bus, claims)
  close = async () => {
    await claims.close()
    await bus.close()
  }
})
afterAll(async () => {
  await close?.()
  await nats?.stop()
})

const answerBills = () =>
  requests.answer<BillQuestion, BillWord, object>(SUBJECTS.bill, (_, respond) => {
    respond.first({ made: true })
    respond.last({}, Buffer.from('{"requests":7}'))
  })

test('a question finds the books when they have changed hands meanwhile', async () => {
  answerBills().close()
  const asked = getBill({ account, requests }, {})
  const proven = tellReconciliation({ account, requests }, {})
  await new Promise((resolve) => setTimeout(resolve, MOVES_MS))
  const bills = answerBills()
  const proofs = requests.answer(SUBJECTS.reconciliation, (_, respond) => {
    respond.first({ state: 'none' })
  })
  const { body } = await asked
  expect(Buffer.from(body as Uint8Array).toString()).toBe('{"requests":7}')
  expect(await proven).toMatchObject({ status: 200, body: '{"state":"none"}' })
  bills.close()
  proofs.close()
})

test('that nobody takes up is answered in the end', { timeout: 20_000 }, async () => {
  await expect(getBill({ account, requests }, {})).rejects.toMatchObject({
    code: 'ServiceUnavailableException',
    message: 'Service is unavailable: metering does not answer.',
  })
})
