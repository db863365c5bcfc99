// Mappings as law: which source an ARN means, defaults and limits of each kind, AWS's literal
// refusals, and the one table of states.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ServiceError } from './error.ts'
import { type EventSource, sourceOf } from './event-source.ts'
import {
  conflictOf,
  createMapping,
  deleteMapping,
  type EventSourceMapping,
  isSamePair,
  type MappingState,
  resetMapping,
  settleMapping,
  transitions,
  updateMapping,
} from './event-source-mapping.ts'

const arn = (service: string, resource: string) =>
  `arn:aws:${service}:us-east-1:000000000000:${resource}`
const own = (kind: string, resource: string) =>
  `arn:aws-hearth:${kind}:us-east-1:000000000000:${resource}`
const QUEUE = arn('sqs', 'orders')
const FIFO = arn('sqs', 'orders.fifo')
const STREAM = arn('kinesis', 'stream/clicks')
const TABLE = arn('dynamodb', 'table/users/stream/2026-01-01T00:00:00.000')
const BROKERS = {
  endpoints: { KAFKA_BOOTSTRAP_SERVERS: ['kafka:1000'] },
  topics: ['topic'],
  access: [{ type: 'BASIC_AUTH', uri: 'arn:aws:secretsmanager:us-east-1:000000000000:secret:s' }],
}

type Wish = Parameters<typeof createMapping>[1]

function create(source: EventSource | string, wish: Wish = {}): EventSourceMapping {
  const about = typeof source === 'string' ? sourceOf({ arn: source }) : source
  const start = about.kind === 'sqs' ? {} : { start: { position: 'TRIM_HORIZON' as const } }
  return createMapping(
    { ...about, uuid: 'u-1', account: '000000000000', functionName: 'f', tags: {} },
    { ...start, ...wish },
    1_000,
  )
}

const refusal = (message: string | RegExp, code = 'InvalidParameterValueException') =>
  expect.objectContaining({
    code,
    message: typeof message === 'string' ? message : expect.stringMatching(message),
  })

describe('a source', () => {
  test.each([
    [QUEUE, 'sqs'],
    [FIFO, 'sqs'],
    [QUEUE.replace('aws', 'aws-cn'), 'sqs'],
    [STREAM, 'kinesis'],
    [arn('kinesis', 'stream/clicks/consumer/fast:1700000000'), 'kinesis'],
    [TABLE, 'dynamodb'],
    [own('jetstream', 'ORDERS'), 'jetstream'],
    [own('jetstream', 'ORDERS/orders.*.new.>'), 'jetstream'],
    [own('redis', 'orders:{eu}:new'), 'redis'],
  ])('%s is %s', (sourceArn, kind) => {
    expect(sourceOf({ arn: sourceArn })).toEqual({ kind, sourceArn })
  })

  test('may have servers of its own', () => {
    expect(sourceOf({ selfManaged: BROKERS })).toEqual({ kind: 'kafka', selfManaged: BROKERS })
    const servers = { endpoints: { NATS_SERVERS: ['nats:4222'] }, topics: [], access: [] }
    const sourceArn = own('jetstream', 'ORDERS')
    expect(sourceOf({ arn: sourceArn, selfManaged: servers })).toEqual({
      kind: 'jetstream',
      sourceArn,
      selfManaged: servers,
    })
    const cluster = arn('kafka', 'cluster/c/1-2')
    expect(sourceOf({ arn: cluster, selfManaged: BROKERS })).toMatchObject({ kind: 'kafka' })
  })

  test.each<[string, Parameters<typeof sourceOf>[0]]>([
    ['nothing', {}],
    ['no ARN', { arn: 'orders' }],
    ['another service', { arn: arn('s3', 'bucket') }],
    ['a name that JavaScript knows', { arn: arn('constructor', 'x') }],
    ['a table without a stream', { arn: arn('dynamodb', 'table/users') }],
    ['our source in AWS', { arn: arn('jetstream', 'ORDERS') }],
    ["AWS's source in ours", { arn: own('sqs', 'orders') }],
    ['a stream with a dot', { arn: own('jetstream', 'OR.DERS') }],
    ['a queue with Kafka’s servers', { arn: QUEUE, selfManaged: BROKERS }],
    [
      'NATS without a stream',
      {
        selfManaged: { endpoints: { NATS_SERVERS: ['n:1'] }, topics: [], access: [] },
      },
    ],
    [
      'servers of two kinds',
      {
        selfManaged: { ...BROKERS, endpoints: { ...BROKERS.endpoints, NATS_SERVERS: ['n:1'] } },
      },
    ],
  ])('is not %s', (_, wish) => {
    expect(() => sourceOf(wish)).toThrow(refusal('Unrecognized event source.'))
  })

  test('that Hearth does not read is refused by name', () => {
    const unread = (sourceArn: string) => () => sourceOf({ arn: sourceArn })
    expect(unread(arn('kafka', 'cluster/c/1'))).toThrow(
      refusal(/KAFKA_BOOTSTRAP_SERVERS/, 'NotImplementedException'),
    )
    expect(unread(arn('mq', 'broker:b:1'))).toThrow(refusal(/MQ/, 'NotImplementedException'))
    expect(unread(arn('rds', 'cluster:c'))).toThrow(
      refusal(/DocumentDB/, 'NotImplementedException'),
    )
  })

  test('of Kafka has a topic and a way to sign in', () => {
    expect(() => sourceOf({ selfManaged: { ...BROKERS, access: [] } })).toThrow(
      refusal("Required 'sourceAccessConfigurations' parameter is missing."),
    )
    expect(() => sourceOf({ selfManaged: { ...BROKERS, topics: [] } })).toThrow(/topics/)
  })
})

