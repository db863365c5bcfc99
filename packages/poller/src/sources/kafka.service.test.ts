// Mappings of Kafka on the cluster that librdkafka carries and the checkpoints of a real NATS:
// AWS's events by partition, poison, item failures, the group's offsets, and owners that change.

import { type Bus, connectBus } from '@hearth/bus/connect'
import type { EventSourceMapping } from '@hearth/core/event-source-mapping'
import { type Checkpoints, openCheckpoints } from '@hearth/store/checkpoints'
import { Admin, Producer } from '@platformatic/kafka'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Kafka, startKafka } from '../../../../e2e/neighbours.ts'
import { type Nats, startNats } from '../../../../e2e/servers.ts'
import {
  eventually,
  fine,
  type Loop,
  type LoopWish,
  type Play,
  pause,
  REGION,
  runLoop,
  type StreamEvent,
} from '../stream-harness.ts'
import { judgeKafka, openKafka } from './kafka.ts'
import { mappingOf } from './queue-source.contract.ts'
import type { SourceOptions } from './source.ts'

interface Sent {
  value: string
  key?: string
  partition?: number
  headers?: Record<string, Buffer>
}
interface KafkaEventRecord {
  topic: string
  partition: number
  offset: number
  value: string
}

let kafka: Kafka
let nats: Nats
let bus: Bus
let admin: Admin
let producer: Producer
let checkpoints: Checkpoints
let loops: Loop[] = []

beforeAll(async () => {
  ;[kafka, nats] = await Promise.all([startKafka(2), startNats()])
  bus = await connectBus({ url: nats.url, monitorUrl: nats.monitorUrl })
  checkpoints = await openCheckpoints(bus)
  const client = { clientId: 'test', bootstrapBrokers: kafka.brokers, autocreateTopics: true }
  admin = new Admin(client)
  producer = new Producer(client)
}, 120_000)
afterEach(async () => {
  await Promise.all(loops.map((loop) => loop.stop()))
  loops = []
})
afterAll(async () => {
  await Promise.allSettled([admin?.close(), producer?.close(), bus?.close()])
  await Promise.all([kafka, nats].map((server) => server?.stop()))
})

const bytes = (text: string) => Buffer.from(text)

async function send(topic: string, messages: readonly Sent[]): Promise<void> {
  await producer.send({
    acks: 1,
    messages: messages.map(({ value, key, partition = 0, headers }) => ({
      ...{ topic, partition, value: bytes(value) },
      ...(key !== undefined && { key: bytes(key) }),
      ...(headers && {
        headers: new Map(Object.entries(headers).map(([name, one]) => [bytes(name), one])),
      }),
    })),
  })
}

const newTopic = () => `t-${crypto.randomUUID()}`
const numbered = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => `${index + from}`)
const plain = (texts: readonly string[], partition = 0) =>
  texts.map((value) => ({ value, partition }))

const mappingFor = (topic: string, settings: Partial<EventSourceMapping> = {}) =>
  mappingOf({
    kind: 'kafka',
    selfManaged: {
      endpoints: { KAFKA_BOOTSTRAP_SERVERS: kafka.brokers },
      topics: [topic],
      access: [],
    },
    batchSize: 100,
    startingPosition: 'TRIM_HORIZON',
    ...settings,
  })
const optionsFor = (mapping: EventSourceMapping): SourceOptions => ({
  mapping,
  region: REGION,
  aws: { region: REGION, endpoint: () => undefined },
  natsUrl: '',
  valkeyUrl: '',
})

async function run(
  mapping: EventSourceMapping,
  play: Play,
  wish: Partial<LoopWish> = {},
): Promise<Loop> {
  const source = await openKafka(optionsFor(mapping))
  const loop = runLoop({ mapping, source, checkpoints, play, ...wish })
  loops.push(loop)
  return loop
}

const recordsIn = ({ records }: StreamEvent) =>
  Object.values(records as Record<string, KafkaEventRecord[]>).flat()
const textsIn = (event: StreamEvent) =>
  recordsIn(event).map(({ value }) => Buffer.from(value, 'base64').toString())
const textsOf = (loop: Loop) => loop.events.flatMap(textsIn)

