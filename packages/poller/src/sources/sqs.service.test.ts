// SQS as moto speaks it: the contract of queues, AWS's record to the byte, groups in order, and
// AWS's words for a queue that is not there.

import { SendMessageCommand } from '@aws-sdk/client-sqs'
import type { EventSourceMapping } from '@hearth/core/event-source-mapping'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startMoto } from '../../../../e2e/neighbours.ts'
import type { Server } from '../../../../e2e/servers.ts'
import { keepsQueueContract, mappingOf, receiveAll } from './queue-source.contract.ts'
import type { SourceOptions } from './source.ts'
import { judgeSqs, openSqs } from './sqs.ts'
import { ACCOUNT, CREDENTIALS, openTestSqs, REGION, type TestSqs } from './sqs-harness.ts'

let moto: Server
let sqs: TestSqs

beforeAll(async () => {
  moto = await startMoto()
  sqs = openTestSqs(moto.url)
})
afterAll(async () => {
  sqs?.client.destroy()
  await moto?.stop()
})

const optionsFor = (mapping: Partial<EventSourceMapping>): SourceOptions => ({
  mapping: mappingOf(mapping),
  region: REGION,
  aws: { region: REGION, endpoint: () => moto.url, credentials: CREDENTIALS },
  natsUrl: '',
  valkeyUrl: '',
})

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