test.each<[string, EventSource | string, Partial<EventSourceMapping>]>([
  ['a queue', QUEUE, { batchSize: 10, batchingWindowSeconds: 0, stateReason: 'USER_INITIATED' }],
  [
    'a stream',
    STREAM,
    {
      batchSize: 100,
      batchingWindowSeconds: 0,
      stateReason: 'User action',
      retriesMax: -1,
      recordAgeSecondsMax: -1,
      parallelizationFactor: 1,
      tumblingWindowSeconds: 0,
      bisects: false,
      lastResult: 'No records processed',
      startingPosition: 'TRIM_HORIZON',
    },
  ],
  [
    'Kafka',
    sourceOf({ selfManaged: BROKERS }),
    {
      batchSize: 100,
      batchingWindowSeconds: 0.5,
      lastResult: 'No records processed',
    },
  ],
  ['JetStream', own('jetstream', 'S'), { batchSize: 10, startingPosition: 'TRIM_HORIZON' }],
])('a mapping of %s begins with AWS’s defaults', (_, source, expected) => {
  const mapping = create(source)
  expect(mapping).toMatchObject({ ...expected, state: 'Creating', generation: 1, resets: 0 })
  expect(mapping.lastResult).toBe(expected.lastResult)
})

describe('AWS refuses', () => {
  const start = (position?: string, timestamp?: number) =>
    ({ start: { position, timestamp } }) as Wish
  test.each<[string, EventSource | string, Wish, string | RegExp]>([
    [
      'a large batch without a window',
      QUEUE,
      { batchSize: 11 },
      'Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10',
    ],
    [
      'a window of a FIFO queue',
      FIFO,
      { batchingWindowSeconds: 1 },
      'Batching window is not supported for FIFO queues',
    ],
    ['a large batch of a FIFO queue', FIFO, { batchSize: 11 }, /^Maximum batch window/],
    [
      'a destination of a queue',
      QUEUE,
      { onFailure: QUEUE },
      'Unsupported DestinationConfig parameter for given event source mapping type.',
    ],
    [
      'a destination that is none',
      STREAM,
      { onFailure: arn('iam', 'role/r') },
      /^The destination ARN .* is invalid\.$/,
    ],
    [
      'parallel batches of Kafka',
      sourceOf({ selfManaged: BROKERS }),
      { parallelizationFactor: 2 },
      "Unsupported 'parallelizationFactor' parameter for given event source mapping type.",
    ],
    [
      'retries of a queue',
      QUEUE,
      { retriesMax: 3 },
      "Unsupported 'maximumRetryAttempts' parameter for given event source mapping type.",
    ],
    [
      'a limit of a stream',
      STREAM,
      { maximumConcurrency: 2 },
      "Unsupported 'scalingConfig' parameter for given event source mapping type.",
    ],
    ['a short age', STREAM, { recordAgeSecondsMax: 59 }, /greater than or equal to 60$/],
    [
      'no position',
      STREAM,
      start(),
      "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: " +
        'Member must not be null.',
    ],
    [
      'a time of a table',
      TABLE,
      start('AT_TIMESTAMP', 5),
      `Unsupported starting position for arn type: ${TABLE}`,
    ],
    ['no time', STREAM, start('AT_TIMESTAMP'), /'startingPositionTimestamp'/],
    ['a time for nothing', STREAM, start('LATEST', 5), /only valid with/],
    [
      'a position of a queue',
      QUEUE,
      start('LATEST'),
      'StartingPosition is not valid for SQS event sources.',
    ],
    [
      'a filter that is none',
      QUEUE,
      { filters: ['{"a":"b"}'] },
      'Invalid filter pattern definition.',
    ],
    ['six filters', QUEUE, { filters: Array(6).fill('{}') }, /maximum number of filters/],
  ])('%s', (_, source, wish, message) => {
    expect(() => create(source, wish)).toThrow(refusal(message))
  })

  test('the same of an update, which leaves the mapping as it was', () => {
    const mapping = create(QUEUE)
    expect(() => updateMapping(mapping, { batchSize: 11 }, 2)).toThrow(/^Maximum batch window/)
    expect(mapping).toEqual(create(QUEUE))
  })

  test('a second mapping of the pair, but not of another', () => {
    const pair = create(QUEUE)
    expect(isSamePair(pair, { ...pair, uuid: 'u-2' })).toBe(true)
    expect(isSamePair(pair, { ...pair, qualifier: '1' })).toBe(false)
    expect(isSamePair(pair, create(FIFO))).toBe(false)
    expect(conflictOf(pair, pair, 'arn:f').message).toBe(
      `An event source mapping with SQS arn (" ${QUEUE} ") and function (" f ") already exists. ` +
        'Please update or delete the existing mapping with UUID u-1',
    )
    expect(conflictOf(create(STREAM), create(STREAM), 'arn:f').message).toBe(
      `The event source arn (" ${STREAM} ") and function (" f ") provided mapping already exists. ` +
        'Please update or delete the existing mapping with UUID u-1',
    )
    const kafka = (...servers: string[]) =>
      create(
        sourceOf({ selfManaged: { ...BROKERS, endpoints: { KAFKA_BOOTSTRAP_SERVERS: servers } } }),
      )
    const [one, two] = [kafka('kafka:1000'), kafka('kafka:1000', 'kafka:2000')]
    expect(isSamePair(one, two)).toBe(true)
    expect(isSamePair(one, kafka('kafka:2000'))).toBe(false)
    expect(conflictOf(one, two, 'arn:f').message).toBe(
      'An event source mapping with event source ("kafka:1000,kafka:2000"), function ("arn:f"), ' +
        'topics ("topic") already exists. Please update or delete the existing mapping with UUID u-1',
    )
  })
})

