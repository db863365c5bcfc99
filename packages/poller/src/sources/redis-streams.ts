// Redis Streams on Hearth's own Valkey or on others: a consumer group for each mapping, every entry
// acknowledged by itself. What nobody speaks of for half a minute is claimed again, also from a
// poller that died. The record's shape is Hearth's: `{ eventSource: 'hearth:redis', eventSourceARN,
// awsRegion, stream, id, time, fields, deliveryCount }`.

import { setTimeout as sleep } from 'node:timers/promises'
import type { SourceAnswer } from '@hearth/bus/messages'
import { Redis } from 'ioredis'
import { filterDataOf } from './filter-data.ts'
import { type QueueRecord, type QueueSource, refusal, type SourceOptions } from './source.ts'

/** Time after which an entry that nobody speaks of is handed out again. */
const IDLE_MS = 30_000
/** How long the server may hold a question, so that leaving takes no longer. */
const BLOCK_MS = 1_000
/** Between two looks for entries that are to be handed out again. */
const CLAIM_EVERY_MS = 500
const AGAIN_MS = 1_000
const AGAIN_MS_MAX = IDLE_MS
const COMMAND_MS = 10_000
const RECONNECT_MS_MAX = 2_000
/** All pollers are one consumer: an entry belongs to the mapping, whoever holds its lease. */
const CONSUMER = 'hearth'

type Entry = [id: string, fields: string[] | null]
type Read = [key: string, entries: Entry[]][] | null

/** `arn:aws-hearth:redis:<region>:<account>:<key>`, or a topic's name. */
function placeOf({ mapping, valkeyUrl }: SourceOptions) {
  const own = mapping.selfManaged
  const server = own?.endpoints.REDIS_SERVERS?.[0]
  return {
    key: mapping.sourceArn?.split(':').slice(5).join(':') ?? own?.topics[0] ?? '',
    group: own?.consumerGroupId ?? `hearth-${mapping.uuid}`,
    url: server === undefined ? valkeyUrl : /:\/\//.test(server) ? server : `redis://${server}`,
    isHearths: server === undefined,
  }
}

function dial(url: string, commandTimeout: number): Redis {
  const redis = new Redis(url, {
    commandTimeout,
    maxRetriesPerRequest: 1,
    retryStrategy: (attempt) => Math.min(attempt * 100, RECONNECT_MS_MAX),
  })
  // Whoever asks hears of it; the client tries again by itself.
  redis.on('error', () => {})
  return redis
}

/** Whether the stream can be read. */
export async function judgeRedisStream(options: SourceOptions): Promise<SourceAnswer> {
  const { key, url, isHearths } = placeOf(options)
  if (isHearths && key.startsWith('hearth:')) {
    return refusal(`The key ${key} is Hearth's own and cannot be an event source.`)
  }
  const redis = dial(url, COMMAND_MS)
  try {
    const type = await redis.type(key)
    // A stream begins with its first entry; one that is not there yet is waited for.
    return type === 'stream' || type === 'none'
      ? { usable: true }
      : refusal(`The key ${key} holds a ${type} and not a stream.`)
  } catch (error) {
    return { unknown: `Redis does not answer: ${error}` }
  } finally {
    redis.disconnect()
  }
}

/** Removes what the mapping left on the server. */
export async function removeRedisStream(options: SourceOptions): Promise<void> {
  const { key, group, url } = placeOf(options)
  const redis = dial(url, COMMAND_MS)
  try {
    if ((await redis.exists(key)) === 1) await redis.xgroup('DESTROY', key, group)
  } finally {
    redis.disconnect()
  }
}

export async function openRedisStream(options: SourceOptions): Promise<QueueSource> {
  const verdict = await judgeRedisStream(options)
  if ('message' in verdict) throw new Error(verdict.message)
  const { url, key, group } = placeOf(options)
  const redis = dial(url, COMMAND_MS)
  const blocking = dial(url, BLOCK_MS + COMMAND_MS)
  const close = async () => {
    redis.disconnect()
    blocking.disconnect()
  }
  const links: Links = { redis, blocking, key, group }
  try {
    await openGroup(links, beginning(options))
    return sourceOf(links, options, close)
  } catch (error) {
    await close()
    throw error
  }
}

interface Links {
  redis: Redis
  /** For questions that wait: everything behind one waits, too. */
  blocking: Redis
  key: string
  group: string
}

async function openGroup({ redis, key, group }: Links, from: string): Promise<void> {
  await redis.xgroup('CREATE', key, group, from, 'MKSTREAM').catch((error: Error) => {
    if (!error.message.startsWith('BUSYGROUP')) throw error
  })
}

/** A server that forgot the group has new entries at most: all of them are read. */
async function regrouped<R>(links: Links, ask: () => Promise<R>): Promise<R> {
  try {
    return await ask()
  } catch (error) {
    if (!(error as Error).message.startsWith('NOGROUP')) throw error
    await openGroup(links, '0')
    return ask()
  }
}

