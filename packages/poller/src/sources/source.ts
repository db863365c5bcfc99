// What a source of events is to the loops that work on it. There are two families: a queue hands
// out records and takes back what became of each; a stream has shards that are read by position,
// and remembers nothing. A source speaks its server's protocol and makes AWS's records; it knows
// nothing of filters, batches, functions or retries.

import type { SourceAnswer } from '@hearth/bus/messages'
import type { EventSourceMapping } from '@hearth/core/event-source-mapping'

/** One record on its way to a function. */
export interface SourceRecord {
  /** What batchItemFailures name: a message id or a sequence number. */
  id: string
  /** The record as the function receives it: AWS's shape to the byte. */
  event: Record<string, unknown>
  /** What filter patterns look at. */
  filtered: Record<string, unknown>
  /** Bytes that it takes in a payload, about. */
  size: number
}

/** A record of a queue. */
export interface QueueRecord extends SourceRecord {
  /** The source's own handle, by which the record is settled. */
  handle: string
  /** Records of one group are given to the function in order, one batch at a time. */
  group?: string
}

/** A source that remembers what was handed out, and hands it out again unless it is settled. */
export interface QueueSource {
  /** Waits up to `waitMs` for something; fewer than `max`, or none, are a good answer. */
  receive(options: { max: number; waitMs: number; signal: AbortSignal }): Promise<QueueRecord[]>
  /** Done with: never to be handed out again. */
  settle(records: readonly QueueRecord[]): Promise<void>
  /** `failed`: handed out again by the source's own rules. `untried`: handed out again at once. */
  release(records: readonly QueueRecord[], why: 'failed' | 'untried'): Promise<void>
  /** Keeps others from being handed these for at least two thirds of this time from now. */
  extend(records: readonly QueueRecord[], seconds: number): Promise<void>
  /** Records that wait, for the lag metric; undefined where the source cannot say. */
  backlog(): Promise<number | undefined>
  close(): Promise<void>
}

/** A record of a stream. */
export interface StreamRecord extends SourceRecord {
  /** Where to go on after this record. */
  position: string
  /** Records of one key are given to the function in order. */
  key: string
  /** Milliseconds since the epoch at which the source took it in. */
  arrivedAt: number
}

export interface Shard {
  id: string
  /** These must be read to their end before this one is begun. */
  parents: string[]
}

export interface ShardRead {
  records: StreamRecord[]
  /** Whether the shard is closed and this is its end. */
  ended: boolean
  /** How far behind the newest record this is; undefined where the source cannot say. */
  behindMs?: number
  /** How many records are behind this; undefined where the source cannot say. */
  behindRecords?: number
}

/** Where a shard is read from: after what was done, or where the mapping says that it begins. */
export type Position =
  | { after: string }
  | { start: 'LATEST' | 'TRIM_HORIZON' }
  | { start: 'AT_TIMESTAMP'; timestamp: number }

/** A source that is read by position and keeps its records whatever became of them. */
export interface StreamSource {
  shards(): Promise<Shard[]>
  /** Waits at most `waitMs` for something. */
  read(
    shard: string,
    from: Position,
    options: { max: number; waitMs: number; signal: AbortSignal },
  ): Promise<ShardRead>
  /**
   * The position after which LATEST begins at this moment; a source without it is read from the
   * moment itself.
   */
  latest?(shard: string): Promise<string>
  /** The event that the function receives, apart from what windows add. */
  payload(records: readonly StreamRecord[]): Record<string, unknown>
  /** Told to the source where it wants to know what is done (a consumer group's offsets). */
  commit?(shard: string, position: string): Promise<void>
  /** What a failure destination says of a batch: AWS's KinesisBatchInfo and its like, by its name. */
  batchInfo(shard: string, records: readonly StreamRecord[]): Record<string, unknown>
  close(): Promise<void>
}

/** What all sources are opened with. */
export interface SourceOptions {
  mapping: EventSourceMapping
  region: string
  /** Where AWS-shaped services are, by their name (`sqs`), and how to sign there. */
  aws: AwsAccess
  /** Hearth's own servers, for sources that live on them unless the mapping names others. */
  natsUrl: string
  valkeyUrl: string
  /** Where files of secrets are that mappings may name; none without it. */
  secretsFolder?: string
}

/** How AWS-shaped services are reached: real AWS, or any compatible server. */
export interface AwsAccess {
  region: string
  /** The end point of a service, where it is not AWS's own. */
  endpoint(service: 'dynamodb' | 'events' | 'kinesis' | 's3' | 'sns' | 'sqs'): string | undefined
  /** Absent: the SDK's own chain of credentials. */
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
}

/** A source that cannot be read, in AWS's words where AWS has some. */
export const refusal = (message: string): SourceAnswer => ({
  code: 'InvalidParameterValueException',
  message,
})
