// AWS's records byte for byte, as its documentation and recordings have them, and every form of
// address.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  batchRecord,
  type EventOutcome,
  eventEntry,
  eventRecord,
  targetOf,
  withoutPayloads,
} from './destination.ts'

const ARN = 'arn:aws:lambda:us-east-1:123456789012:function:f'
const NOW = Date.UTC(2019, 10, 14, 18, 16, 5, 568)
const outcome: EventOutcome = {
  requestId: 'e4b46cbf-b738-4880-8880-a18cdf61200e',
  functionArn: `${ARN}:$LATEST`,
  condition: 'RetriesExhausted',
  invokeCount: 3,
  requestPayload: '{"ORDER_IDS":["9e07af03"]}',
  response: {
    statusCode: 200,
    executedVersion: '$LATEST',
    functionError: 'Unhandled',
    payload: '{"errorMessage":"Process exited before completing request"}',
  },
}

describe('the record of an event', () => {
  test('of one that failed to the end is as AWS documents it', () => {
    expect(eventRecord(outcome, NOW)).toBe(
      '{"version":"1.0","timestamp":"2019-11-14T18:16:05.568Z","requestContext":' +
        '{"requestId":"e4b46cbf-b738-4880-8880-a18cdf61200e",' +
        `"functionArn":"${ARN}:$LATEST","condition":"RetriesExhausted",` +
        '"approximateInvokeCount":3},"requestPayload":{"ORDER_IDS":["9e07af03"]},' +
        '"responseContext":{"statusCode":200,"executedVersion":"$LATEST",' +
        '"functionError":"Unhandled"},"responsePayload":' +
        '{"errorMessage":"Process exited before completing request"}}',
    )
  })

  test('of a success names no error', () => {
    const response = { statusCode: 200, executedVersion: '7', payload: 'null' }
    const record = eventRecord({ ...outcome, condition: 'Success', invokeCount: 1, response }, NOW)
    expect(record).toContain(
      '"responseContext":{"statusCode":200,"executedVersion":"7"},"responsePayload":null}',
    )
  })

  test('of one that never ran has no response', () => {
    const { response: _, ...rest } = outcome
    const record = eventRecord({ ...rest, condition: 'EventAgeExceeded', invokeCount: 0 }, NOW)
    expect(Object.keys(JSON.parse(record))).toEqual([
      'version',
      'timestamp',
      'requestContext',
      'requestPayload',
    ])
  })

  test.each([
    ['numbers that a double cannot hold', '{"n":12345678901234567890}'],
    ['the order of keys that look like numbers', '{"b":1,"2":2,"1":3}'],
    ['keys twice', '{"a":1,"a":2}'],
    ['blanks and quotes inside strings', '{"a \\" b":" \\\\"}'],
    ['a bare value', '"x"'],
  ])('keeps %s as the caller wrote them', (_, requestPayload) => {
    expect(eventRecord({ ...outcome, requestPayload }, NOW)).toContain(
      `"requestPayload":${requestPayload},"responseContext"`,
    )
  })

  test('is compact whatever the event looked like, and says what its JSON says', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(1, '\t', '\r\n  '), (value, indent) => {
        const requestPayload = JSON.stringify(value, null, indent)
        const record = eventRecord({ ...outcome, requestPayload }, NOW)
        expect(record).toContain(`"requestPayload":${JSON.stringify(value)},`)
      }),
    )
  })

  test('tells an answer that is no JSON as a string', () => {
    const response = { statusCode: 200, executedVersion: '$LATEST', payload: '{half' }
    expect(JSON.parse(eventRecord({ ...outcome, response }, NOW)).responsePayload).toBe('{half')
  })

  test('without payloads keeps all else', () => {
    const {
      requestPayload: _,
      responsePayload: __,
      ...rest
    } = JSON.parse(eventRecord(outcome, NOW))
    expect(withoutPayloads(eventRecord(outcome, NOW))).toBe(JSON.stringify(rest))
  })
})

describe('the record of a batch', () => {
  const batchInfo = { KinesisBatchInfo: { shardId: 'shardId-000000000006', batchSize: 500 } }
  const batch = {
    requestId: 'c9b8fa9f',
    functionArn: ARN,
    condition: 'RetryAttemptsExhausted',
    invokeCount: 1,
    batchInfo,
  } as const

  test('has its members in the order of streams, which is not that of events', () => {
    const response = { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' }
    expect(batchRecord({ ...batch, response }, NOW)).toBe(
      `{"requestContext":{"requestId":"c9b8fa9f","functionArn":"${ARN}",` +
        '"condition":"RetryAttemptsExhausted","approximateInvokeCount":1},"responseContext":' +
        '{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},' +
        '"version":"1.0","timestamp":"2019-11-14T18:16:05.568Z","KinesisBatchInfo":' +
        '{"shardId":"shardId-000000000006","batchSize":500}}',
    )
  })

  test('says null where only items failed', () => {
    const response = { statusCode: 200, executedVersion: '$LATEST' }
    expect(batchRecord({ ...batch, response }, NOW)).toContain('"functionError":null')
  })

  test('has no response when the records were too old, and the payload at its end for S3', () => {
    const old = { ...batch, condition: 'RecordAgeExceeded', payload: '{"Records": []}' } as const
    const record = batchRecord(old, NOW)
    expect(record).not.toContain('responseContext')
    expect(record).toMatch(/,"payload":\{"Records":\[\]\}\}$/)
  })
})

