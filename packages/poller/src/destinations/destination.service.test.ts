// Deliveries to real servers: AWS's services as moto plays them, and JetStream. What arrives is read
// by whoever would read it: a queue, a queue behind a topic or a rule, a bucket, a stream.

import {
  CreateEventBusCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
} from '@aws-sdk/client-eventbridge'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3'
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import {
  CreateQueueCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { createAnnounce } from '@hearth/bus/announcements'
import { type Bus, connectBus } from '@hearth/bus/connect'
import type { Delivery } from '@hearth/bus/messages'
import { createStreams } from '@hearth/bus/streams'
import type { AsyncEvent } from '@hearth/core/async-event'
import { eventRecord } from '@hearth/core/destination'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startMoto } from '../../../../e2e/neighbours.ts'
import { type Nats, type Server, startNats } from '../../../../e2e/servers.ts'
import type { AwsAccess } from '../sources/source.ts'
import { type Destinations, openDestinations } from './destination.ts'

const ACCOUNT = '123456789012'
const arn = (service: string, rest: string) => `arn:aws:${service}:us-east-1:${ACCOUNT}:${rest}`
const FUNCTION = arn('lambda', 'function:f:$LATEST')
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
const TRACE = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0'

let moto: Server
let nats: Nats
let bus: Bus
let destinations: Destinations
let sqs: SQSClient
let sns: SNSClient
let events: EventBridgeClient
let s3: S3Client
const enqueued: { event: AsyncEvent; payload: string }[] = []

beforeAll(async () => {
  ;[moto, nats] = await Promise.all([startMoto(), startNats()])
  bus = await connectBus({ url: nats.url, monitorUrl: nats.monitorUrl })
  const aws: AwsAccess = { region: 'us-east-1', endpoint: () => moto.url, credentials }
  destinations = openDestinations({
    aws,
    announce: createAnnounce(bus),
    enqueue: async (event, payload) => {
      enqueued.push({ event, payload: Buffer.from(payload).toString() })
    },
    webhooks: { secrets: [], allow: [] },
  })
  const options = { region: 'us-east-1', endpoint: moto.url, credentials }
  sqs = new SQSClient(options)
  sns = new SNSClient(options)
  events = new EventBridgeClient(options)
  s3 = new S3Client({ ...options, forcePathStyle: true })
})
afterAll(async () => {
  destinations?.close()
  await bus?.close()
  await Promise.all([moto?.stop(), nats?.stop()])
})

let made = 0
const record = (payload = '{"a":1}') =>
  eventRecord(
    {
      requestId: 'request',
      functionArn: FUNCTION,
      condition: 'RetriesExhausted',
      invokeCount: 3,
      requestPayload: payload,
      response: { statusCode: 200, executedVersion: '$LATEST', payload },
    },
    0,
  )
function deliver(target: string, about: Partial<Delivery> = {}) {
  made += 1
  return destinations.deliver({
    id: `request-${made}.failed`,
    account: ACCOUNT,
    target,
    as: 'destination',
    condition: 'Failure',
    functionName: 'f',
    functionArn: FUNCTION,
    body: record(),
    requestId: 'request',
    createdAt: Date.UTC(2026, 1, 3, 4, 5, 6, 789),
    ...about,
  })
}
const letter: Partial<Delivery> = {
  as: 'dead letter',
  body: '{"the": "event"}',
  errorCode: 200,
  errorMessage: `${'é'.repeat(511)}a€`,
}
/** The first 1 KB of the message, without half of its last character. */
const ATTRIBUTES = {
  RequestID: ['String', 'request'],
  ErrorCode: ['Number', '200'],
  ErrorMessage: ['String', `${'é'.repeat(511)}a`],
}

async function makeQueue(name: string, Attributes: Record<string, string> = {}): Promise<string> {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes }))
  return QueueUrl ?? ''
}

/** All that a queue has. */
async function read(QueueUrl: string): Promise<Message[]> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['All'],
    }),
  )
  return Messages.length === 0 ? [] : [...Messages, ...(await read(QueueUrl))]
}

