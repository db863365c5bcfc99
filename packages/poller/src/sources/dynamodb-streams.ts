// DynamoDB Streams as a source: shards by iterators, and AWS's records of changes (docs: with-ddb).
// These streams know no time to begin at, so an older part of a shard is read and passed over.

import {
  type _Record,
  type AttributeValue,
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type Shard as ListedShard,
} from '@aws-sdk/client-dynamodb-streams'
import type { SourceAnswer } from '@hearth/bus/messages'
import { batchInfoOf, judgeStream, payloadOf, placeOf } from './aws-source.ts'
import { readByIterator } from './shard-iterators.ts'
import type { Position, SourceOptions, StreamRecord, StreamSource } from './source.ts'

/** A read of DynamoDB Streams gives no more. */
const READ_MAX = 1_000
const CONNECT_MS = 5_000
const ANSWER_MS = 30_000

export async function openDynamoDbStreams(options: SourceOptions): Promise<StreamSource> {
  const client = createClient(options)
  const arn = options.mapping.sourceArn ?? ''
  const read = readByIterator({
    isWanted: ({ arrivedAt }, from) => !('timestamp' in from) || arrivedAt >= from.timestamp,
    async iterator(shard, from, signal) {
      const { ShardIterator } = await client.send(
        new GetShardIteratorCommand({ StreamArn: arn, ShardId: shard, ...startingAt(from) }),
        { abortSignal: signal },
      )
      return ShardIterator
    },
    async records(_, { iterator, max, signal }) {
      const { Records = [], NextShardIterator } = await client.send(
        new GetRecordsCommand({ ShardIterator: iterator, Limit: Math.min(max, READ_MAX) }),
        { abortSignal: signal },
      )
      return {
        records: Records.map((record) => recordOf(record, arn)),
        next: NextShardIterator ?? undefined,
      }
    },
  })
  return {
    shards: async () =>
      (await listShards(client, arn)).map(({ ShardId = '', ParentShardId }) => ({
        id: ShardId,
        parents: ParentShardId === undefined ? [] : [ParentShardId],
      })),
    read,
    payload: payloadOf,
    batchInfo: (shard, records) => ({
      DDBStreamBatchInfo: batchInfoOf({ arn, shard, records }, timeOf),
    }),
    close: async () => client.destroy(),
  }
}

/** Whether the stream can be read, in AWS's own words where it cannot. */
export function judgeDynamoDbStreams(options: SourceOptions): Promise<SourceAnswer> {
  const client = createClient(options)
  const ask = (arn: string) => client.send(new DescribeStreamCommand({ StreamArn: arn, Limit: 1 }))
  return judgeStream(options, { service: 'DynamoDB Streams', ask }).finally(() => client.destroy())
}

const createClient = (options: SourceOptions) =>
  new DynamoDBStreamsClient({
    ...placeOf(options, 'dynamodb'),
    requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: ANSWER_MS },
  })

async function listShards(client: DynamoDBStreamsClient, arn: string): Promise<ListedShard[]> {
  const shards: ListedShard[] = []
  for (let after: string | undefined; ; ) {
    const { StreamDescription } = await client.send(
      new DescribeStreamCommand({ StreamArn: arn, ...(after && { ExclusiveStartShardId: after }) }),
    )
    shards.push(...(StreamDescription?.Shards ?? []))
    after = StreamDescription?.LastEvaluatedShardId
    if (!after) return shards
  }
}

function startingAt(from: Position) {
  return 'after' in from
    ? {
        ShardIteratorType: 'AFTER_SEQUENCE_NUMBER' as const,
        SequenceNumber: from.after,
      }
    : { ShardIteratorType: 'TRIM_HORIZON' as const }
}

function recordOf(record: _Record, arn: string): StreamRecord {
  const { dynamodb = {}, userIdentity } = record
  const { Keys, NewImage, OldImage, SequenceNumber = '' } = dynamodb
  const arrivedAt = dynamodb.ApproximateCreationDateTime?.getTime() ?? Date.now()
  const keys = imageOf(Keys)
  const [, , , awsRegion = ''] = arn.split(':')
  const change = {
    ApproximateCreationDateTime: Math.floor(arrivedAt / 1000),
    Keys: keys,
    // Servers other than AWS's give an empty image where there is none.
    ...(hasMembers(NewImage) && { NewImage: imageOf(NewImage) }),
    ...(hasMembers(OldImage) && { OldImage: imageOf(OldImage) }),
    SequenceNumber,
    SizeBytes: dynamodb.SizeBytes,
    StreamViewType: dynamodb.StreamViewType,
  }
  const event = {
    eventID: record.eventID,
    eventName: record.eventName,
    eventVersion: record.eventVersion ?? '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion,
    dynamodb: change,
    ...(userIdentity && {
      userIdentity: { type: userIdentity.Type, principalId: userIdentity.PrincipalId },
    }),
    eventSourceARN: arn,
  }
  return {
    id: SequenceNumber,
    position: SequenceNumber,
    key: JSON.stringify(Object.entries(keys).sort()),
    arrivedAt,
    event,
    filtered: event,
    size: Buffer.byteLength(JSON.stringify(event)),
  }
}

const imageOf = (image: Record<string, AttributeValue> = {}): Record<string, unknown> =>
  Object.fromEntries(Object.entries(image).map(([name, value]) => [name, attributeOf(value)]))

const hasMembers = (image: object = {}) => Object.keys(image).length > 0

/** Bytes as base64, which is how they travel in JSON. */
function attributeOf(value: AttributeValue): unknown {
  if (value.B) return { B: base64(value.B) }
  if (value.BS) return { BS: value.BS.map(base64) }
  if (value.L) return { L: value.L.map(attributeOf) }
  if (value.M) return { M: imageOf(value.M) }
  return value
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
/** AWS's times of these streams have no milliseconds. */
const timeOf = (arrivedAt: number) => new Date(arrivedAt).toISOString().replace(/\.\d{3}Z$/, 'Z')
