// AWS's events of a self-managed Kafka (docs: with-kafka): one record, a batch of them, and what a
// failure destination is told. Pure. Bytes of headers are signed numbers, as Java has them, and a
// key or value that is not there is left out.

import { filterDataOf } from './filter-data.ts'
import type { StreamRecord } from './source.ts'

/** A record as the client reads it, at its place. */
export interface KafkaFacts {
  topic: string
  partition: number
  offset: bigint
  timestamp: bigint
  /** Stamped by the broker rather than by the producer. */
  isAppendTime: boolean
  key: Buffer | null
  value: Buffer | null
  headers: readonly [Buffer | null, Buffer | null][]
}

export function kafkaRecord(facts: KafkaFacts): StreamRecord {
  const { topic, partition, offset, key, value } = facts
  const event = {
    topic,
    partition,
    offset: Number(offset),
    timestamp: Number(facts.timestamp),
    timestampType: facts.isAppendTime ? 'LOG_APPEND_TIME' : 'CREATE_TIME',
    ...(key && { key: key.toString('base64') }),
    ...(value && { value: value.toString('base64') }),
    headers: facts.headers.map(([name, bytes]) => ({
      [name?.toString() ?? '']: bytes ? [...new Int8Array(bytes)] : null,
    })),
  }
  return {
    id: `${shardName(topic, partition)}-${offset}`,
    position: `${offset}`,
    key: key?.toString('base64') ?? '',
    // Old producers give none; such a record is as young as it looks.
    arrivedAt: facts.timestamp < 0n ? Date.now() : Number(facts.timestamp),
    event,
    filtered: {
      ...event,
      ...(key && { key: filterDataOf(key.toString()) }),
      ...(value && { value: filterDataOf(value.toString()) }),
    },
    size: Buffer.byteLength(JSON.stringify(event)),
  }
}

/** AWS's name of a partition, which is Hearth's of its shard. */
export const shardName = (topic: string, partition: number) => `${topic}-${partition}`

export function partitionOf(shard: string): { topic: string; partition: number } {
  const at = shard.lastIndexOf('-')
  return { topic: shard.slice(0, at), partition: Number(shard.slice(at + 1)) }
}

/** Records by their partition, in order. */
export function kafkaPayload(servers: readonly string[], records: readonly StreamRecord[]) {
  const byPartition = Object.groupBy(records, ({ event }) =>
    shardName(`${event.topic}`, Number(event.partition)),
  )
  return {
    eventSource: 'SelfManagedKafka',
    bootstrapServers: servers.join(','),
    records: Object.fromEntries(
      Object.entries(byPartition).map(([name, some = []]) => [name, some.map((one) => one.event)]),
    ),
  }
}

export function kafkaBatchInfo(
  servers: readonly string[],
  shard: string,
  records: readonly StreamRecord[],
) {
  const [first, last] = [records[0], records.at(-1)]
  return {
    KafkaBatchInfo: {
      batchSize: records.length,
      bootstrapServers: servers.join(','),
      payloadSize: Buffer.byteLength(JSON.stringify(kafkaPayload(servers, records))),
      recordsInfo: {
        [shard]: {
          firstRecordOffset: first?.position,
          lastRecordOffset: last?.position,
          firstRecordTimestamp: timeOf(first),
          lastRecordTimestamp: timeOf(last),
        },
      },
    },
  }
}

const timeOf = (record?: StreamRecord) => new Date(record?.arrivedAt ?? 0).toISOString()
