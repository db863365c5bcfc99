// Mappings of DynamoDB Streams on moto's tables and the checkpoints of a real NATS: AWS's records
// of changes with their images, binary values, and a LATEST that passes over what was before.

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  CreateTableCommand,
  DeleteItemCommand,
  DynamoDBClient,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import { type Bus, connectBus } from '@hearth/bus/connect'
import type { EventSourceMapping } from '@hearth/core/event-source-mapping'
import { type Checkpoints, openCheckpoints } from '@hearth/store/checkpoints'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startMoto } from '../../../../e2e/neighbours.ts'
import { type Nats, type Server, startNats } from '../../../../e2e/servers.ts'
import {
  CREDENTIALS,
  eventually,
  fine,
  type Loop,
  pause,
  REGION,
  runLoop,
} from '../stream-harness.ts'
import { judgeDynamoDbStreams, openDynamoDbStreams } from './dynamodb-streams.ts'
import { mappingOf } from './queue-source.contract.ts'
import type { SourceOptions } from './source.ts'

let moto: Server
let clockmaker: Awaited<ReturnType<typeof startClockmaker>>
let nats: Nats
let bus: Bus
let client: DynamoDBClient
let checkpoints: Checkpoints
let loops: Loop[] = []

beforeAll(async () => {
  ;[moto, nats] = await Promise.all([startMoto(), startNats()])
  clockmaker = await startClockmaker(moto.url)
  bus = await connectBus({ url: nats.url, monitorUrl: nats.monitorUrl })
  checkpoints = await openCheckpoints(bus)
  client = new DynamoDBClient({ region: REGION, endpoint: moto.url, credentials: CREDENTIALS })
})
afterEach(async () => {
  await Promise.all(loops.map((loop) => loop.stop()))
  loops = []
})
afterAll(async () => {
  client?.destroy()
  await bus?.close()
  await Promise.all([clockmaker, moto, nats].map((server) => server?.stop()))
})

/** Between the SDK and moto, which tells times as texts where DynamoDB tells numbers. */
async function startClockmaker(url: string): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { host: _, ...headers } = request.headers
    const answer = await fetch(url, {
      method: 'POST',
      headers: headers as Record<string, string>,
      body: Buffer.concat(chunks),
    })
    const text = await answer.text()
    const told = text.replace(
      /("\w+DateTime": ?)"([^"]+)"/g,
      (_, name: string, time: string) =>
        `${name}${Date.parse(`${time.replace(/Z$/, '')}Z`) / 1000}`,
    )
    response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.0' }).end(told)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => void server.close(),
  }
}

async function createTable(): Promise<{ name: string; arn: string }> {
  const name = `t-${crypto.randomUUID()}`
  const { TableDescription } = await client.send(
    new CreateTableCommand({
      TableName: name,
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
    }),
  )
  return { name, arn: TableDescription?.LatestStreamArn ?? '' }
}

const put = (table: string, id: string, text = 'x') =>
  client.send(
    new PutItemCommand({
      TableName: table,
      Item: {
        id: { S: id },
        text: { S: text },
        bytes: { B: Buffer.from('bytes') },
        list: { L: [{ N: '1' }, { M: { inner: { BS: [Buffer.from('b')] } } }] },
      },
    }),
  )

const mappingFor = (arn: string, settings: Partial<EventSourceMapping> = {}) =>
  mappingOf({
    kind: 'dynamodb',
    sourceArn: arn,
    batchSize: 100,
    startingPosition: 'TRIM_HORIZON',
    ...settings,
  })
const optionsFor = (mapping: EventSourceMapping): SourceOptions => ({
  mapping,
  region: REGION,
  aws: { region: REGION, endpoint: () => clockmaker.url, credentials: CREDENTIALS },
  natsUrl: '',
  valkeyUrl: '',
})

async function run(mapping: EventSourceMapping, epoch = 1): Promise<Loop> {
  const source = await openDynamoDbStreams(optionsFor(mapping))
  const loop = runLoop({ mapping, source, checkpoints, play: fine, epoch })
  loops.push(loop)
  return loop
}

interface Change {
  eventName: string
  dynamodb: Record<string, Record<string, { S?: string }>>
}
const changesOf = (loop: Loop) => loop.events.flatMap(({ Records }) => Records) as unknown[]
const idsOf = (loop: Loop) => (changesOf(loop) as Change[]).map((one) => one.dynamodb.Keys?.id?.S)

test('gives the function AWS records of every change, with its images', async () => {
  const { name, arn } = await createTable()
  await put(name, 'a')
  await put(name, 'a', 'changed')
  await client.send(new DeleteItemCommand({ TableName: name, Key: { id: { S: 'a' } } }))
  const loop = await run(mappingFor(arn))
  await eventually(() => changesOf(loop).length === 3)
  const imageOf = (text: string) => ({
    id: { S: 'a' },
    text: { S: text },
    bytes: { B: Buffer.from('bytes').toString('base64') },
    list: { L: [{ N: '1' }, { M: { inner: { BS: [Buffer.from('b').toString('base64')] } } }] },
  })
  const record = (eventName: string, images: object) => ({
    eventID: expect.any(String),
    eventName,
    eventVersion: expect.any(String),
    eventSource: 'aws:dynamodb',
    awsRegion: REGION,
    dynamodb: {
      ApproximateCreationDateTime: expect.any(Number),
      Keys: { id: { S: 'a' } },
      ...images,
      SequenceNumber: expect.any(String),
      SizeBytes: expect.any(Number),
      StreamViewType: 'NEW_AND_OLD_IMAGES',
    },
    eventSourceARN: arn,
  })
  expect(changesOf(loop)).toEqual([
    record('INSERT', { NewImage: imageOf('x') }),
    record('MODIFY', { NewImage: imageOf('changed'), OldImage: imageOf('x') }),
    record('REMOVE', { OldImage: imageOf('changed') }),
  ])
  await loop.stop()
  await put(name, 'b')
  const next = await run(mappingFor(arn, { uuid: loop.progress.figures().uuid }), 2)
  await eventually(() => changesOf(next).length > 0)
  expect(idsOf(next)).toEqual(['b'])
})

test('filters look at images, and LATEST passes over what was before', async () => {
  const { name, arn } = await createTable()
  await put(name, 'before')
  await pause(1_100)
  const filters = ['{"eventName":["INSERT"],"dynamodb":{"NewImage":{"text":{"S":["wanted"]}}}}']
  const mapping = mappingFor(arn, { startingPosition: 'LATEST', filters })
  const first = await run(mapping)
  await eventually(() => checkpoints.list(mapping).size === 2)
  await first.stop()
  await put(name, 'unwanted')
  await put(name, 'between', 'wanted')
  const second = await run(mapping, 2)
  await eventually(() => second.events.length > 0)
  expect([idsOf(first), idsOf(second)]).toEqual([[], ['between']])
  expect(second.progress.figures()).toMatchObject({ received: 2, filteredOut: 1 })
})

test('a stream that is not there is refused in the words of AWS', async () => {
  const arn = `arn:aws:dynamodb:${REGION}:123456789012:table/none/stream/2020-01-01T00:00:00.000`
  expect(await judgeDynamoDbStreams(optionsFor(mappingFor(arn)))).toEqual({
    code: 'InvalidParameterValueException',
    message: `Stream not found: ${arn}`,
  })
})