describe('a queue', () => {
  test('receives the record as its message, and the trace beside it', async () => {
    const queue = await makeQueue('records')
    expect(await deliver(arn('sqs', 'records'), { traceId: TRACE })).toBe('delivered')
    const [message, ...rest] = await read(queue)
    expect(rest).toEqual([])
    expect(message?.Body).toBe(record())
    expect(message).not.toHaveProperty('MessageAttributes')
    expect(message?.Attributes).toMatchObject({ AWSTraceHeader: TRACE })
  })

  test('receives a dead letter as the event was, with its attributes', async () => {
    const queue = await makeQueue('letters')
    expect(await deliver(arn('sqs', 'letters'), letter)).toBe('delivered')
    const [message] = await read(queue)
    expect(message?.Body).toBe('{"the": "event"}')
    const attributes = Object.entries(message?.MessageAttributes ?? {})
    expect(
      Object.fromEntries(attributes.map(([name, one]) => [name, [one.DataType, one.StringValue]])),
    ).toEqual(ATTRIBUTES)
  })

  test('receives a dead letter that has nothing to say of an error', async () => {
    const queue = await makeQueue('silent')
    const { errorCode: _, ...rest } = letter
    expect(await deliver(arn('sqs', 'silent'), { ...rest, errorMessage: '' })).toBe('delivered')
    const [message] = await read(queue)
    expect(Object.keys(message?.MessageAttributes ?? {})).toEqual(['RequestID'])
  })

  test('receives many at once, each once', async () => {
    const queue = await makeQueue('many')
    const bodies = Array.from({ length: 25 }, (_, index) => `{"n":${index}}`)
    const all = await Promise.all(bodies.map((body) => deliver(arn('sqs', 'many'), { body })))
    expect(new Set(all)).toEqual(new Set(['delivered']))
    const received = (await read(queue)).map(({ Body }) => Body)
    expect(received.sort()).toEqual(bodies.sort())
  })

  test('that is FIFO receives nothing, as on AWS', async () => {
    const queue = await makeQueue('in-order.fifo', {
      FifoQueue: 'true',
      ContentBasedDeduplication: 'true',
    })
    for (const about of [{}, letter]) {
      expect(await deliver(arn('sqs', 'in-order.fifo'), about)).toEqual({
        failed: expect.stringContaining('FIFO'),
        permanent: true,
      })
    }
    expect(await read(queue)).toEqual([])
  })

  test('that is not there can never receive', async () => {
    expect(await deliver(arn('sqs', 'nowhere'))).toEqual({
      failed: expect.stringMatching(/NonExistent|QueueDoesNotExist/),
      permanent: true,
    })
  })

  test('receives no more than a message may hold', async () => {
    await makeQueue('small')
    const body = JSON.stringify('x'.repeat(1_048_576))
    expect(await deliver(arn('sqs', 'small'), { body })).toMatchObject({ permanent: true })
  })
})

describe('a topic', () => {
  let queue: string
  let topic: string
  const publications = async () =>
    (await read(queue)).map(({ Body = '' }) => JSON.parse(Body) as Record<string, unknown>)

  beforeAll(async () => {
    queue = await makeQueue('behind-topic')
    const { TopicArn = '' } = await sns.send(new CreateTopicCommand({ Name: 'news' }))
    topic = TopicArn
    const Endpoint = arn('sqs', 'behind-topic')
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint }))
  })

  test('tells its subscribers the record', async () => {
    expect(await deliver(topic)).toBe('delivered')
    const [heard] = await publications()
    expect(heard).toMatchObject({ TopicArn: topic, Message: record() })
    expect(heard?.MessageAttributes ?? {}).toEqual({})
  })

  test('tells its subscribers of a dead letter, with its attributes', async () => {
    expect(await deliver(topic, letter)).toBe('delivered')
    const [heard] = await publications()
    expect(heard?.Message).toBe('{"the": "event"}')
    const attributes = Object.entries(
      heard?.MessageAttributes as Record<string, { Type: string; Value: string }>,
    )
    expect(
      Object.fromEntries(attributes.map(([name, { Type, Value }]) => [name, [Type, Value]])),
    ).toEqual(ATTRIBUTES)
  })

  test('hears of a record that is too large, without its payloads', async () => {
    expect(await deliver(topic, { body: record(JSON.stringify('x'.repeat(262_144))) })).toBe(
      'delivered',
    )
    const [heard] = await publications()
    const told = JSON.parse(String(heard?.Message))
    const { requestPayload: _, responsePayload: __, ...rest } = JSON.parse(record())
    expect(told).toEqual(rest)
  })

  test('cannot hold a dead letter that is too large', async () => {
    const body = JSON.stringify('x'.repeat(262_144))
    expect(await deliver(topic, { ...letter, body })).toMatchObject({ permanent: true })
    expect(await publications()).toEqual([])
  })

  test('that is FIFO or not there hears nothing', async () => {
    const fifo = await deliver(arn('sns', 'news.fifo'))
    expect(fifo).toEqual({ failed: expect.stringContaining('FIFO'), permanent: true })
    expect(await deliver(arn('sns', 'nowhere'))).toMatchObject({ permanent: true })
  })
})

