// Kinesis as a source: shards by iterators, and AWS's records of them (docs: with-kinesis). A
// consumer's ARN is read as its stream is; what its fan-out adds is speed, which polling has not.

import {
  type _Record,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  type Shard as ListedShard,
  ListShardsCommand,
} from '@aws-sdk/client-kinesis'
import type { SourceAnswer } from '@hearth/bus/messages'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { batchInfoOf, judgeStream, payloadOf, placeOf } from './aws-source.ts'
import { filterDataOf } from './filter-data.ts'
import { readByIterator } from './shard-iterators.ts'
import type { Position, SourceOptions, StreamRecord, StreamSource } from './source.ts'

/** A read of Kinesis gives no more. */
const READ_MAX = 10_000
const CONNECT_MS = 5_000
const ANSWER_MS = 30_000

export async function openKinesis(options: SourceOptions): Promise<StreamSource> {
  const client = createClient(options)
  const arn = options.mapping.sourceArn ?? ''
  const stream = streamOf(arn)
  return {
    shards: async () =>
      (await listShards(client, stream)).map((shard) => ({
        id: shard.ShardId ?? '',
        parents: [shard.ParentShardId, shard.AdjacentParentShardId].filter(
          (id): id is string => id !== undefined,
        ),
      })),

    read: readByIterator({
      async iterator(shard, from, signal) {
        const { ShardIterator } = await client.send(
          new GetShardIteratorCommand({ ...stream, ShardId: shard, ...startingAt(from) }),
          { abortSignal: signal },
        )
        return ShardIterator
      },
      async records(shard, { iterator, max, signal }) {
        const answer = await client.send(
          new GetRecordsCommand({
            ...stream,
            ShardIterator: iterator,
            Limit: Math.min(max, READ_MAX),
          }),
          { abortSignal: signal },
        )
        const { Records = [], NextShardIterator, MillisBehindLatest } = answer
        return {
          records: Records.map((record) => recordOf(record, { shard, arn, options })),
          next: NextShardIterator ?? undefined,
          ...(MillisBehindLatest !== undefined && { behindMs: MillisBehindLatest }),
        }
      },
    }),

    payload: payloadOf,
    batchInfo: (shard, records) => ({
      KinesisBatchInfo: batchInfoOf({ arn, shard, records }, timeOf),
    }),
    close: async () => client.destroy(),
  }
}

/** Whether the stream can be read, in AWS's own words where it cannot. */
export function judgeKinesis(options: SourceOptions): Promise<SourceAnswer> {
  const client = createClient(options)
  const ask = (arn: string) =>
    client.send(new ListShardsCommand({ ...streamOf(arn), MaxResults: 1 }))
  return judgeStream(options, { service: 'Kinesis', ask }).finally(() => client.destroy())
}

const createClient = (options: SourceOptions) =>
  new KinesisClient({
    ...placeOf(options, 'kinesis'),
    // The SDK's own choice is HTTP/2, which servers other than AWS's need not speak.
    requestHandler: new NodeHttpHandler({
      connectionTimeout: CONNECT_MS,
      requestTimeout: ANSWER_MS,
    }),
  })

async function listShards(client: KinesisClient, stream: Stream): Promise<ListedShard[]> {
  const shards: ListedShard[] = []
  for (let token: string | undefined; ; ) {
    const { Shards = [], NextToken } = await client.send(
      new ListShardsCommand(token === undefined ? stream : { NextToken: token }),
    )
    shards.push(...Shards)
    if (!NextToken) return shards
    token = NextToken
  }
}

function startingAt(from: Position) {
  if ('after' in from) {
    return {
      ShardIteratorType: 'AFTER_SEQUENCE_NUMBER' as const,
      StartingSequenceNumber: from.after,
    }
  }
  return from.start === 'AT_TIMESTAMP'
    ? { ShardIteratorType: from.start, Timestamp: new Date(from.timestamp) }
    : { ShardIteratorType: from.start }
}

function recordOf(
  record: _Record,
  { shard, arn, options }: { shard: string; arn: string; options: SourceOptions },
): StreamRecord {
  const { Data = new Uint8Array(), PartitionKey = '', SequenceNumber = '' } = record
  const arrivedAt = record.ApproximateArrivalTimestamp?.getTime() ?? Date.now()
  const data = Buffer.from(Data)
  const kinesis = {
    kinesisSchemaVersion: '1.0',
    partitionKey: PartitionKey,
    sequenceNumber: SequenceNumber,
    data: data.toString('base64'),
    approximateArrivalTimestamp: arrivedAt / 1000,
  }
  const [, , , awsRegion = ''] = arn.split(':')
  const event = {
    kinesis,
    eventSource: 'aws:kinesis',
    eventVersion: '1.0',
    eventID: `${shard}:${SequenceNumber}`,
    eventName: 'aws:kinesis:record',
    invokeIdentityArn: `arn:aws:iam::${options.mapping.account}:role/hearth`,
    awsRegion,
    eventSourceARN: arn,
  }
  return {
    id: SequenceNumber,
    position: SequenceNumber,
    key: PartitionKey,
    arrivedAt,
    event,
    filtered: { ...event, ...kinesis, data: filterDataOf(data.toString()) },
    size: Buffer.byteLength(JSON.stringify(event)),
  }
}

type Stream = ReturnType<typeof streamOf>

/** By both of its names: servers other than AWS's may know only the shorter one. */
function streamOf(arn: string) {
  const StreamARN = arn.replace(/\/consumer\/.*$/, '')
  return { StreamARN, StreamName: StreamARN.replace(/^.*:stream\//, '') }
}

const timeOf = (arrivedAt: number) => new Date(arrivedAt).toISOString()