async function committedOf(groupId: string, topic: string, partition = 0) {
  const topics = [{ name: topic, partitionIndexes: [partition] }]
  const [group] = await admin.listConsumerGroupOffsets({ groups: [{ groupId, topics }] })
  return group?.topics[0]?.partitions[0]?.committedOffset
}

test('gives the function AWS events by partition, and tells the group what is done', async () => {
  const topic = newTopic()
  const headers = { trace: Buffer.from([104, 255]) }
  await send(topic, [{ value: 'one', key: 'k', headers }, { value: 'two' }])
  await send(topic, plain(['three'], 3))
  const mapping = mappingFor(topic)
  const loop = await run(mapping, fine)
  await eventually(() => textsOf(loop).length === 3)
  const first = loop.events.find(({ records }) => `${topic}-0` in (records as object))
  expect(first).toEqual({
    eventSource: 'SelfManagedKafka',
    bootstrapServers: kafka.brokers.join(','),
    records: {
      [`${topic}-0`]: [
        {
          ...{ topic, partition: 0, offset: 0, timestamp: expect.any(Number) },
          timestampType: 'CREATE_TIME',
          key: bytes('k').toString('base64'),
          value: bytes('one').toString('base64'),
          headers: [{ trace: [104, -1] }],
        },
        {
          ...{ topic, partition: 0, offset: 1, timestamp: expect.any(Number) },
          timestampType: 'CREATE_TIME',
          value: bytes('two').toString('base64'),
          headers: [],
        },
      ],
    },
  })
  await eventually(async () => (await committedOf(mapping.uuid, topic)) === 2n)
  await loop.stop()
  await send(topic, plain(['later']))
  const next = await run(mapping, fine, { epoch: 2 })
  await eventually(() => textsOf(next).length === 1)
  await pause(500)
  expect(textsOf(next)).toEqual(['later'])
})

test('bisecting gives up the poison alone, and tells of it', async () => {
  const topic = newTopic()
  await send(topic, plain(numbered(20)))
  const done: string[] = []
  const play: Play = async (event) => {
    if (textsIn(event).includes('13')) return { failed: true }
    done.push(...textsIn(event))
    return {}
  }
  const onFailure = 'arn:aws:sqs:eu-central-1:000000000000:lost'
  const loop = await run(mappingFor(topic, { bisects: true, retriesMax: 1, onFailure }), play)
  await eventually(() => done.length === 19 && loop.told.length === 1)
  expect(done).toEqual(numbered(20).filter((text) => text !== '13'))
  expect(loop.told).toMatchObject([
    {
      requestContext: { condition: 'RetryAttemptsExhausted' },
      KafkaBatchInfo: {
        batchSize: 1,
        bootstrapServers: kafka.brokers.join(','),
        payloadSize: expect.any(Number),
        recordsInfo: { [`${topic}-0`]: { firstRecordOffset: '13', lastRecordOffset: '13' } },
      },
    },
  ])
})

test('item failures name a partition and an offset, and resume there', async () => {
  const topic = newTopic()
  await send(topic, plain(numbered(10)))
  let isFirst = true
  const play: Play = async () => {
    if (!isFirst) return {}
    isFirst = false
    const itemIdentifier = { partition: `${topic}-0`, offset: 4 }
    return { answer: { batchItemFailures: [{ itemIdentifier }] } }
  }
  const loop = await run(mappingFor(topic, { reportsItemFailures: true }), play)
  await eventually(() => loop.events.length === 2)
  expect(loop.events.map(textsIn)).toEqual([numbered(10), numbered(6, 4)])
})

test('filters look into keys and values', async () => {
  const topic = newTopic()
  const values = ['{"kind":"a"}', '{"kind":"b"}', 'text']
  await send(topic, plain(values))
  const loop = await run(mappingFor(topic, { filters: ['{"value":{"kind":["b"]}}'] }), fine)
  await eventually(() => loop.progress.figures().filteredOut === 2 && loop.events.length === 1)
  expect(textsOf(loop)).toEqual(['{"kind":"b"}'])
})

