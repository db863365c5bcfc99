// Event source mappings: how many records a second reach a function through SQS, Kinesis and
// JetStream, beside a plain reader of the same source that does nothing with them. AWS's services
// are moto's, which is slower than either; JetStream is the real one.

import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  PutRecordsCommand,
} from '@aws-sdk/client-kinesis'
import {
  CreateEventSourceMappingCommand,
  type CreateEventSourceMappingCommandInput,
} from '@aws-sdk/client-lambda'
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { connectBus } from '@hearth/bus/connect'
import { createStreams } from '@hearth/bus/streams'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { ensureImages } from '../../packages/cli/src/images.ts'
import { type Hearth, KEYS, startHearth } from '../hearth.ts'
import { hostAddress, type Listener, startListener } from '../listener.ts'
import { MOTO } from '../neighbour-images.ts'
import { startMoto } from '../neighbours.ts'
import { type Row, row } from './table.ts'

interface Source {
  name: string
  records: number
  mapping: Partial<CreateEventSourceMappingCommandInput>
  /** Puts all records in. */
  fill(): Promise<void>
  /** Reads all of them as a plain client would, and leaves the source as `fill` finds it. */
  read(): Promise<void>
}

const REGION = 'us-east-1'
const ACCOUNT = '123456789012'
const MEMORY_MB = 1792
const BODY = JSON.stringify({ text: 'x'.repeat(200) })
const READERS = 5
const SQS_BATCH = 10
const KINESIS_BATCH = 500
const WITHIN_MS = 120_000
const COUNTER = `
  export const handler = async (event) => {
    const count = (event.Records ?? event.records ?? []).length
    await fetch(process.env.LISTENER + '/' + count)
  }`

export async function mappings(): Promise<Row[]> {
  await ensureImages(console.log, [MOTO])
  const [moto, listener] = await Promise.all([startMoto(), startListener()])
  const aws = { AWS_ENDPOINT_URL: moto.url, AWS_ACCESS_KEY_ID: 'test' }
  const hearth = await startHearth({
    env: {
      ...aws,
      AWS_SECRET_ACCESS_KEY: 'test',
      HEARTH_ACCOUNT: ACCOUNT,
      HEARTH_SANDBOX_ALLOW: hostAddress(),
    },
  })
  try {
    await hearth.create({
      FunctionName: 'counter',
      MemorySize: MEMORY_MB,
      Environment: { Variables: { LISTENER: listener.url } },
      files: { 'index.mjs': COUNTER },
    })
    const rows: Row[] = []
    for (const source of [queue(moto.url), shards(moto.url), jetStream(hearth)]) {
      rows.push(await throughput(source, hearth, listener))
    }
    return rows
  } finally {
    await hearth.stop()
    await Promise.all([moto.stop(), listener.close()])
  }
}

async function throughput(source: Source, hearth: Hearth, listener: Listener): Promise<Row> {
  const { name, records, mapping } = source
  await source.fill()
  const from = performance.now()
  await source.read()
  const floor = (records * 1000) / (performance.now() - from)
  await source.fill()
  const since = listener.reports.length
  const input = { FunctionName: 'counter', ...mapping }
  await hearth.lambda.send(new CreateEventSourceMappingCommand(input))
  const until = performance.now() + WITHIN_MS
  const told = () => listener.reports.slice(since)
  const count = () => told().reduce((sum, { what }) => sum + Number(what), 0)
  while (count() < records && performance.now() < until) await sleep(20)
  const [first, last] = [told().at(0), told().at(-1)]
  if (!first || !last || count() < records) throw new Error(`${name} gave ${count()} records`)
  // The first batch is where the clock starts, so it is not counted.
  const value = ((records - Number(first.what)) * 1000) / (last.at - first.at)
  return row(`records through ${name}`, { floor, value, unit: '/s' })
}

