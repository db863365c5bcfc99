// Records: small documents in JetStream KV, changed by compare-and-set and read from a watched
// cache, so that reading costs no I/O. A process reads its own writes at once; others follow within
// a heartbeat.

import { JetStreamApiError, StorageType } from '@nats-io/jetstream'
import type { KV, KvWatchEntry } from '@nats-io/kv'
import { type Bus, requireConnected } from './connect.ts'

/** A document and the revision by which it may be replaced. */
export interface Revised<T> {
  value: T
  revision: number
}

export interface Records<T> {
  /** From the cache: no I/O, perhaps a heartbeat old. */
  cached(key: string): Revised<T> | undefined
  /** All cached keys that start with the prefix, sorted. */
  keys(prefix: string): string[]
  /** All keys that the server has at this moment; the cache may be behind. */
  freshKeys(): Promise<string[]>
  /** From the server, and into the cache. */
  get(key: string): Promise<Revised<T> | undefined>
  create(key: string, value: T): Promise<number | 'exists'>
  update(key: string, value: T, revision: number): Promise<number | 'stale'>
  delete(key: string, revision: number): Promise<'deleted' | 'stale'>
  close(): void
}

export interface RecordsOptions {
  bucket: string
  /** How many earlier values of a key the server keeps. */
  history?: number
  bytesMax: number
}

/** A subject of more than NATS's 4 KB costs the whole connection. */
const KEY_LENGTH_MAX = 3_000
/** What a key can be: no record has another, so none is looked for under it. */
const KEY = /^[-/=\w]+(?:\.[-/=\w]+)*$/
/** JetStream's code for "wrong last sequence": somebody else was first. */
const WRONG_LAST_SEQUENCE = 10071

/** Opens the bucket, makes it if need be, and waits until the cache holds all that was there. */
export async function openRecords<T>(bus: Bus, options: RecordsOptions): Promise<Records<T>> {
  const kv = await bus.buckets.create(options.bucket, {
    history: options.history ?? 1,
    storage: StorageType.File,
    max_bytes: options.bytesMax,
  })
  const cache = await watchedCache<T>(kv)
  const remember = (key: string, value: T, revision: number) => {
    if ((cache.entries.get(key)?.revision ?? 0) < revision) cache.put(key, { value, revision })
    return revision
  }
  return {
    cached: (key) => cache.entries.get(key),
    keys: (prefix) => cache.sortedKeys().filter((key) => key.startsWith(prefix)),
    async freshKeys() {
      requireConnected(bus)
      const found: string[] = []
      for await (const key of await kv.keys()) found.push(key)
      return found
    },
    async get(key) {
      requireConnected(bus)
      if (key.length > KEY_LENGTH_MAX || !KEY.test(key)) return undefined
      const entry = await kv.get(key)
      if (entry?.operation !== 'PUT') return undefined
      const value = entry.json<T>()
      remember(key, value, entry.revision)
      return { value, revision: entry.revision }
    },
    async create(key, value) {
      requireConnected(bus)
      const revision = await unlessBeaten(kv.create(key, JSON.stringify(value)))
      return revision === undefined ? 'exists' : remember(key, value, revision)
    },
    async update(key, value, revision) {
      requireConnected(bus)
      const next = await unlessBeaten(kv.update(key, JSON.stringify(value), revision))
      return next === undefined ? 'stale' : remember(key, value, next)
    },
    async delete(key, revision) {
      requireConnected(bus)
      const done = await unlessBeaten(
        kv.purge(key, { previousSeq: revision }).then(() => 'deleted' as const),
      )
      if (done === undefined) return 'stale'
      cache.forget(key, revision)
      return done
    },
    close: cache.close,
  }
}

async function unlessBeaten<R>(write: Promise<R>): Promise<R | undefined> {
  try {
    return await write
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === WRONG_LAST_SEQUENCE) return undefined
    throw error
  }
}

/** The cache and the watch that feeds it. Resolves when the first sweep is complete. */
async function watchedCache<T>(kv: KV) {
  const entries = new Map<string, Revised<T>>()
  let sorted: string[] | undefined
  const put = (key: string, entry: Revised<T>) => {
    if (!entries.has(key)) sorted = undefined
    entries.set(key, entry)
  }
  const forget = (key: string, revision: number) => {
    if ((entries.get(key)?.revision ?? Number.POSITIVE_INFINITY) > revision) return
    entries.delete(key)
    sorted = undefined
  }
  const apply = (entry: KvWatchEntry) => {
    if (entry.operation !== 'PUT') return forget(entry.key, entry.revision)
    if ((entries.get(entry.key)?.revision ?? 0) >= entry.revision) return
    put(entry.key, { value: entry.json<T>(), revision: entry.revision })
  }
  let waiting = (await kv.status()).values
  const watch = await kv.watch()
  const filled = Promise.withResolvers<void>()
  if (waiting === 0) filled.resolve()
  void (async () => {
    for await (const entry of watch) {
      apply(entry)
      waiting -= 1
      if (waiting <= 0 || entry.isUpdate) filled.resolve()
    }
  })()
  await filled.promise
  return {
    entries,
    put,
    forget,
    sortedKeys: () => {
      sorted ??= [...entries.keys()].sort()
      return sorted
    },
    close: () => watch.stop(),
  }
}