test('an event bus is told by whom, what and about which function', () => {
  const busArn = 'arn:aws:events:us-east-1:123456789012:event-bus/default'
  const about = { busArn, functionArn: `${ARN}:$LATEST`, condition: 'Failure' } as const
  expect(eventEntry('{}', about)).toEqual({
    Source: 'lambda',
    DetailType: 'Lambda Function Invocation Result - Failure',
    Detail: '{}',
    Resources: [busArn, `${ARN}:$LATEST`],
    EventBusName: busArn,
  })
})

describe('an address', () => {
  const place = { region: 'eu-west-1', account: '123456789012' }
  const arn = (service: string, rest: string) => `arn:aws:${service}:eu-west-1:123456789012:${rest}`
  const subject = (name: string) =>
    `arn:aws-hearth:jetstream-subject:eu-west-1:123456789012:${name}`

  test.each([
    [arn('lambda', 'function:f'), { kind: 'lambda', ...place, name: 'f' }],
    [arn('lambda', 'function:f:live'), { kind: 'lambda', ...place, name: 'f', qualifier: 'live' }],
    [
      arn('lambda', 'function:f:$LATEST'),
      { kind: 'lambda', ...place, name: 'f', qualifier: '$LATEST' },
    ],
    [arn('sqs', 'q'), { kind: 'sqs', ...place, arn: arn('sqs', 'q'), name: 'q', isFifo: false }],
    [
      arn('sqs', 'q.fifo'),
      { kind: 'sqs', ...place, arn: arn('sqs', 'q.fifo'), name: 'q.fifo', isFifo: true },
    ],
    [arn('sns', 't'), { kind: 'sns', ...place, arn: arn('sns', 't'), name: 't', isFifo: false }],
    [
      arn('events', 'event-bus/default'),
      { kind: 'events', ...place, arn: arn('events', 'event-bus/default'), bus: 'default' },
    ],
    ['arn:aws:s3:::my-bucket', { kind: 's3', bucket: 'my-bucket' }],
    [subject('orders.failed'), { kind: 'subject', ...place, subject: 'orders.failed' }],
    [subject('meters'), { kind: 'subject', ...place, subject: 'meters' }],
    ['https://example.com/hook', { kind: 'webhook', url: 'https://example.com/hook' }],
    ['http://10.0.0.1:8080', { kind: 'webhook', url: 'http://10.0.0.1:8080' }],
  ])('%s is a target', (address, target) => {
    expect(targetOf(address)).toEqual(target)
  })

  test.each([
    '',
    'f',
    'arn:aws:sqs:eu-west-1:123456789012',
    'arn:aws:sqs::123456789012:q',
    'arn:aws:sqs:eu-west-1::q',
    'arn:aws:s3:eu-west-1::my-bucket',
    'arn:aws:s3:::UPPER',
    'arn:aws:kinesis:eu-west-1:123456789012:stream/s',
    'arn:aws-hearth:sqs:eu-west-1:123456789012:q',
    'arn:aws:jetstream-subject:eu-west-1:123456789012:orders',
    arn('sqs', 'q/r'),
    arn('sqs', 'q fifo'),
    arn('lambda', 'function:a.b'),
    arn('lambda', 'f'),
    arn('events', 'default'),
    subject('orders.*'),
    subject('orders.>'),
    subject('orders..x'),
    subject('.orders'),
    subject('orders.'),
    subject('hearth.invoke.a'),
    subject('hearth'),
    subject('meter.a.b.1'),
    subject('$KV.functions.a'),
    subject('$JS.API.STREAM.DELETE.METER'),
    subject('_INBOX.x'),
    subject('x'.repeat(256)),
    'ftp://example.com',
    'https://',
    'https://user:secret@example.com/',
    'https://user@example.com/',
    'https://example.com\\@10.0.0.1/',
    'https://exa mple.com/',
    'https://example.com/\r\nx: y',
  ])('%j is none', (address) => {
    expect(targetOf(address)).toBeUndefined()
  })
})
