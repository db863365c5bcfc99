// Event source mappings through the AWS SDK, where no poller takes them up: what is asked is shown
// again in AWS's members, states stay as they were written, and what AWS refuses is refused in its
// words.

import {
  CreateEventSourceMappingCommand,
  type CreateEventSourceMappingCommandInput,
  DeleteEventSourceMappingCommand,
  DeleteFunctionCommand,
  GetEventSourceMappingCommand,
  ListEventSourceMappingsCommand,
  PublishVersionCommand,
  UpdateEventSourceMappingCommand,
  type UpdateEventSourceMappingCommandInput,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hearth, startHearth } from './hearth.ts'
import { answerForSources, MISSING } from './source-answers.ts'

let hearth: Hearth
let close: (() => Promise<void>) | undefined
const arn = (service: string, resource: string) =>
  `arn:aws:${service}:us-east-1:000000000000:${resource}`
const own = (kind: string, resource: string) =>
  `arn:aws-hearth:${kind}:us-east-1:000000000000:${resource}`
const FUNCTION = arn('lambda', 'function:f')
const files = { 'index.mjs': 'export const handler = async () => {}' }
beforeAll(async () => {
  hearth = await startHearth({ roles: 'gateway,scheduler,metering' })
  await Promise.all([
    hearth.create({ FunctionName: 'f', files }),
    hearth.create({ FunctionName: 'g', files }),
  ])
  await hearth.lambda.send(new PublishVersionCommand({ FunctionName: 'f' }))
})
afterAll(async () => {
  await close?.()
  await hearth?.stop()
})

const create = (input: Partial<CreateEventSourceMappingCommandInput>) =>
  hearth.lambda.send(new CreateEventSourceMappingCommand({ FunctionName: 'f', ...input }))
const update = (input: UpdateEventSourceMappingCommandInput) =>
  hearth.lambda.send(new UpdateEventSourceMappingCommand(input))
const get = (UUID?: string) => hearth.lambda.send(new GetEventSourceMappingCommand({ UUID }))
const refused = (message: string | RegExp, more: object = {}) => ({
  name: 'InvalidParameterValueException',
  message: typeof message === 'string' ? message : expect.stringMatching(message),
  ...more,
})

test('without anybody who could read it no source is accepted, and nothing is left', async () => {
  await expect(create({ EventSourceArn: arn('sqs', 'early') })).rejects.toMatchObject({
    name: 'ServiceUnavailableException',
    $metadata: { httpStatusCode: 503 },
  })
  const { EventSourceMappings } = await hearth.lambda.send(new ListEventSourceMappingsCommand({}))
  expect(EventSourceMappings).toEqual([])
  close = await answerForSources(hearth)
})

