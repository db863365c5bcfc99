// Log groups, and the log streams that were made by hand: one record each, changed only by
// compare-and-set and read from a watched cache. A function's log streams have no records: they are
// there while their lines are (log-lines). What happens to the lines is not this file's.

import type { Bus } from '@hearth/bus/connect'
import { BUCKETS, logToken } from '@hearth/bus/messages'
import { openRecords, type Records } from '@hearth/bus/records'
import { ServiceError } from '@hearth/core/error'

export interface LogGroup {
  account: string
  name: string
  /** Milliseconds since the epoch. */
  createdAt: number
  /** Without it lines stay until the whole store is full. */
  retentionDays?: number
  tags: Readonly<Record<string, string>>
  /** AWS's classes differ in price alone. */
  logClass: string
  /** Must not be deleted. */
  isProtected?: true
  /** Has events whose time is far from that of their storage, so reading looks further around. */
  isLoose?: true
}

export interface LogStreamRecord {
  name: string
  createdAt: number
}

export interface LogGroups {
  /** From the cache, or from NATS where that has none. */
  find(account: string, name: string): Promise<LogGroup | undefined>
  /** By name, from the cache. */
  list(account: string): LogGroup[]
  /** Those of every account that have a retention, from the cache. */
  expiring(): LogGroup[]
  /** @throws ServiceError LimitExceededException when there are too many records. */
  create(group: LogGroup): Promise<'created' | 'exists'>
  /** Makes the group unless it is known; does not wait, and may fail: the next line tries again. */
  notice(account: string, name: string): void
  /**
   * Applies a change to the newest record, again and again until no other writer is in between.
   * @returns undefined when there is no such group.
   */
  change(
    account: string,
    name: string,
    change: (group: LogGroup) => LogGroup,
  ): Promise<LogGroup | undefined>
  /** With the records of its log streams. */
  remove(account: string, name: string): Promise<void>
  findStream(account: string, group: string, name: string): Promise<LogStreamRecord | undefined>
  /** From the cache. */
  listStreams(account: string, group: string): LogStreamRecord[]
  createStream(
    account: string,
    group: string,
    stream: LogStreamRecord,
  ): Promise<'created' | 'exists'>
  removeStream(account: string, group: string, name: string): Promise<void>
  close(): void
}

type Kept = LogGroup | LogStreamRecord

const BYTES_MAX = 256 * 1024 * 1024
/** Every process holds all records in its cache. AWS: a million groups. */
const RECORDS_MAX = 100_000
/** Races that one change may lose before we say that the group is too busy. */
const ATTEMPTS_MAX = 20

const groupKey = (account: string, name: string) => `groups.${account}.${logToken(name)}`
const streamPrefix = (account: string, group: string) => `streams.${account}.${logToken(group)}.`
const streamKey = (account: string, group: string, name: string) =>
  streamPrefix(account, group) + logToken(name)

export async function openLogGroups(bus: Bus): Promise<LogGroups> {
  const records = await openRecords<Kept>(bus, {
    bucket: BUCKETS.logGroups,
    bytesMax: BYTES_MAX,
  })
  const find = async (key: string) =>
    (records.cached(key) ?? (await records.get(key)))?.value as never
  const all = <T>(prefix: string) =>
    records.keys(prefix).flatMap((key) => records.cached(key)?.value ?? []) as T[]
  const create = async (key: string, value: Kept) => {
    if (records.keys('').length >= RECORDS_MAX) {
      throw new ServiceError('LimitExceededException', 'Resource limit exceeded.')
    }
    return (await records.create(key, value)) === 'exists' ? 'exists' : 'created'
  }
  const notice = noticer(records)
  return {
    find: (account, name) => find(groupKey(account, name)),
    list: (account) => all<LogGroup>(`groups.${account}.`).sort(byName),
    expiring: () =>
      all<LogGroup>('groups.').filter(({ retentionDays }) => retentionDays !== undefined),
    create: (group) => create(groupKey(group.account, group.name), group),
    notice,

    async change(account, name, change) {
      const key = groupKey(account, name)
      for (let count = 0; count < ATTEMPTS_MAX; count += 1) {
        const found = await records.get(key)
        if (!found) return undefined
        const next = change(found.value as LogGroup)
        if (next === found.value) return next
        if ((await records.update(key, next, found.revision)) !== 'stale') return next
      }
      throw new ServiceError(
        'ResourceConflictException',
        'The operation cannot be performed at this time. Too many updates are in progress.',
      )
    },

    async remove(account, name) {
      for (const key of records.keys(streamPrefix(account, name))) await removeKey(records, key)
      await removeKey(records, groupKey(account, name))
    },

    findStream: (account, group, name) => find(streamKey(account, group, name)),
    listStreams: (account, group) => all<LogStreamRecord>(streamPrefix(account, group)),
    createStream: (account, group, stream) =>
      create(streamKey(account, group, stream.name), stream),
    removeStream: (account, group, name) => removeKey(records, streamKey(account, group, name)),
    close: records.close,
  }
}

/** Whoever was first has made it. One attempt at a time for each group. */
function noticer(records: Records<Kept>): LogGroups['notice'] {
  const pending = new Set<string>()
  return (account, name) => {
    const key = groupKey(account, name)
    if (records.cached(key) || pending.has(key)) return
    pending.add(key)
    const group = { account, name, createdAt: Date.now(), tags: {}, logClass: 'STANDARD' }
    const done = () => pending.delete(key)
    records.create(key, group).then(done, done)
  }
}

/** Whatever its revision; gone already is as good. */
async function removeKey(records: Records<Kept>, key: string): Promise<void> {
  for (let count = 0; count < ATTEMPTS_MAX; count += 1) {
    const found = await records.get(key)
    if (!found || (await records.delete(key, found.revision)) === 'deleted') return
  }
}

const byName = (one: LogGroup, other: LogGroup) => (one.name < other.name ? -1 : 1)