test('begins where the group was, but at its own start once it was reset', async () => {
  const topic = newTopic()
  await send(topic, plain(numbered(10)))
  const groupId = `g-${crypto.randomUUID()}`
  const topics = [{ name: topic, partitionOffsets: [{ partition: 0, offset: 6n }] }]
  await admin.alterConsumerGroupOffsets({ groupId, topics })
  const mapping = mappingFor(topic)
  const { selfManaged } = mapping
  if (!selfManaged) throw new Error('it is self-managed')
  const grouped = { ...mapping, selfManaged: { ...selfManaged, consumerGroupId: groupId } }
  const loop = await run(grouped, fine)
  await eventually(() => textsOf(loop).length === 4)
  await loop.stop()
  expect(textsOf(loop)).toEqual(numbered(4, 6))
  const again = await run({ ...grouped, resets: 1 }, fine)
  await eventually(() => textsOf(again).length === 10)
})

test('LATEST stays where it was first, whoever begins again', async () => {
  const topic = newTopic()
  await send(topic, plain(['before']))
  const mapping = mappingFor(topic, { startingPosition: 'LATEST' })
  const first = await run(mapping, fine)
  await eventually(() => checkpoints.list(mapping).size === 5)
  await first.stop()
  await send(topic, plain(['between']))
  await send(topic, plain(['first of another'], 2))
  const second = await run(mapping, fine, { epoch: 2 })
  await eventually(() => textsOf(second).length === 2)
  expect(textsOf(first)).toEqual([])
  expect(textsOf(second).sort()).toEqual(['between', 'first of another'])
})

test('a position that is not there any more goes on at the oldest record', async () => {
  const topic = newTopic()
  await send(topic, plain(['a', 'b']))
  const source = await openKafka(optionsFor(mappingFor(topic)))
  const { signal } = new AbortController()
  const found: unknown[] = []
  for (let tries = 0; tries < 5 && found.length === 0; tries += 1) {
    const from = { after: '500' }
    const read = await source.read(`${topic}-0`, from, { max: 10, waitMs: 500, signal })
    found.push(...read.records.map(({ position }) => position))
  }
  await source.close()
  expect(found).toEqual(['0', '1'])
})

test('a read gives no more than it was asked for, and goes on in the midst of a batch', async () => {
  const topic = newTopic()
  await send(topic, plain(numbered(10)))
  const source = await openKafka(optionsFor(mappingFor(topic)))
  const { signal } = new AbortController()
  const read = (after: string) =>
    source.read(`${topic}-0`, { after }, { max: 4, waitMs: 500, signal })
  const positions = async (after: string) =>
    (await read(after)).records.map(({ position }) => position)
  expect(await positions('1')).toEqual(numbered(4, 2))
  expect(await positions('5')).toEqual(numbered(4, 6))
  expect(await positions('2')).toEqual(numbered(4, 3))
  // Offset lag: of ten records the fourth to seventh are given, and three are left.
  expect((await read('2')).behindRecords).toBe(3)
  expect(await read('9')).toMatchObject({ behindMs: 0, behindRecords: 0 })
  await source.close()
})

test('stopped again and again in the midst, they skip nothing and keep the order', async () => {
  const topic = newTopic()
  await send(topic, plain(numbered(200)))
  const mapping = mappingFor(topic, { batchSize: 7 })
  const seen: string[] = []
  const play: Play = async (event) => {
    await pause(10)
    seen.push(...textsIn(event))
    return {}
  }
  for (let epoch = 1; new Set(seen).size < 200; epoch += 1) {
    const before = seen.length
    const loop = await run(mapping, play, { epoch })
    await eventually(() => seen.length > before + 60 || new Set(seen).size === 200)
    await loop.stop()
  }
  expect(seen).toEqual(numbered(200))
})

test('a secret that is not there is refused, and is never guessed', async () => {
  const mapping = mappingFor(newTopic())
  const { selfManaged } = mapping
  if (!selfManaged) throw new Error('it is self-managed')
  const access = [{ type: 'BASIC_AUTH', uri: 'arn:aws:secretsmanager:x:1:secret:none' }]
  expect(
    await judgeKafka(optionsFor({ ...mapping, selfManaged: { ...selfManaged, access } })),
  ).toEqual({
    code: 'InvalidParameterValueException',
    message: 'there is no secret arn:aws:secretsmanager:x:1:secret:none',
  })
  expect(await judgeKafka(optionsFor(mapping))).toEqual({ usable: true })
})
