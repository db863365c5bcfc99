// What was given up, and what is on its way, on a real NATS: kept whole, once, and apart from what
// else became of the same event; too large for NATS, it goes without its payloads.

import { type Bus, connectBus } from '@hearth/bus/connect'
import type { DeadLetter, Delivery } from '@hearth/bus/messages'
import { createQueues, type Queues } from '@hearth/bus/queues'
import { createStreams } from '@hearth/bus/streams'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Nats, startNats } from '../../../e2e/servers.ts'
import { type DeadLetters, openDeadLetters } from './dead-letters.ts'
import { openDeliveries, readDelivery } from './deliveries.ts'

const account = '000000000000'
const of = { account, functionName: 'f' }
let nats: Nats
let bus: Bus
let queues: Queues
let letters: DeadLetters

beforeAll(async () => {
  nats = await startNats()
  bus = await connectBus({ url: nats.url, monitorUrl: nats.monitorUrl })
  queues = await createQueues(bus)
  letters = await openDeadLetters(await createStreams(bus))
})
afterAll(async () => {
  await bus?.close()
  await nats?.stop()
})

const letter = (requestId: string): DeadLetter => ({
  event: { requestId, ...of, invokedArn: 'arn', acceptedAt: 1, attempt: 3 },
  reason: 'RetriesExhausted',
  at: 2,
})
const delivery = (id: string, body = '{}'): Delivery => ({
  id,
  ...of,
  target: 'arn:aws:sqs:us-east-1:000000000000:q',
  as: 'destination',
  condition: 'Failure',
  functionArn: 'arn',
  body,
  requestId: 'r',
  createdAt: 1,
})
const bury = (one: DeadLetter, text: string) => letters.bury(one, Buffer.from(text))
const payloads = async () =>
  (await letters.list(of, { limit: 100 })).map(({ payload }) => Buffer.from(payload).toString())

test('an event is kept once; what could not be told of it is kept beside it, each', async () => {
  await bury(letter('r'), 'event')
  await bury(letter('r'), 'again')
  for (const id of ['r.failed', 'r.dead']) {
    const { body, ...told } = delivery(id, id)
    await bury({ ...letter('r'), delivery: told }, body)
  }
  expect(await payloads()).toEqual(['event', 'r.failed', 'r.dead'])
  expect(Object.values(await letters.counts())).toEqual([3])
})

test('pages go on where the last one ended, and what is removed is gone', async () => {
  const [first] = await letters.list(of, { limit: 1 })
  const fromSequence = (first?.sequence ?? 0) + 1
  const rest = await letters.list(of, { fromSequence, limit: 100 })
  expect(rest).toHaveLength(2)
  for (const one of [first, ...rest]) if (one) await letters.remove(one)
  expect(await payloads()).toEqual([])
  expect(await letters.list({ account, functionName: 'nobody' }, { limit: 5 })).toEqual([])
})

test.each([
  ['whole', 'x'.repeat(6_291_000), true],
  ['whole, whatever its letters', '"'.repeat(3_000_000), true],
  ['without its payloads', 'x'.repeat(8_100_000), false],
])('a delivery that is large is kept %s', async (_, answer, isWhole) => {
  const deliveries = await openDeliveries(queues, { publish: () => {} })
  const record = JSON.stringify({ version: '1.0', responsePayload: answer })
  await deliveries.put(delivery(`large-${answer.length}`, record))
  const [subject = ''] = Object.keys((await queues.backlog('DELIVERIES')).subjects)
  const lane = await queues.lane('DELIVERIES', subject)
  for await (const taken of lane.take(1)) {
    const { body } = readDelivery(taken.data)
    expect(JSON.parse(body)).toEqual({
      version: '1.0',
      ...(isWhole && { responsePayload: answer }),
    })
    await taken.done()
  }
  expect(await queues.backlog('DELIVERIES')).toEqual({ subjects: {} })
})