describe('an event bus', () => {
  test.each(['default', 'own'])('(%s) gives the record to the rules that match', async (name) => {
    const queue = await makeQueue(`behind-${name}`)
    if (name !== 'default') await events.send(new CreateEventBusCommand({ Name: name }))
    await events.send(
      new PutRuleCommand({
        Name: `failures-of-${name}`,
        EventBusName: name,
        EventPattern: JSON.stringify({
          source: ['lambda'],
          'detail-type': ['Lambda Function Invocation Result - Failure'],
          detail: { requestContext: { condition: ['RetriesExhausted'] } },
        }),
      }),
    )
    await events.send(
      new PutTargetsCommand({
        Rule: `failures-of-${name}`,
        EventBusName: name,
        Targets: [{ Id: '1', Arn: arn('sqs', `behind-${name}`) }],
      }),
    )
    const busArn = arn('events', `event-bus/${name}`)
    expect(await deliver(busArn, { traceId: TRACE })).toBe('delivered')
    expect(await deliver(busArn, { condition: 'Success' })).toBe('delivered')
    const [message, ...rest] = await read(queue)
    expect(rest).toEqual([])
    expect(JSON.parse(message?.Body ?? '')).toMatchObject({
      source: 'lambda',
      'detail-type': 'Lambda Function Invocation Result - Failure',
      resources: [busArn, FUNCTION],
      detail: JSON.parse(record()),
    })
  })
})

describe('a bucket', () => {
  const keys = async () => {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'failures' }))
    return Contents.map(({ Key = '' }) => Key)
  }
  beforeAll(() => s3.send(new CreateBucketCommand({ Bucket: 'failures' })))

  test('keeps the record under the name that AWS gives it, once however often it is tried', async () => {
    const about = { id: 'the-same' }
    expect(await deliver('arn:aws:s3:::failures', about)).toBe('delivered')
    expect(await deliver('arn:aws:s3:::failures', about)).toBe('delivered')
    const [Key = '', ...rest] = await keys()
    expect(rest).toEqual([])
    expect(Key).toMatch(
      /^aws\/lambda\/async\/f\/2026\/02\/03\/2026-02-03T04\.05\.06-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    )
    const { Body, ContentType } = await s3.send(new GetObjectCommand({ Bucket: 'failures', Key }))
    expect(await Body?.transformToString()).toBe(record())
    expect(ContentType).toBe('application/json')
  })

  test("keeps a batch's record under its mapping and shard", async () => {
    const batch = { mapping: 'a1b2', shard: 'shardId-000000000000' }
    expect(await deliver('arn:aws:s3:::failures', { batch })).toBe('delivered')
    const prefix = 'aws/lambda/a1b2/shardId-000000000000/2026/02/03/2026-02-03T04.05.06-'
    expect((await keys()).filter((key) => key.startsWith(prefix))).toHaveLength(1)
  })

  test('keeps no successes, and one that is not there keeps nothing', async () => {
    const success = await deliver('arn:aws:s3:::failures', { condition: 'Success' })
    expect(success).toMatchObject({ permanent: true })
    expect(await deliver('arn:aws:s3:::nowhere')).toEqual({
      failed: expect.stringContaining('NoSuchBucket'),
      permanent: true,
    })
  })
})