describe('a change', () => {
  const settled = settleMapping(create(STREAM), 2)

  test('of settings is an update; of Enabled it is named after what it does', () => {
    expect(settled.state).toBe('Enabled')
    const updated = updateMapping(settled, { batchSize: 7 }, 3)
    expect(updated).toMatchObject({ state: 'Updating', batchSize: 7, generation: 2, modifiedAt: 3 })
    expect(settleMapping(updated, 4)).toMatchObject({ state: 'Enabled', generation: 2 })
    const paused = updateMapping(settled, { enabled: false }, 3)
    expect(paused).toMatchObject({ state: 'Disabling', enabled: false })
    expect(settleMapping(paused, 4).state).toBe('Disabled')
    const changedAsleep = updateMapping(settleMapping(paused, 4), { batchSize: 9 }, 5)
    expect(changedAsleep.state).toBe('Updating')
    expect(settleMapping(changedAsleep, 6).state).toBe('Disabled')
    expect(updateMapping(settleMapping(paused, 4), { enabled: true }, 5).state).toBe('Enabling')
  })

  test('takes a destination, a limit and a qualifier away again', () => {
    const told = updateMapping(settled, { onFailure: QUEUE }, 3)
    expect(told.onFailure).toBe(QUEUE)
    expect(updateMapping(told, { batchSize: 1 }, 4).onFailure).toBe(QUEUE)
    expect(updateMapping(told, { onFailure: '' }, 4)).not.toHaveProperty('onFailure')
    const limited = create(QUEUE, { maximumConcurrency: 5 })
    expect(updateMapping(limited, { maximumConcurrency: 'none' }, 4)).not.toHaveProperty(
      'maximumConcurrency',
    )
    const aimed = updateMapping(settled, { target: { functionName: 'g', qualifier: '1' } }, 3)
    expect(aimed).toMatchObject({ functionName: 'g', qualifier: '1' })
    expect(updateMapping(aimed, { target: { functionName: 'f' } }, 3)).not.toHaveProperty(
      'qualifier',
    )
  })

  test('of positions throws all of them away, so that older work cannot bring them back', () => {
    const reset = resetMapping(settled, { position: 'AT_TIMESTAMP', timestamp: 9 }, 3)
    expect(reset).toMatchObject({
      startingPosition: 'AT_TIMESTAMP',
      startingTimestamp: 9,
      resets: 1,
      generation: 2,
      state: 'Updating',
    })
    expect(resetMapping(reset, {}, 4)).toMatchObject({ startingTimestamp: 9, resets: 2 })
    expect(resetMapping(reset, { position: 'LATEST' }, 4)).not.toHaveProperty('startingTimestamp')
    expect(() => resetMapping(create(QUEUE), {}, 3)).toThrow(/no checkpoints/)
  })

  test('of one that is going is refused', () => {
    const going = deleteMapping(settled, 3)
    expect(going.state).toBe('Deleting')
    expect(settleMapping(going, 4)).toBe(going)
    const busy = (verb: string) =>
      refusal(
        `Cannot ${verb} the event source mapping because it is in use.`,
        'ResourceInUseException',
      )
    expect(() => updateMapping(going, {}, 4)).toThrow(busy('update'))
    expect(() => resetMapping(going, {}, 4)).toThrow(busy('update'))
    expect(() => deleteMapping(going, 4)).toThrow(busy('delete'))
  })
})

