// Work queues on a real NATS: what was stored is handed out until it is done, each subject apart
// from the others, and many that come at once are stored together.

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Nats, startNats } from '../../../e2e/servers.ts'
import { type Bus, connectBus } from './connect.ts'
import { createQueues, type Queues, type Taken } from './queues.ts'

let nats: Nats
let bus: Bus
let queues: Queues

beforeAll(async () => {
  nats = await startNats()
  bus = await connectBus({ url: nats.url, monitorUrl: nats.monitorUrl })
  queues = await createQueues(bus)
  await queues.open({ name: 'Q', subjects: 'q.>', bytesMax: 50_000_000, perSubjectMax: 500 })
})
afterAll(async () => {
  await bus?.close()
  await nats?.stop()
})

const put = (subject: string, text: string) =>
  queues.enqueue('Q', { subject, data: Buffer.from(text), id: `${subject} ${text}` })
const text = ({ data }: Taken) => Buffer.from(data).toString()

async function takeAll(subject: string, max: number): Promise<Taken[]> {
  const lane = await queues.lane('Q', subject)
  const found: Taken[] = []
  for await (const taken of lane.take(max)) found.push(taken)
  return found
}

test('what is done is gone, and what is given back comes again', async () => {
  await put('q.back', 'a')
  const [first] = await takeAll('q.back', 10)
  expect(first && [text(first), first.deliveries]).toEqual(['a', 1])
  first?.giveBack()
  const [second] = await takeAll('q.back', 10)
  expect(second && [text(second), second.deliveries]).toEqual(['a', 2])
  await second?.done()
  expect(await takeAll('q.back', 10)).toEqual([])
  expect((await queues.backlog('Q')).subjects['q.back']).toBeUndefined()
})

test('a backlog says since when the oldest waits, and nothing where nothing waits', async () => {
  expect(await queues.backlog('Q')).toEqual({ subjects: {} })
  const putAt = Date.now()
  await put('q.old', 'a')
  await sleep(1_000)
  await put('q.young', 'b')
  const { subjects, oldestAt = 0 } = await queues.backlog('Q')
  expect(subjects).toEqual({ 'q.old': 1, 'q.young': 1 })
  expect(Math.abs(oldestAt - putAt)).toBeLessThan(900)
  for (const subject of ['q.old', 'q.young']) {
    for (const taken of await takeAll(subject, 1)) await taken.done()
  }
  expect(await queues.backlog('Q')).toEqual({ subjects: {} })
})

test('the same id is stored once', async () => {
  await Promise.all([put('q.same', 'a'), put('q.same', 'a'), put('q.same', 'b')])
  expect((await takeAll('q.same', 10)).map(text).sort()).toEqual(['a', 'b'])
})

test('many at once are all stored, in turns of the disk that they share', async () => {
  const names = Array.from({ length: 400 }, (_, index) => `many ${index}`)
  const before = await connectionsPublished()
  await Promise.all(names.map((name) => put('q.many', name)))
  expect((await queues.backlog('Q')).subjects['q.many']).toBe(400)
  const acknowledged = (await connectionsPublished()) - before
  expect(acknowledged).toBeLessThan(100)
  expect((await takeAll('q.many', 400)).map(text).sort()).toEqual(names.sort())
})

test('a full subject refuses, alone, and one that was refused is not there', async () => {
  const names = Array.from({ length: 520 }, (_, index) => `full ${index}`)
  const stored = await Promise.allSettled(names.map((name) => put('q.full', name)))
  const refused = stored.filter(({ status }) => status === 'rejected')
  expect(refused).toHaveLength(20)
  expect(refused[0]).toMatchObject({ reason: { code: 'TooManyRequestsException' } })
  expect((await queues.backlog('Q')).subjects['q.full']).toBe(500)
  await put('q.other', 'has room')
})

test('what somebody had in hand survives kill -9 of NATS', async () => {
  await put('q.killed', 'a')
  await put('q.killed', 'b')
  const [first] = await takeAll('q.killed', 1)
  expect(first && text(first)).toBe('a')
  await nats.restart()
  for (let tries = 0; !bus.connected() && tries < 100; tries += 1) await sleep(100)
  expect((await queues.backlog('Q')).subjects['q.killed']).toBe(2)
  await first?.done()
  expect((await takeAll('q.killed', 5)).map(text)).toEqual(['b'])
})

/** Answers that the server has sent to us: one for each publication alone, or batch. */
async function connectionsPublished(): Promise<number> {
  const answer = await fetch(`${nats.monitorUrl}/connz`)
  const { connections } = (await answer.json()) as { connections: { out_msgs: number }[] }
  return connections.reduce((sum, { out_msgs }) => sum + out_msgs, 0)
}
