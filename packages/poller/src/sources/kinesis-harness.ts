// Streams on a server that speaks Kinesis, for tests: made, filled, split and merged. It holds no
// checks of its own.

import {
  CreateStreamCommand,
  KinesisClient,
  ListShardsCommand,
  MergeShardsCommand,
  PutRecordsCommand,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { CREDENTIALS, eventually, REGION } from '../stream-harness.ts'

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