test('whatever is asked in whatever order, states follow the table and generations grow', () => {
  type Step = (mapping: EventSourceMapping, now: number) => EventSourceMapping
  const steps = fc.constantFrom<Step>(
    settleMapping,
    deleteMapping,
    (mapping, now) => updateMapping(mapping, { batchSize: 5 }, now),
    (mapping, now) => updateMapping(mapping, { enabled: false }, now),
    (mapping, now) => updateMapping(mapping, { enabled: true }, now),
    (mapping, now) => resetMapping(mapping, {}, now),
  )
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 20 }), (all) => {
      let mapping = create(STREAM)
      for (const [index, step] of all.entries()) {
        const before = mapping
        try {
          mapping = step(before, index)
        } catch (error) {
          expect(error).toBeInstanceOf(ServiceError)
          expect(before.state).toBe('Deleting')
        }
        const next: readonly MappingState[] = [...transitions[before.state], before.state]
        expect(next).toContain(mapping.state)
        expect(mapping.generation).toBeGreaterThanOrEqual(before.generation)
        expect(mapping.state === 'Enabled' && !mapping.enabled).toBe(false)
        expect(mapping.state === 'Disabled' && mapping.enabled).toBe(false)
      }
      if (mapping.state === 'Deleting') return
      expect(settleMapping(mapping, 99).state).toBe(mapping.enabled ? 'Enabled' : 'Disabled')
    }),
  )
})
