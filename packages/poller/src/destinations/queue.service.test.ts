// Queues and topics as moto plays them: what whoever reads a queue, or one behind a topic, finds of
// a record and of a dead letter.

import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startMoto } from '../../../../e2e/neighbours.ts'
import { type Nats, type Server, startNats } from '../../../../e2e/servers.ts'
import {
  ATTRIBUTES,
  arn,
  LETTER,
  type Neighbourhood,
  openNeighbourhood,
  record,
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

describe('a queue', () => {
  test('receives the record as its message, and the trace beside it', async () => {
    const queue = await next.makeQueue('records')
    expect(await next.deliver(arn('sqs', 'records'), { traceId: TRACE })).toBe('delivered')
    const [message, ...rest] = await next.read(queue)
    expect(rest).toEqual([])
    expect(message?.Body).toBe(record())
    expect(message).not.toHaveProperty('MessageAttributes')
    expect(message?.Attributes).toMatchObject({ AWSTraceHeader: TRACE })
  })

  test('receives a dead letter as the event was, with its attributes', async () => {
    const queue = await next.makeQueue('letters')
    expect(await next.deliver(arn('sqs', 'letters'), LETTER)).toBe('delivered')
    const [message] = await next.read(queue)
    expect(message?.Body).toBe('{"the": "event"}')
    const attributes = Object.entries(message?.MessageAttributes ?? {})
    expect(
      Object.fromEntries(attributes.map(([name, one]) => [name, [one.DataType, one.StringValue]])),
    ).toEqual(ATTRIBUTES)
  })

  test('receives a dead letter that has nothing to say of an error', async () => {
    const queue = await next.makeQueue('silent')
    const { errorCode: _, ...rest } = LETTER
    expect(await next.deliver(arn('sqs', 'silent'), { ...rest, errorMessage: '' })).toBe(
      'delivered',
    )
    const [message] = await next.read(queue)
    expect(Object.keys(message?.MessageAttributes ?? {})).toEqual(['RequestID'])
  })

  test('receives many at once, each once', async () => {
    const queue = await next.makeQueue('many')
    const bodies = Array.from({ length: 25 }, (_, index) => `{"n":${index}}`)
    const all = await Promise.all(bodies.map((body) => next.deliver(arn('sqs', 'many'), { body })))
    expect(new Set(all)).toEqual(new Set(['delivered']))
    const received = (await next.read(queue)).map(({ Body }) => Body)
    expect(received.sort()).toEqual(bodies.sort())
  })

  test('that is FIFO receives nothing, as on AWS', async () => {
    const queue = await next.makeQueue('in-order.fifo', {
      FifoQueue: 'true',
      ContentBasedDeduplication: 'true',
    })
    for (const about of [{}, LETTER]) {
      expect(await next.deliver(arn('sqs', 'in-order.fifo'), about)).toEqual({
        failed: expect.stringContaining('FIFO'),
        permanent: true,
      })
    }
    expect(await next.read(queue)).toEqual([])
  })

  test('that is not there can never receive', async () => {
    expect(await next.deliver(arn('sqs', 'nowhere'))).toEqual({
      failed: expect.stringMatching(/NonExistent|QueueDoesNotExist/),
      permanent: true,
    })
  })

  test('receives no more than a message may hold', async () => {
    await next.makeQueue('small')
    const body = JSON.stringify('x'.repeat(1_048_576))
    expect(await next.deliver(arn('sqs', 'small'), { body })).toMatchObject({ permanent: true })
  })
})

describe('a topic', () => {
  let queue: string
  let topic: string
  const publications = async () =>
    (await next.read(queue)).map(({ Body = '' }) => JSON.parse(Body) as Record<string, unknown>)

  beforeAll(async () => {
    const sns = new SNSClient(next.options)
    queue = await next.makeQueue('behind-topic')
    const { TopicArn = '' } = await sns.send(new CreateTopicCommand({ Name: 'news' }))
    topic = TopicArn
    const Endpoint = arn('sqs', 'behind-topic')
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint }))
  })

  test('tells its subscribers the record', async () => {
    expect(await next.deliver(topic)).toBe('delivered')
    const [heard] = await publications()
    expect(heard).toMatchObject({ TopicArn: topic, Message: record() })
    expect(heard?.MessageAttributes ?? {}).toEqual({})
  })

  test('tells its subscribers of a dead LETTER, with its attributes', async () => {
    expect(await next.deliver(topic, LETTER)).toBe('delivered')
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
    expect(await next.deliver(topic, { body: record(JSON.stringify('x'.repeat(262_144))) })).toBe(
      'delivered',
    )
    const [heard] = await publications()
    const told = JSON.parse(String(heard?.Message))
    const { requestPayload: _, responsePayload: __, ...rest } = JSON.parse(record())
    expect(told).toEqual(rest)
  })

  test('cannot hold a dead letter that is too large', async () => {
    const body = JSON.stringify('x'.repeat(262_144))
    expect(await next.deliver(topic, { ...LETTER, body })).toMatchObject({ permanent: true })
    expect(await publications()).toEqual([])
  })

  test('that is FIFO or not there hears nothing', async () => {
    const fifo = await next.deliver(arn('sns', 'news.fifo'))
    expect(fifo).toEqual({ failed: expect.stringContaining('FIFO'), permanent: true })
    expect(await next.deliver(arn('sns', 'nowhere'))).toMatchObject({ permanent: true })
  })
})