function sourceOf(links: Links, options: SourceOptions, close: () => Promise<void>): QueueSource {
  const { redis, key, group } = links
  const claim = reclaim(links)
  const fresh = readFresh(links)
  const recordsOf = (entries: readonly Entry[], count: (id: string) => number) =>
    entries.flatMap(([id, fields]) =>
      fields === null ? [] : [recordOf({ id, fields, count: count(id) }, options)],
    )
  return {
    async receive({ max, waitMs, signal }) {
      const giveUpAt = performance.now() + waitMs
      for (;;) {
        const again = await claim(max)
        const claimed = recordsOf(again.entries, (id) => again.counts.get(id) ?? 1)
        const left = max - claimed.length
        const mayWait = claimed.length === 0 && !signal.aborted
        const read = left > 0 ? await fresh(left, mayWait ? giveUpAt : 0) : []
        const records = [...claimed, ...recordsOf(read, () => 1)]
        if (records.length > 0 || signal.aborted || performance.now() >= giveUpAt) return records
      }
    },
    async settle(records) {
      const ids = records.map(({ handle }) => handle)
      if (ids.length > 0) await redis.xack(key, group, ...ids)
    },
    async release(records, why) {
      const settings = records.map(({ handle, event }) => {
        const delay = why === 'untried' ? 0 : againMs(Number(event.deliveryCount))
        return { handle, idleMs: IDLE_MS - delay }
      })
      await touch(links, settings)
    },
    extend: (records) =>
      touch(
        links,
        records.map(({ handle }) => ({ handle, idleMs: 0 })),
      ),
    async backlog() {
      const groups = (await redis.xinfo('GROUPS', key)) as (string | number | null)[][]
      const mine = groups.find((one) => one[one.indexOf('name') + 1] === group)
      const lag = mine?.[mine.indexOf('lag') + 1]
      return typeof lag === 'number' ? lag : undefined
    },
    close,
  }
}

/** Entries that were never handed out; waits for one while there is time, one asker at a time. */
function readFresh(links: Links): (count: number, giveUpAt: number) => Promise<Entry[]> {
  const { redis, blocking, key, group } = links
  const oneAtATime = turns()
  const rest = ['STREAMS', key, '>'] as const
  return (count, giveUpAt) =>
    oneAtATime(async () => {
      const begin = ['GROUP', group, CONSUMER, 'COUNT', count] as const
      const block = Math.min(BLOCK_MS, Math.floor(giveUpAt - performance.now()))
      const read = (await regrouped(links, () =>
        block > 0
          ? blocking.xreadgroup(...begin, 'BLOCK', block, ...rest)
          : redis.xreadgroup(...begin, ...rest),
      )) as Read
      return read?.[0]?.[1] ?? []
    })
}

/** Sets for how long entries count as unspoken of; what is acknowledged stays so. */
async function touch(
  { redis, key, group }: Links,
  settings: readonly { handle: string; idleMs: number }[],
): Promise<void> {
  const pipeline = redis.pipeline()
  for (const { handle, idleMs } of settings) {
    pipeline.call('XCLAIM', key, group, CONSUMER, '0', handle, 'IDLE', String(idleMs), 'JUSTID')
  }
  const answers = (await pipeline.exec()) ?? []
  const failed = answers.find(([error]) => error)?.[0]
  if (failed) throw failed
}

/** Takes what is to be handed out again, from wherever the last look ended. */
function reclaim(links: Links) {
  const { redis, key, group } = links
  let cursor = '0-0'
  let lookedAt = Number.NEGATIVE_INFINITY
  return async (max: number): Promise<{ entries: Entry[]; counts: Map<string, number> }> => {
    const isDue = performance.now() - lookedAt >= CLAIM_EVERY_MS
    if (!isDue) return { entries: [], counts: new Map() }
    lookedAt = performance.now()
    const [next, entries] = (await regrouped(links, () =>
      redis.xautoclaim(key, group, CONSUMER, IDLE_MS, cursor, 'COUNT', max),
    )) as [string, Entry[]]
    cursor = next
    // A look that did not see all is gone on with at once.
    if (next !== '0-0' || entries.length === max) lookedAt = Number.NEGATIVE_INFINITY
    const pipeline = redis.pipeline()
    for (const [id] of entries) pipeline.xpending(key, group, id, id, 1)
    const answers = entries.length > 0 ? ((await pipeline.exec()) ?? []) : []
    const counts = answers.map(([, found]) => Number((found as unknown[][] | null)?.[0]?.[3] ?? 1))
    return { entries, counts: new Map(entries.map(([id], at) => [id, counts[at] ?? 1])) }
  }
}

/** Runs one after the other: a question that blocks holds its connection. */
function turns() {
  let last: Promise<unknown> = Promise.resolve()
  return <R>(run: () => Promise<R>): Promise<R> => {
    const mine = last.then(run, run)
    last = mine.catch(() => sleep(0))
    return mine
  }
}

function beginning({ mapping }: SourceOptions): string {
  if (mapping.startingPosition === 'LATEST') return '$'
  return mapping.startingPosition === 'AT_TIMESTAMP' ? `${mapping.startingTimestamp ?? 0}-0` : '0'
}

const againMs = (deliveries: number) =>
  Math.min(AGAIN_MS * 2 ** Math.min(deliveries - 1, 10), AGAIN_MS_MAX)

function recordOf(
  entry: { id: string; fields: string[]; count: number },
  options: SourceOptions,
): QueueRecord {
  const fields: Record<string, string> = {}
  for (let at = 0; at < entry.fields.length; at += 2) {
    fields[entry.fields[at] ?? ''] = entry.fields[at + 1] ?? ''
  }
  const { mapping, region } = options
  const event = {
    eventSource: 'hearth:redis',
    ...(mapping.sourceArn !== undefined && { eventSourceARN: mapping.sourceArn }),
    awsRegion: region,
    stream: placeOf(options).key,
    id: entry.id,
    time: timeOf(entry.id),
    fields,
    deliveryCount: entry.count,
  }
  const looked = Object.entries(fields).map(([name, value]) => [name, filterDataOf(value)])
  return {
    id: entry.id,
    handle: entry.id,
    event,
    filtered: { ...event, fields: Object.fromEntries(looked) },
    size: Buffer.byteLength(JSON.stringify(event)),
  }
}

/** An id begins with the server's milliseconds, unless a producer chose it. */
function timeOf(id: string): string {
  const at = new Date(Number(id.split('-')[0]))
  return Number.isNaN(at.getTime()) ? new Date(0).toISOString() : at.toISOString()
}
