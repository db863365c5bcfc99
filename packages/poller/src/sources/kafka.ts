// Kafka as a source: a topic's partitions are shards, offsets are positions. Hearth's own shares
// and checkpoints say who reads and from where, so no consumer group is joined; what is done is
// told to the group all the same, for those who look there, and a mapping begins where its group
// was.

import type { SourceAnswer } from '@hearth/bus/messages'
import { Admin, Consumer } from '@platformatic/kafka'
import { accessOf } from './kafka-access.ts'
import { fetchFrom, recordsOf } from './kafka-fetch.ts'
import { openOffsets } from './kafka-offsets.ts'
import { kafkaBatchInfo, kafkaPayload, partitionOf, shardName } from './kafka-record.ts'
import { readSecretIn } from './secrets.ts'
import type { Shard, ShardRead, SourceOptions, StreamSource } from './source.ts'

const ANSWER_MS = 10_000

export async function openKafka(options: SourceOptions): Promise<StreamSource> {
  const { mapping } = options
  const { topics, group, servers, connection } = await clusterOf(options)
  const admin = new Admin(connection)
  const consumers = new Map<string, Consumer>()
  /** What is read next, which markers in a partition may put beyond the last record. */
  const places = new Map<string, { from: string; offset: bigint }>()

  // A broker answers one connection's fetches one after the other, so each shard has its own.
  const consumerOf = (shard: string): Consumer => {
    const known = consumers.get(shard)
    if (known) return known
    const consumer = new Consumer({ ...connection, groupId: group })
    consumer.topics.trackAll(partitionOf(shard).topic)
    consumers.set(shard, consumer)
    return consumer
  }
  const offsets = openOffsets({ admin, consumerOf, group, resets: mapping.resets })

  return {
    shards: () => partitionsOf(admin, topics),

    async read(shard, from, { max, waitMs, signal }): Promise<ShardRead> {
      if (signal.aborted) return { records: [], ended: false }
      const kept = places.get(shard)
      const asked = JSON.stringify(from)
      const offset = kept?.from === asked ? kept.offset : await offsets.startOf(shard, from)
      try {
        const fetched = await fetchFrom(consumerOf(shard), shard, { offset, waitMs })
        const { records, next } = recordsOf(shard, fetched, { offset, max })
        const last = records.at(-1)
        const known = last ? JSON.stringify({ after: last.position }) : asked
        places.set(shard, { from: known, offset: next })
        const isNewest = next >= fetched.lastStableOffset
        const behindMs = isNewest ? 0 : last && Math.max(0, Date.now() - last.arrivedAt)
        const behindRecords = isNewest ? 0 : Number(fetched.lastStableOffset - next)
        return { records, ended: false, behindRecords, ...(behindMs !== undefined && { behindMs }) }
      } catch (error) {
        if (signal.aborted) return { records: [], ended: false }
        if (!says(error, 'OFFSET_OUT_OF_RANGE')) throw error
        console.error(`${shard}: ${offset} is gone, so records were lost; on at TRIM_HORIZON`)
        places.set(shard, { from: asked, offset: await offsets.earliest(shard) })
        return { records: [], ended: false }
      }
    },

    latest: async (shard) => `${(await offsets.startOf(shard, { start: 'LATEST' })) - 1n}`,
    commit: offsets.commit,
    payload: (records) => kafkaPayload(servers, records),
    batchInfo: (shard, records) => kafkaBatchInfo(servers, shard, records),
    async close() {
      await Promise.allSettled([admin, ...consumers.values()].map((client) => client.close()))
    },
  }
}

async function partitionsOf(admin: Admin, topics: string[]): Promise<Shard[]> {
  const metadata = await admin.metadata({ topics, autocreateTopics: false, forceUpdate: true })
  return topics.flatMap((topic) => {
    const count = metadata.topics.get(topic)?.partitionsCount ?? 0
    const ids = Array.from({ length: count }, (_, partition) => shardName(topic, partition))
    return ids.map((id) => ({ id, parents: [] }))
  })
}

/** AWS lets mappings of Kafka be made whether or not the cluster answers; only access is judged. */
export async function judgeKafka(options: SourceOptions): Promise<SourceAnswer> {
  try {
    await clusterOf(options)
    return { usable: true }
  } catch (error) {
    return {
      code: 'InvalidParameterValueException',
      message: error instanceof Error ? error.message : `${error}`,
    }
  }
}

/** How the mapping's cluster is reached. */
async function clusterOf({ mapping, secretsFolder }: SourceOptions) {
  const { uuid, selfManaged } = mapping
  const servers = selfManaged?.endpoints.KAFKA_BOOTSTRAP_SERVERS ?? []
  if (!selfManaged || servers.length === 0) throw new Error('Kafka needs its bootstrap servers')
  const access = await accessOf(selfManaged.access, (uri) => readSecretIn(secretsFolder, uri))
  return {
    ...{ servers, topics: selfManaged.topics },
    group: selfManaged.consumerGroupId ?? uuid,
    connection: {
      clientId: `hearth-${uuid}`,
      bootstrapBrokers: servers,
      ...access,
      ...{ timeout: ANSWER_MS, connectTimeout: ANSWER_MS, requestTimeout: ANSWER_MS * 2 },
      ...{ retries: 2, retryDelay: 250, autocreateTopics: false },
    },
  }
}

/** The client nests what brokers said. */
function says(error: unknown, apiId: string): boolean {
  if (typeof error !== 'object' || error === null) return false
  if ('apiId' in error && error.apiId === apiId) return true
  return error instanceof AggregateError && error.errors.some((one) => says(one, apiId))
}
