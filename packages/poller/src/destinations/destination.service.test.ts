// Deliveries to real servers beside queues and topics: buses, buckets, functions, JetStream; what
// cannot be delivered at all, and what may be later.

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
import { createStreams } from '@hearth/bus/streams'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startMoto } from '../../../../e2e/neighbours.ts'
import { type Nats, type Server, startNats } from '../../../../e2e/servers.ts'
import {
  ACCOUNT,
  arn,
  FUNCTION,
  LETTER,
  type Neighbourhood,
  openNeighbourhood,
  record,
  subjectArn,
  TRACE,
} from './destination-harness.ts'

let moto: Server
let nats: Nats
let next: Neighbourhood

beforeAll(async () => {
  ;[moto, nats] = await Promise.all([startMoto(), startNats()])
  next = await openNeighbourhood(moto, nats)
})
afterAll(async () => {
  await next?.close()
  await Promise.all([moto?.stop(), nats?.stop()])
})

describe('an event bus', () => {
  test.each(['default', 'own'])('(%s) gives the record to the rules that match', async (name) => {
    const events = new EventBridgeClient(next.options)
    const queue = await next.makeQueue(`behind-${name}`)
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
    expect(await next.deliver(busArn, { traceId: TRACE })).toBe('delivered')
    expect(await next.deliver(busArn, { condition: 'Success' })).toBe('delivered')
    const [message, ...rest] = await next.read(queue)
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
  let s3: S3Client
  const keys = async () => {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'failures' }))
    return Contents.map(({ Key = '' }) => Key)
  }
  beforeAll(async () => {
    s3 = new S3Client({ ...next.options, forcePathStyle: true })
    await s3.send(new CreateBucketCommand({ Bucket: 'failures' }))
  })

  test('keeps the record under the name that AWS gives it, once however often it is tried', async () => {
    const about = { id: 'the-same' }
    expect(await next.deliver('arn:aws:s3:::failures', about)).toBe('delivered')
    expect(await next.deliver('arn:aws:s3:::failures', about)).toBe('delivered')
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
    expect(await next.deliver('arn:aws:s3:::failures', { batch })).toBe('delivered')
    const prefix = 'aws/lambda/a1b2/shardId-000000000000/2026/02/03/2026-02-03T04.05.06-'
    expect((await keys()).filter((key) => key.startsWith(prefix))).toHaveLength(1)
  })

  test('keeps no successes, and one that is not there keeps nothing', async () => {
    const success = await next.deliver('arn:aws:s3:::failures', { condition: 'Success' })
    expect(success).toMatchObject({ permanent: true })
    expect(await next.deliver('arn:aws:s3:::nowhere')).toEqual({
      failed: expect.stringContaining('NoSuchBucket'),
      permanent: true,
    })
  })
})

describe('a function', () => {
  test('has the record as its event, the same one however often it is tried', async () => {
    const target = arn('lambda', 'function:g:live')
    for (const id of ['twice', 'twice', 'once']) {
      expect(await next.deliver(target, { id, traceId: TRACE })).toBe('delivered')
    }
    const [first, second, third] = next.enqueued
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
    const outcome = await next.deliver(arn('lambda', 'function:g'), { body })
    expect(outcome).toMatchObject({ permanent: true })
  })
})

describe('a subject of JetStream', () => {
  test('has each delivery once, however often it is tried, with what else is known', async () => {
    const streams = await createStreams(next.bus)
    await streams.open({ name: 'SHOP', subjects: 'shop.>', bytesMax: 1e6, ageSecondsMax: 600 })
    for (const id of ['twice', 'twice', 'once']) {
      const about = { ...LETTER, id, errorMessage: 'two\nlines', traceId: TRACE }
      expect(await next.deliver(subjectArn('shop.failed'), about)).toBe('delivered')
    }
    expect((await streams.facts('SHOP')).subjects).toEqual({ 'shop.failed': 2 })
    const manager = await next.bus.jetstream.jetstreamManager()
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
    expect(await next.deliver(subjectArn('nobody.listens'))).toEqual({
      failed: expect.stringContaining('No stream of JetStream keeps the subject nobody.listens'),
      permanent: false,
    })
  })

  test("that is Hearth's own is no destination", async () => {
    expect(await next.deliver(subjectArn('aq.0.lane'))).toMatchObject({ permanent: true })
  })
})

test.each([
  'arn:aws:s3:::failures',
  arn('events', 'event-bus/default'),
  arn('lambda', 'function:g'),
  'https://example.com/hook',
])('%s is no place for dead letters', async (target) => {
  expect(await next.deliver(target, LETTER)).toEqual({
    failed: expect.stringContaining('A dead-letter queue is'),
    permanent: true,
  })
})

test('an address that means nothing can never receive', async () => {
  expect(await next.deliver('arn:aws:kinesis:us-east-1:123456789012:stream/s')).toEqual({
    failed: expect.stringContaining('no destination that Hearth knows'),
    permanent: true,
  })
})

test('a service that does not answer may answer later, and does', async () => {
  await next.makeQueue('patient')
  await moto.kill()
  for (const target of [arn('sqs', 'patient'), arn('sns', 'nowhere'), 'arn:aws:s3:::failures']) {
    expect(await next.deliver(target)).toMatchObject({ permanent: false })
  }
  await moto.start()
  const queue = await next.makeQueue('patient')
  expect(await next.deliver(arn('sqs', 'patient'))).toBe('delivered')
  expect(await next.read(queue)).toHaveLength(1)
})

test('nothing is delivered by one that is closed', async () => {
  next.destinations.close()
  expect(await next.deliver(arn('sqs', 'patient'))).toMatchObject({ permanent: false })
})
