// The queue family on its real servers: one contract for SQS, JetStream and Redis Streams, and for
// each what is its own: AWS's record to the byte, kinds of streams, refusals in AWS's words.

import { SendMessageCommand } from '@aws-sdk/client-sqs'
import type { EventSourceMapping } from '@hearth/core/event-source-mapping'
import { jetstream, jetstreamManager, RetentionPolicy } from '@nats-io/jetstream'
import { connect, headers, type NatsConnection } from '@nats-io/transport-node'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startMoto } from '../../../../e2e/neighbours.ts'
import { type Nats, type Server, startNats, startValkey } from '../../../../e2e/servers.ts'
import { judgeJetStream, openJetStream, removeJetStream } from './jetstream.ts'
import { keepsQueueContract, mappingOf, receiveAll } from './queue-source.contract.ts'
import { judgeRedisStream, openRedisStream, removeRedisStream } from './redis-streams.ts'
import type { SourceOptions } from './source.ts'
import { judgeSqs, openSqs } from './sqs.ts'
import { ACCOUNT, CREDENTIALS, openTestSqs, REGION, type TestSqs } from './sqs-harness.ts'

let moto: Server
let nats: Nats
let valkey: Server
let sqs: TestSqs
let connection: NatsConnection
let redis: Redis
let serial = 0

beforeAll(async () => {
  ;[moto, nats, valkey] = await Promise.all([startMoto(), startNats(), startValkey()])
  sqs = openTestSqs(moto.url)
  connection = await connect({ servers: nats.url })
  redis = new Redis(valkey.url)
})
afterAll(async () => {
  sqs?.client.destroy()
  await connection?.close()
  redis?.disconnect()
  await Promise.all([moto, nats, valkey].map((server) => server?.stop()))
})

const optionsFor = (mapping: Partial<EventSourceMapping>): SourceOptions => ({
  mapping: mappingOf(mapping),
  region: REGION,
  aws: { region: REGION, endpoint: () => moto.url, credentials: CREDENTIALS },
  natsUrl: nats.url,
  valkeyUrl: valkey.url,
})

const nameIt = () => {
  serial += 1
  return `source-${serial}`
}

describe('SQS', () => {
  keepsQueueContract(async () => {
    const queue = await sqs.create({ VisibilityTimeout: '2' })
    const options = optionsFor({ sourceArn: queue.arn })
    return {
      open: () => openSqs(options),
      bodyOf: ({ event }) => String(event.body),
      send: (bodies) => queue.send(bodies),
    }
  })

  test('hands out records as AWS shapes them', async () => {
    const queue = await sqs.create()
    const source = await openSqs(optionsFor({ sourceArn: queue.arn }))
    const sent = await sqs.client.send(
      new SendMessageCommand({
        QueueUrl: queue.url,
        MessageBody: '{"a":1}',
        MessageAttributes: {
          Name: { DataType: 'String', StringValue: 'text' },
          Bytes: { DataType: 'Binary', BinaryValue: Uint8Array.of(1, 2, 3) },
        },
      }),
    )
    const [record] = await receiveAll(source, 1)
    expect(record?.event).toEqual({
      messageId: sent.MessageId,
      receiptHandle: record?.handle,
      body: '{"a":1}',
      attributes: {
        ApproximateReceiveCount: '1',
        SentTimestamp: expect.stringMatching(/^\d{13}$/),
        SenderId: expect.any(String),
        ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
      },
      messageAttributes: {
        Name: {
          stringValue: 'text',
          stringListValues: [],
          binaryListValues: [],
          dataType: 'String',
        },
        Bytes: {
          binaryValue: 'AQID',
          stringListValues: [],
          binaryListValues: [],
          dataType: 'Binary',
        },
      },
      md5OfMessageAttributes: sent.MD5OfMessageAttributes,
      md5OfBody: sent.MD5OfMessageBody,
      eventSource: 'aws:sqs',
      eventSourceARN: queue.arn,
      awsRegion: REGION,
    })
    expect(record).not.toHaveProperty('group')
    expect(record?.filtered.body).toEqual({ a: 1 })
    await source.close()
  })

  test('hands out groups of a FIFO queue in order', async () => {
    const queue = await sqs.create({ FifoQueue: 'true' })
    const source = await openSqs(optionsFor({ sourceArn: queue.arn }))
    for (const body of ['a1', 'b1', 'a2']) {
      const group = { MessageGroupId: body.slice(0, 1), MessageDeduplicationId: body }
      await sqs.client.send(
        new SendMessageCommand({ QueueUrl: queue.url, MessageBody: body, ...group }),
      )
    }
    const records = await receiveAll(source, 3)
    const ofGroup = (group: string) =>
      records.filter((record) => record.group === group).map(({ event }) => event.body)
    expect(ofGroup('a')).toEqual(['a1', 'a2'])
    expect(ofGroup('b')).toEqual(['b1'])
    expect(records[0]?.event.attributes).toMatchObject({
      MessageGroupId: 'a',
      MessageDeduplicationId: 'a1',
      SequenceNumber: expect.any(String),
    })
    await source.close()
  })

  test('refuses a queue that is not there in AWS words', async () => {
    const queue = await sqs.create()
    expect(await judgeSqs(optionsFor({ sourceArn: queue.arn }))).toEqual({ usable: true })
    const missing = `arn:aws:sqs:${REGION}:${ACCOUNT}:missing`
    expect(await judgeSqs(optionsFor({ sourceArn: missing }))).toEqual({
      code: 'InvalidParameterValueException',
      message:
        'Error occurred while ReceiveMessage. SQS Error Code: ' +
        'AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: ' +
        'The specified queue does not exist.',
    })
    await expect(openSqs(optionsFor({ sourceArn: missing }))).rejects.toThrow()
  })
})

