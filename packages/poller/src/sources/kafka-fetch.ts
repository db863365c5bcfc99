// One fetch of a partition, and the records that are in it. Kafka hands out batches as they were
// produced: some begin before what was asked for, and some are markers that no function ever sees.

import type { Consumer } from '@platformatic/kafka'
import { kafkaRecord, partitionOf } from './kafka-record.ts'
import type { StreamRecord } from './source.ts'

type Topics = Awaited<ReturnType<Consumer['fetch']>>['responses']
export type Fetched = Topics[number]['partitions'][number]

const FETCH_BYTES = 4 * 1024 * 1024
/** Kafka's READ_COMMITTED: records of transactions that were aborted are never seen. */
const COMMITTED_ONLY = 1
/** Kafka's own bits of a batch's attributes. */
const APPEND_TIME_BIT = 0x08
const CONTROL_BIT = 0x20

export async function fetchFrom(
  consumer: Consumer,
  shard: string,
  { offset, waitMs }: { offset: bigint; waitMs: number },
): Promise<Fetched> {
  const { topic, partition } = partitionOf(shard)
  const metadata = await consumer.metadata({ topics: [topic], autocreateTopics: false })
  const known = metadata.topics.get(topic)
  const leader = known?.partitions[partition]?.leader
  if (known === undefined || leader === undefined) throw new Error(`${shard} is not there`)
  const wanted = {
    ...{ partition, fetchOffset: offset, partitionMaxBytes: FETCH_BYTES },
    ...{ currentLeaderEpoch: -1, lastFetchedEpoch: -1 },
  }
  const { responses } = await consumer.fetch({
    ...{ node: leader, minBytes: 1, maxBytes: FETCH_BYTES, maxWaitTime: waitMs },
    isolationLevel: COMMITTED_ONLY,
    topics: [{ topicId: known.id, partitions: [wanted] }],
  })
  const found = responses
    .flatMap(({ partitions }) => partitions)
    .find(({ partitionIndex }) => partitionIndex === partition)
  // A session leaves out what has not changed.
  return found ?? nothingAt(partition, offset)
}

const nothingAt = (partitionIndex: number, offset: bigint): Fetched => ({
  ...{ partitionIndex, errorCode: 0, highWatermark: offset, lastStableOffset: offset },
  ...{ logStartOffset: 0n, abortedTransactions: null, preferredReadReplica: -1, records: null },
})

/** A batch is given whole, so that it may begin before the wanted offset. */
export function recordsOf(
  shard: string,
  fetched: Fetched,
  { offset, max }: { offset: bigint; max: number },
): { records: StreamRecord[]; next: bigint } {
  const records: StreamRecord[] = []
  let next = offset
  for (const batch of fetched.records ?? []) {
    const isControl = (batch.attributes & CONTROL_BIT) !== 0
    const isAppendTime = (batch.attributes & APPEND_TIME_BIT) !== 0
    for (const record of isControl ? [] : batch.records) {
      const at = batch.firstOffset + BigInt(record.offsetDelta)
      if (at < next) continue
      if (records.length === max) return { records, next }
      const { key, value, headers } = record
      const created = batch.firstTimestamp + record.timestampDelta
      const timestamp = isAppendTime ? batch.maxTimestamp : created
      const facts = { ...partitionOf(shard), ...{ offset: at, timestamp, isAppendTime } }
      records.push(kafkaRecord({ ...facts, key, value, headers }))
      next = at + 1n
    }
    const end = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
    if (end > next) next = end
  }
  return { records, next }
}
