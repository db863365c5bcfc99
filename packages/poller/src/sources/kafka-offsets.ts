// Offsets of partitions as the brokers and the consumer group tell them. The group is told what is
// done but never joined, so that no rebalance of Kafka's is between a shard and its owner.

import { type Admin, type Consumer, ListOffsetTimestamps } from '@platformatic/kafka'
import { partitionOf } from './kafka-record.ts'
import type { Position } from './source.ts'

export interface OffsetsParts {
  admin: Admin
  consumerOf(shard: string): Consumer
  group: string
  /** How often the mapping was set back to its own start. */
  resets: number
}

export interface Offsets {
  earliest(shard: string): Promise<bigint>
  /** Which record is read first. */
  startOf(shard: string, from: Position): Promise<bigint>
  /** All up to this one are done. */
  commit(shard: string, position: string): Promise<void>
}

export function openOffsets({ admin, consumerOf, group, resets }: OffsetsParts): Offsets {
  const offsetAt = async (shard: string, timestamp: bigint): Promise<bigint> => {
    const { topic, partition } = partitionOf(shard)
    const query = { topics: [topic], partitions: { [topic]: [partition] }, timestamp }
    const found = (await consumerOf(shard).listOffsets(query)).get(topic)?.[partition]
    if (found === undefined) throw new Error(`Kafka does not tell the offsets of ${shard}`)
    return found
  }
  const latest = (shard: string) => offsetAt(shard, ListOffsetTimestamps.LATEST)
  const earliest = (shard: string) => offsetAt(shard, ListOffsetTimestamps.EARLIEST)
  /** Where the group was; a mapping that was reset goes by its own start alone. */
  const committed = async (shard: string): Promise<bigint | undefined> => {
    const { topic, partition } = partitionOf(shard)
    if (resets > 0) return undefined
    const [found] = await admin.listConsumerGroupOffsets({
      groups: [{ groupId: group, topics: [{ name: topic, partitionIndexes: [partition] }] }],
    })
    const offsets = found?.topics.find(({ name }) => name === topic)?.partitions
    const offset = offsets?.find(({ partitionIndex }) => partitionIndex === partition)
    return offset && offset.committedOffset >= 0n ? offset.committedOffset : undefined
  }
  const startOf = async (shard: string, from: Position): Promise<bigint> => {
    if ('after' in from) return BigInt(from.after) + 1n
    const known = await committed(shard)
    if (known !== undefined) return known
    if (from.start !== 'AT_TIMESTAMP') {
      return from.start === 'LATEST' ? latest(shard) : earliest(shard)
    }
    const found = await offsetAt(shard, BigInt(from.timestamp))
    return found < 0n ? latest(shard) : found
  }
  return {
    earliest,
    startOf,
    async commit(shard, position) {
      const { topic, partition } = partitionOf(shard)
      const partitionOffsets = [{ partition, offset: BigInt(position) + 1n }]
      await admin.alterConsumerGroupOffsets({
        groupId: group,
        topics: [{ name: topic, partitionOffsets }],
      })
    },
  }
}