describe('a mapping', () => {
  test('of a queue is shown as AWS shows it', async () => {
    const { $metadata, ...created } = await create({
      EventSourceArn: arn('sqs', 'orders'),
      ScalingConfig: { MaximumConcurrency: 5 },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    })
    expect($metadata.httpStatusCode).toBe(202)
    const expected = {
      UUID: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      EventSourceMappingArn: arn('lambda', `event-source-mapping:${created.UUID}`),
      EventSourceArn: arn('sqs', 'orders'),
      FunctionArn: FUNCTION,
      LastModified: expect.any(Date),
      State: 'Creating',
      StateTransitionReason: 'USER_INITIATED',
      BatchSize: 10,
      MaximumBatchingWindowInSeconds: 0,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 5 },
    }
    expect(created).toEqual(expected)
    expect(Math.abs((created.LastModified?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000)
    const { $metadata: again, ...found } = await get(created.UUID)
    expect([again.httpStatusCode, found]).toEqual([200, expected])
  })

  test('of a stream, too', async () => {
    const stream = arn('kinesis', 'stream/clicks')
    const { $metadata: _, ...created } = await create({
      FunctionName: 'f:1',
      EventSourceArn: stream,
      StartingPosition: 'AT_TIMESTAMP',
      StartingPositionTimestamp: new Date(1_700_000_000_000),
      FilterCriteria: { Filters: [{ Pattern: '{"data":{"n":[{"numeric":[">",1]}]}}' }] },
      DestinationConfig: { OnFailure: { Destination: arn('sqs', 'failed') } },
      TumblingWindowInSeconds: 30,
      MaximumRetryAttempts: 3,
    })
    expect(created).toEqual({
      UUID: created.UUID,
      EventSourceMappingArn: arn('lambda', `event-source-mapping:${created.UUID}`),
      EventSourceArn: stream,
      FunctionArn: `${FUNCTION}:1`,
      LastModified: expect.any(Date),
      LastProcessingResult: 'No records processed',
      State: 'Creating',
      StateTransitionReason: 'User action',
      StartingPosition: 'AT_TIMESTAMP',
      StartingPositionTimestamp: new Date(1_700_000_000_000),
      BatchSize: 100,
      MaximumBatchingWindowInSeconds: 0,
      FunctionResponseTypes: [],
      FilterCriteria: { Filters: [{ Pattern: '{"data":{"n":[{"numeric":[">",1]}]}}' }] },
      BisectBatchOnFunctionError: false,
      DestinationConfig: { OnFailure: { Destination: arn('sqs', 'failed') } },
      MaximumRecordAgeInSeconds: -1,
      MaximumRetryAttempts: 3,
      ParallelizationFactor: 1,
      TumblingWindowInSeconds: 30,
    })
    const cleared = await update({ UUID: created.UUID, FilterCriteria: {}, DestinationConfig: {} })
    expect(cleared.FilterCriteria).toBeUndefined()
    expect(cleared.DestinationConfig).toEqual({ OnFailure: {} })
  })

  test('of an own Kafka, NATS or Redis names its servers', async () => {
    const access = [{ Type: 'BASIC_AUTH', URI: arn('secretsmanager', 'secret:s') }] as const
    const { $metadata: _, ...kafka } = await create({
      SelfManagedEventSource: { Endpoints: { KAFKA_BOOTSTRAP_SERVERS: ['kafka:1000'] } },
      Topics: ['topic'],
      StartingPosition: 'TRIM_HORIZON',
      SourceAccessConfigurations: [...access],
    })
    expect(kafka).toEqual({
      UUID: kafka.UUID,
      EventSourceMappingArn: expect.any(String),
      FunctionArn: FUNCTION,
      LastModified: expect.any(Date),
      LastProcessingResult: 'No records processed',
      State: 'Creating',
      StateTransitionReason: 'USER_INITIATED',
      StartingPosition: 'TRIM_HORIZON',
      BatchSize: 100,
      SelfManagedEventSource: { Endpoints: { KAFKA_BOOTSTRAP_SERVERS: ['kafka:1000'] } },
      SelfManagedKafkaEventSourceConfig: { ConsumerGroupId: kafka.UUID },
      SourceAccessConfigurations: access,
      Topics: ['topic'],
    })
    await expect(
      create({
        SelfManagedEventSource: {
          Endpoints: { KAFKA_BOOTSTRAP_SERVERS: ['kafka:1000', 'kafka:2000'] },
        },
        Topics: ['topic'],
        StartingPosition: 'LATEST',
        SourceAccessConfigurations: [...access],
      }),
    ).rejects.toMatchObject({
      name: 'ResourceConflictException',
      message:
        'An event source mapping with event source ("kafka:1000,kafka:2000"), function ' +
        `("${FUNCTION}"), topics ("topic") already exists. Please update or delete the existing ` +
        `mapping with UUID ${kafka.UUID}`,
    })
    const servers = { NATS_SERVERS: ['nats://me:secret@nats:4222'] } as object
    const nats = await create({
      EventSourceArn: own('jetstream', 'ORDERS/orders.*.new'),
      SelfManagedEventSource: { Endpoints: servers },
    })
    expect(nats).toMatchObject({
      StartingPosition: 'TRIM_HORIZON',
      SelfManagedEventSource: { Endpoints: servers },
    })
    expect(await create({ EventSourceArn: own('redis', 'orders') })).toMatchObject({
      BatchSize: 10,
      State: 'Creating',
    })
  })

  test('changes, pauses and goes, step by step', async () => {
    const { UUID } = await create({ EventSourceArn: arn('sqs', 'steps') })
    const updated = await update({ UUID, BatchSize: 50, MaximumBatchingWindowInSeconds: 2 })
    expect(updated.$metadata.httpStatusCode).toBe(202)
    expect(updated).toMatchObject({ State: 'Updating', BatchSize: 50 })
    expect((await update({ UUID, Enabled: false })).State).toBe('Disabling')
    expect((await update({ UUID, Enabled: true })).State).toBe('Enabling')
    expect((await update({ UUID, FunctionName: 'g' })).FunctionArn).toBe(
      arn('lambda', 'function:g'),
    )
    const gone = await hearth.lambda.send(new DeleteEventSourceMappingCommand({ UUID }))
    expect([gone.$metadata.httpStatusCode, gone.State]).toEqual([202, 'Deleting'])
    expect((await get(UUID)).State).toBe('Deleting')
    await expect(update({ UUID, BatchSize: 1 })).rejects.toMatchObject({
      name: 'ResourceInUseException',
      message: 'Cannot update the event source mapping because it is in use.',
    })
    await expect(
      create({ FunctionName: 'g', EventSourceArn: arn('sqs', 'steps') }),
    ).rejects.toMatchObject({ name: 'ResourceConflictException' })
  })

  test('outlives its function', async () => {
    await hearth.create({ FunctionName: 'short', files })
    const { UUID } = await create({ FunctionName: 'short', EventSourceArn: arn('sqs', 'long') })
    await hearth.lambda.send(new DeleteFunctionCommand({ FunctionName: 'short' }))
    expect((await get(UUID)).FunctionArn).toBe(arn('lambda', 'function:short'))
  })

  test('is listed by function, by source and page by page', async () => {
    await hearth.create({ FunctionName: 'listed', files })
    const sources = ['l1', 'l2', 'l3'].map((name) => arn('sqs', name))
    for (const EventSourceArn of sources) await create({ FunctionName: 'listed', EventSourceArn })
    const list = async (input: object) => {
      const answer = await hearth.lambda.send(new ListEventSourceMappingsCommand(input))
      return {
        arns: (answer.EventSourceMappings ?? []).map((one) => one.EventSourceArn).sort(),
        next: answer.NextMarker,
      }
    }
    const all = { arns: sources, next: undefined }
    expect(await list({ FunctionName: 'listed' })).toEqual(all)
    expect(await list({ FunctionName: arn('lambda', 'function:listed') })).toEqual(all)
    expect((await list({ EventSourceArn: sources[1] })).arns).toEqual([sources[1]])
    const first = await list({ FunctionName: 'listed', MaxItems: 2 })
    const rest = await list({ FunctionName: 'listed', MaxItems: 2, Marker: first.next })
    expect([...first.arns, ...rest.arns].sort()).toEqual(sources)
    expect(rest.next).toBeUndefined()
  })
})

describe('AWS’s words refuse', () => {
  const queue = arn('sqs', 'words')
  const stream = arn('kinesis', 'stream/words')
  test.each<[string, Partial<CreateEventSourceMappingCommandInput>, object]>([
    ['no source', { FunctionName: 'nobody' }, refused('Unrecognized event source.')],
    [
      'no function',
      { FunctionName: 'nobody', EventSourceArn: queue },
      refused('Function does not exist', { Type: 'User', $metadata: { httpStatusCode: 400 } }),
    ],
    [
      'no version',
      { FunctionName: 'f:9', EventSourceArn: queue },
      refused('Function does not exist'),
    ],
    [
      'a destination of successes',
      {
        FunctionName: 'nobody',
        EventSourceArn: queue,
        DestinationConfig: { OnSuccess: { Destination: queue } },
      },
      refused('Unsupported DestinationConfig parameter for given event source mapping type.'),
    ],
    ['no queue', { EventSourceArn: arn('sqs', 'missing') }, refused(MISSING.message)],
    [
      'no position',
      { EventSourceArn: stream },
      refused(
        "1 validation error detected: Value null at 'startingPosition' failed to satisfy " +
          'constraint: Member must not be null.',
      ),
    ],
    [
      'a strange position',
      { EventSourceArn: stream, StartingPosition: 'invalid' as never },
      {
        name: 'ValidationException',
        message:
          "1 validation error detected: Value 'invalid' at 'startingPosition' failed to satisfy " +
          'constraint: Member must satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]',
      },
    ],
    [
      'a filter that is none',
      { EventSourceArn: queue, FilterCriteria: { Filters: [{ Pattern: 'simple string' }] } },
      refused('Invalid filter pattern definition.'),
    ],
    [
      'a large batch',
      { EventSourceArn: queue, BatchSize: 15 },
      refused(/^Maximum batch window in seconds must be greater than 0/),
    ],
    [
      'a small limit',
      { EventSourceArn: queue, ScalingConfig: { MaximumConcurrency: 1 } },
      {
        name: 'ValidationException',
        message: expect.stringMatching(
          /at 'scalingConfig\.maximumConcurrency' .* greater than or equal to 2$/,
        ),
      },
    ],
    [
      'a strange way to sign in',
      {
        SelfManagedEventSource: { Endpoints: { KAFKA_BOOTSTRAP_SERVERS: ['k:1'] } },
        Topics: ['t'],
        SourceAccessConfigurations: [{ Type: 'MAGIC' as never, URI: 'x' }],
      },
      {
        name: 'ValidationException',
        message: expect.stringMatching(
          /'sourceAccessConfigurations\.1\.member\.type' .* enum value set: \[BASIC_AUTH/,
        ),
      },
    ],
    [
      'strange servers',
      { SelfManagedEventSource: { Endpoints: { OTHER_SERVERS: ['k:1'] } as object } },
      {
        name: 'ValidationException',
        message: expect.stringMatching(
          /'selfManagedEventSource\.endpoints' .*\[KAFKA_BOOTSTRAP_SERVERS\]/,
        ),
      },
    ],
    [
      'what Hearth does not have',
      { EventSourceArn: queue, Queues: ['q'] },
      { name: 'NotImplementedException' },
    ],
    [
      'a source that does not answer',
      { EventSourceArn: arn('sqs', 'silent') },
      { name: 'ServiceUnavailableException', message: 'Service is unavailable: no answer' },
    ],
  ])('%s', async (_, input, error) => {
    await expect(create(input)).rejects.toMatchObject(error)
  })

  test('a second mapping of the pair', async () => {
    const { UUID } = await create({ EventSourceArn: arn('sqs', 'twice') })
    const message =
      `An event source mapping with SQS arn (" ${arn('sqs', 'twice')} ") and function (" f ") ` +
      `already exists. Please update or delete the existing mapping with UUID ${UUID}`
    const conflict = { name: 'ResourceConflictException', message, Type: 'User' }
    await expect(create({ EventSourceArn: arn('sqs', 'twice') })).rejects.toMatchObject(conflict)
    const other = await create({ FunctionName: 'g', EventSourceArn: arn('sqs', 'twice') })
    await expect(update({ UUID: other.UUID, FunctionName: 'f' })).rejects.toMatchObject(conflict)
  })

  test('an unknown mapping', async () => {
    const UUID = '00000000-0000-0000-0000-000000000000'
    const unknown = {
      name: 'ResourceNotFoundException',
      message: 'The resource you requested does not exist.',
    }
    await expect(get(UUID)).rejects.toMatchObject(unknown)
    await expect(update({ UUID })).rejects.toMatchObject(unknown)
    await expect(
      hearth.lambda.send(new DeleteEventSourceMappingCommand({ UUID })),
    ).rejects.toMatchObject(unknown)
  })
})