function queue(endpoint: string): Source {
  const sqs = new SQSClient({ endpoint, region: REGION, credentials: KEYS })
  const records = 1_000
  const url = sqs.send(new CreateQueueCommand({ QueueName: 'bench' }))
  return {
    name: `SQS, ${SQS_BATCH} a batch`,
    records,
    mapping: { EventSourceArn: `arn:aws:sqs:${REGION}:${ACCOUNT}:bench`, BatchSize: SQS_BATCH },
    async fill() {
      const { QueueUrl } = await url
      const Entries = times(SQS_BATCH, (Id) => ({ Id: String(Id), MessageBody: BODY }))
      for (let sent = 0; sent < records; sent += SQS_BATCH) {
        await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }))
      }
    },
    async read() {
      const { QueueUrl } = await url
      const reader = async () => {
        for (;;) {
          const asked = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: SQS_BATCH })
          const { Messages = [] } = await sqs.send(asked)
          if (Messages.length === 0) return
          const Entries = Messages.map(({ ReceiptHandle }, Id) => ({
            Id: String(Id),
            ReceiptHandle,
          }))
          await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }))
        }
      }
      await Promise.all(times(READERS, reader))
    },
  }
}

function shards(endpoint: string): Source {
  const kinesis = new KinesisClient({
    endpoint,
    region: REGION,
    credentials: KEYS,
    // Its own default is HTTP/2, which moto does not speak.
    requestHandler: new NodeHttpHandler(),
  })
  const records = 20_000
  const ShardCount = 4
  const fresh = () => `bench-${Math.random().toString(36).slice(2)}`
  let StreamName = fresh()
  const mapping: Source['mapping'] = { StartingPosition: 'TRIM_HORIZON', BatchSize: KINESIS_BATCH }
  return {
    name: `Kinesis, ${ShardCount} shards, ${KINESIS_BATCH} a batch`,
    records,
    mapping,
    async fill() {
      StreamName = fresh()
      mapping.EventSourceArn = `arn:aws:kinesis:${REGION}:${ACCOUNT}:stream/${StreamName}`
      await kinesis.send(new CreateStreamCommand({ StreamName, ShardCount }))
      const Data = Buffer.from(BODY)
      for (let sent = 0; sent < records; sent += KINESIS_BATCH) {
        const Records = times(KINESIS_BATCH, (key) => ({ PartitionKey: `${sent + key}`, Data }))
        await kinesis.send(new PutRecordsCommand({ StreamName, Records }))
      }
    },
    async read() {
      const { Shards = [] } = await kinesis.send(new ListShardsCommand({ StreamName }))
      const reader = async (ShardId: string | undefined) => {
        const asked = { StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' } as const
        let { ShardIterator } = await kinesis.send(new GetShardIteratorCommand(asked))
        for (;;) {
          const asking = new GetRecordsCommand({ ShardIterator, Limit: KINESIS_BATCH })
          const { Records = [], NextShardIterator } = await kinesis.send(asking)
          if (Records.length === 0) return
          ShardIterator = NextShardIterator
        }
      }
      await Promise.all(Shards.map(({ ShardId }) => reader(ShardId)))
    },
  }
}

function jetStream({ nats }: Hearth): Source {
  const records = 50_000
  const name = 'BENCH'
  const batch = 500
  const connected = async () => {
    const bus = await connectBus({ url: nats.url, monitorUrl: nats.monitorUrl })
    const streams = await createStreams(bus)
    const limits = { bytesMax: 1024 * 1024 * 1024, ageSecondsMax: 3_600 }
    await streams.open({ name, subjects: 'bench.>', ...limits, losable: true })
    return { bus, streams }
  }
  return {
    name: `JetStream, ${batch} a batch`,
    records,
    mapping: {
      EventSourceArn: `arn:aws-hearth:jetstream:${REGION}:${ACCOUNT}:${name}`,
      StartingPosition: 'TRIM_HORIZON',
      BatchSize: batch,
    },
    async fill() {
      const { bus, streams } = await connected()
      const { lastSequence } = await streams.facts(name)
      const body = Buffer.from(BODY)
      for (let sent = lastSequence; sent < records; sent += batch) {
        await Promise.all(times(batch, () => streams.append('bench.record', body)))
      }
      await bus.close()
    },
    async read() {
      const { bus, streams } = await connected()
      const end = new AbortController()
      for await (const { sequence } of streams.read(name, {
        fromSequence: 1,
        signal: end.signal,
      })) {
        if (sequence >= records) end.abort()
      }
      await bus.close()
    },
  }
}

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))