describe('a function', () => {
  test('has the record as its event, the same one however often it is tried', async () => {
    const target = arn('lambda', 'function:g:live')
    for (const id of ['twice', 'twice', 'once']) {
      expect(await deliver(target, { id, traceId: TRACE })).toBe('delivered')
    }
    const [first, second, third] = enqueued
    expect(first).toMatchObject({
      payload: record(),
      event: {
        account: ACCOUNT,
        functionName: 'g',
        qualifier: 'live',
        invokedArn: target,
        attempt: 1,
        traceId: TRACE,
        requestId: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      },
    })
    expect(second?.event.requestId).toBe(first?.event.requestId)
    expect(third?.event.requestId).not.toBe(first?.event.requestId)
  })

  test('takes no more than an event may be', async () => {
    const body = JSON.stringify('x'.repeat(1_048_576))
    const outcome = await deliver(arn('lambda', 'function:g'), { body })
    expect(outcome).toMatchObject({ permanent: true })
  })
})

describe('a subject of JetStream', () => {
  const subject = (name: string) => `arn:aws-hearth:jetstream-subject:us-east-1:${ACCOUNT}:${name}`

  test('has each delivery once, however often it is tried, with what else is known', async () => {
    const streams = await createStreams(bus)
    await streams.open({ name: 'SHOP', subjects: 'shop.>', bytesMax: 1e6, ageSecondsMax: 600 })
    for (const id of ['twice', 'twice', 'once']) {
      const about = { ...letter, id, errorMessage: 'two\nlines', traceId: TRACE }
      expect(await deliver(subject('shop.failed'), about)).toBe('delivered')
    }
    expect((await streams.facts('SHOP')).subjects).toEqual({ 'shop.failed': 2 })
    const manager = await bus.jetstream.jetstreamManager()
    const stored = await manager.streams.getMessage('SHOP', { seq: 1 })
    expect(stored?.string()).toBe('{"the": "event"}')
    const headers = stored?.header.keys().map((name) => [name, stored.header.get(name)]) ?? []
    expect(Object.fromEntries(headers)).toEqual({
      'Nats-Msg-Id': 'twice',
      'Hearth-Function-Arn': FUNCTION,
      'Hearth-Condition': 'Failure',
      'X-Amzn-Trace-Id': TRACE,
      RequestID: 'request',
      ErrorCode: '200',
      ErrorMessage: 'two lines',
    })
  })

  test('that no stream keeps may have one later', async () => {
    expect(await deliver(subject('nobody.listens'))).toEqual({
      failed: expect.stringContaining('No stream of JetStream keeps the subject nobody.listens'),
      permanent: false,
    })
  })

  test("that is Hearth's own is no destination", async () => {
    expect(await deliver(subject('aq.0.lane'))).toMatchObject({ permanent: true })
  })
})

test.each([
  'arn:aws:s3:::failures',
  arn('events', 'event-bus/default'),
  arn('lambda', 'function:g'),
  'https://example.com/hook',
])('%s is no place for dead letters', async (target) => {
  expect(await deliver(target, letter)).toEqual({
    failed: expect.stringContaining('A dead-letter queue is'),
    permanent: true,
  })
})

test('an address that means nothing can never receive', async () => {
  expect(await deliver('arn:aws:kinesis:us-east-1:123456789012:stream/s')).toEqual({
    failed: expect.stringContaining('no destination that Hearth knows'),
    permanent: true,
  })
})

test('a service that does not answer may answer later, and does', async () => {
  await makeQueue('patient')
  await moto.kill()
  for (const target of [arn('sqs', 'patient'), arn('sns', 'news'), 'arn:aws:s3:::failures']) {
    expect(await deliver(target)).toMatchObject({ permanent: false })
  }
  await moto.start()
  const queue = await makeQueue('patient')
  expect(await deliver(arn('sqs', 'patient'))).toBe('delivered')
  expect(await read(queue)).toHaveLength(1)
})

test('nothing is delivered by one that is closed', async () => {
  destinations.close()
  expect(await deliver(arn('sqs', 'patient'))).toMatchObject({ permanent: false })
})