const streamArn = (stream: string) => `arn:aws-hearth:jetstream:${REGION}:${ACCOUNT}:${stream}`

async function createStream(retention: RetentionPolicy = RetentionPolicy.Limits) {
  const name = nameIt()
  const manager = await jetstreamManager(connection)
  await manager.streams.add({ name, subjects: [`${name}.>`], retention })
  return name
}

describe.each([RetentionPolicy.Limits, RetentionPolicy.Interest, RetentionPolicy.Workqueue])(
  'JetStream, %s',
  (retention) => {
    keepsQueueContract(async () => {
      const stream = await createStream(retention)
      const options = optionsFor({ kind: 'jetstream', sourceArn: streamArn(stream) })
      return {
        open: () => openJetStream(options),
        bodyOf: ({ event }) => Buffer.from(String(event.data), 'base64').toString(),
        async send(bodies) {
          for (const body of bodies) await jetstream(connection).publish(`${stream}.a`, body)
        },
      }
    })
  },
)

describe('JetStream', () => {
  test('hands out records as Hearth documents them, of the subjects that are asked for', async () => {
    const stream = await createStream()
    const arn = streamArn(`${stream}/${stream}.orders.*`)
    const told = headers()
    told.append('Trace', 'a')
    told.append('Trace', 'b')
    await jetstream(connection).publish(`${stream}.other`, 'no')
    await jetstream(connection).publish(`${stream}.orders.1`, '{"a":1}', { headers: told })
    const options = optionsFor({ kind: 'jetstream', sourceArn: arn })
    const source = await openJetStream(options)
    const [record, ...more] = await receiveAll(source, 2, 2_000)
    expect(more).toEqual([])
    expect(record?.event).toEqual({
      eventSource: 'hearth:jetstream',
      eventSourceARN: arn,
      awsRegion: REGION,
      stream,
      subject: `${stream}.orders.1`,
      sequence: 2,
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      headers: { Trace: ['a', 'b'] },
      data: Buffer.from('{"a":1}').toString('base64'),
      deliveryCount: 1,
    })
    expect(record?.id).toBe('2')
    expect(record?.filtered.data).toEqual({ a: 1 })
    await source.close()
    await removeJetStream(options)
    const manager = await jetstreamManager(connection)
    expect((await manager.streams.info(stream)).state.consumer_count).toBe(0)
    await removeJetStream(options)
  })

  test.each([
    ['LATEST', ['c']],
    ['TRIM_HORIZON', ['a', 'b', 'c']],
    ['AT_TIMESTAMP', ['b', 'c']],
  ] as const)('begins at %s and goes on from there', async (startingPosition, expected) => {
    const stream = await createStream()
    const publish = (body: string) => jetstream(connection).publish(`${stream}.x`, body)
    await publish('a')
    await new Promise((resolve) => setTimeout(resolve, 20))
    const startingTimestamp = Date.now()
    await publish('b')
    const options = optionsFor({
      kind: 'jetstream',
      sourceArn: streamArn(stream),
      startingPosition,
      startingTimestamp,
    })
    await (await openJetStream(options)).close()
    await publish('c')
    const source = await openJetStream(options)
    const records = await receiveAll(source, expected.length + 1, 2_000)
    const bodies = records.map(({ event }) => Buffer.from(String(event.data), 'base64').toString())
    expect(bodies).toEqual(expected)
    await source.close()
  })

  test("refuses streams that are not there, and Hearth's own", async () => {
    const judge = (stream: string) =>
      judgeJetStream(optionsFor({ kind: 'jetstream', sourceArn: streamArn(stream) }))
    expect(await judge(await createStream())).toEqual({ usable: true })
    expect(await judge('missing')).toMatchObject({
      message: `Stream not found: ${streamArn('missing')}`,
    })
    for (const own of ['METER', 'LOGS', 'TIMERS', 'ASYNC_3', 'KV_functions']) {
      expect(await judge(own)).toMatchObject({ message: expect.stringMatching(/Hearth's own/) })
      const options = optionsFor({ kind: 'jetstream', sourceArn: streamArn(own) })
      await expect(openJetStream(options)).rejects.toThrow(/Hearth's own/)
    }
  })
})

const keyArn = (key: string) => `arn:aws-hearth:redis:${REGION}:${ACCOUNT}:${key}`

describe('Redis Streams', () => {
  keepsQueueContract(async () => {
    const key = nameIt()
    const options = optionsFor({ kind: 'redis', sourceArn: keyArn(key) })
    return {
      open: () => openRedisStream(options),
      bodyOf: ({ event }) => (event.fields as Record<string, string>).body ?? '',
      async send(bodies) {
        for (const body of bodies) await redis.xadd(key, '*', 'body', body)
      },
    }
  })

  test('hands out records as Hearth documents them, and goes on after a server forgot', async () => {
    const key = `${nameIt()}:with:colons`
    const options = optionsFor({ kind: 'redis', sourceArn: keyArn(key) })
    await redis.xadd(key, '1700000000000-1', 'order', '{"a":1}', 'plain', 'text')
    const source = await openRedisStream(options)
    const [record] = await receiveAll(source, 1)
    expect(record?.event).toEqual({
      eventSource: 'hearth:redis',
      eventSourceARN: keyArn(key),
      awsRegion: REGION,
      stream: key,
      id: '1700000000000-1',
      time: '2023-11-14T22:13:20.000Z',
      fields: { order: '{"a":1}', plain: 'text' },
      deliveryCount: 1,
    })
    expect(record?.filtered.fields).toEqual({ order: { a: 1 }, plain: 'text' })
    await redis.del(key)
    await redis.xadd(key, '*', 'order', 'after')
    const [later] = await receiveAll(source, 1)
    expect(later?.event.fields).toEqual({ order: 'after' })
    await source.close()
    await removeRedisStream(options)
    expect(await redis.xinfo('GROUPS', key)).toEqual([])
  })

  test('counts deliveries, and takes over what a dead poller held', async () => {
    const key = nameIt()
    const options = optionsFor({ kind: 'redis', sourceArn: keyArn(key) })
    const group = `hearth-${options.mapping.uuid}`
    await redis.xadd(key, '*', 'body', 'held')
    await redis.xgroup('CREATE', key, group, '0')
    await redis.xreadgroup('GROUP', group, 'dead', 'COUNT', 1, 'STREAMS', key, '>')
    const [[id] = []] = (await redis.xrange(key, '-', '+')) as [string, string[]][]
    await redis.call('XCLAIM', key, group, 'dead', '0', id ?? '', 'IDLE', '29000', 'JUSTID')
    const source = await openRedisStream(options)
    const [record] = await receiveAll(source, 1, 5_000)
    expect(record?.id).toBe(id)
    expect(record?.event.deliveryCount).toBe(2)
    await source.close()
  })

  test("refuses keys of another kind, and Hearth's own", async () => {
    const judge = (key: string) =>
      judgeRedisStream(optionsFor({ kind: 'redis', sourceArn: keyArn(key) }))
    await redis.set('a-string', 'x')
    expect(await judge('not-there-yet')).toEqual({ usable: true })
    expect(await judge('a-string')).toMatchObject({
      message: 'The key a-string holds a string and not a stream.',
    })
    expect(await judge('hearth:owner:x')).toMatchObject({
      message: expect.stringMatching(/Hearth's own/),
    })
  })
})
