// Streams on a server that speaks Kinesis, for tests: made, filled, split, merged, and read by a
// mapping. It holds no checks of its own.

import {
  CreateStreamCommand,
  KinesisClient,
  ListShardsCommand,
  MergeShardsCommand,
  PutRecordsCommand,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis'
import { type BusOptions, connectBus } from '@hearth/bus/connect'
import type { EventSourceMapping } from '@hearth/core/event-source-mapping'
import { type Checkpoints, openCheckpoints } from '@hearth/store/checkpoints'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import {
  CREDENTIALS,
  eventually,
  type Loop,
  type LoopWish,
  type Play,
  REGION,
  runLoop,
  type StreamEvent,
} from '../stream-harness.ts'
import { openKinesis } from './kinesis.ts'
import { mappingOf } from './queue-source.contract.ts'
import type { SourceOptions } from './source.ts'

const PUT_MAX = 500

export interface TestStream {
  arn: string
  put(texts: readonly string[], keyOf?: (text: string) => string): Promise<void>
  /** The first shard into two. */
  split(): Promise<void>
  /** The first two shards into one. */
  merge(): Promise<void>
  close(): void
}

export async function createTestStream(endpoint: string, shards = 1): Promise<TestStream> {
  const client = new KinesisClient({
    ...{ region: REGION, endpoint, credentials: CREDENTIALS },
    requestHandler: new NodeHttpHandler(),
  })
  const StreamName = `s-${crypto.randomUUID()}`
  const has = (count: number) =>
    eventually(async () => {
      const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName }))
      return Shards.length === count
    })
  await client.send(new CreateStreamCommand({ StreamName, ShardCount: shards }))
  await has(shards)
  return {
    arn: `arn:aws:kinesis:${REGION}:123456789012:stream/${StreamName}`,
    async put(texts, keyOf = () => 'k') {
      for (let at = 0; at < texts.length; at += PUT_MAX) {
        const Records = texts
          .slice(at, at + PUT_MAX)
          .map((text) => ({ Data: Buffer.from(text), PartitionKey: keyOf(text) }))
        await client.send(new PutRecordsCommand({ StreamName, Records }))
      }
    },
    async split() {
      const ShardToSplit = 'shardId-000000000000'
      const NewStartingHashKey = '170141183460469231731687303715884105728'
      await client.send(new SplitShardCommand({ StreamName, ShardToSplit, NewStartingHashKey }))
      await has(shards + 2)
    },
    async merge() {
      const ShardToMerge = 'shardId-000000000000'
      const AdjacentShardToMerge = 'shardId-000000000001'
      await client.send(new MergeShardsCommand({ StreamName, ShardToMerge, AdjacentShardToMerge }))
      await has(shards + 1)
    },
    close: () => client.destroy(),
  }
}

export interface Bench {
  url: string
  checkpoints: Checkpoints
  createStream(shards?: number): Promise<TestStream>
  /** A mapping at work. */
  run(mapping: EventSourceMapping, play: Play, wish?: Partial<LoopWish>): Promise<Loop>
  /** Ends what runs and forgets what was made. */
  clear(): Promise<void>
  close(): Promise<void>
}

/** Streams of the server at `url`, and checkpoints of a real NATS. */
export async function openBench(url: string, nats: BusOptions): Promise<Bench> {
  const bus = await connectBus(nats)
  const checkpoints = await openCheckpoints(bus)
  const loops: Loop[] = []
  const streams: TestStream[] = []
  return {
    url,
    checkpoints,
    async createStream(shards) {
      const stream = await createTestStream(url, shards)
      streams.push(stream)
      return stream
    },
    async run(mapping, play, wish = {}) {
      const source = await openKinesis(optionsAt(url, mapping))
      const loop = runLoop({ mapping, source, checkpoints, play, ...wish })
      loops.push(loop)
      return loop
    },
    async clear() {
      await Promise.all(loops.splice(0).map((loop) => loop.stop()))
      for (const stream of streams.splice(0)) stream.close()
    },
    close: () => bus.close(),
  }
}

export const numbered = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => `${index + from}`)

export const mappingFor = (arn: string, settings: Partial<EventSourceMapping> = {}) =>
  mappingOf({
    kind: 'kinesis',
    sourceArn: arn,
    batchSize: 100,
    startingPosition: 'TRIM_HORIZON',
    ...settings,
  })

export const optionsAt = (endpoint: string, mapping: EventSourceMapping): SourceOptions => ({
  mapping,
  region: REGION,
  aws: { region: REGION, endpoint: () => endpoint, credentials: CREDENTIALS },
  natsUrl: '',
  valkeyUrl: '',
})

export const textOf = (record: unknown) =>
  Buffer.from((record as { kinesis: { data: string } }).kinesis.data, 'base64').toString()
export const textsIn = (event: StreamEvent) => event.Records.map(textOf)
export const textsOf = (loop: Loop) => loop.events.flatMap(textsIn)
