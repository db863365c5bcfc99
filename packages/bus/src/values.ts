// Values: bytes in JetStream KV, changed by compare-and-set like records, but kept in no memory:
// each is read when somebody asks. For what is large, or many, and wanted by one process at a time.

import { JetStreamApiError, StorageType } from '@nats-io/jetstream'
import { type Bus, requireConnected } from './connect.ts'
import type { Revised } from './records.ts'

export interface Values {
  get(key: string): Promise<Revised<Uint8Array> | undefined>
  /** All keys that fit a filter such as `day.2026-11.*`. */
  keys(filter: string): Promise<string[]>
  /** Stores over this revision, or over nothing. */
  put(key: string, value: Uint8Array, revision: number | undefined): Promise<number | 'stale'>
  delete(key: string): Promise<void>
  /** Bytes that the server keeps. */
  bytes(): Promise<number>
}

/** JetStream's code for "wrong last sequence": somebody else was first. */
const WRONG_LAST_SEQUENCE = 10071

export async function openValues(
  bus: Bus,
  options: { bucket: string; bytesMax: number },
): Promise<Values> {
  const kv = await bus.buckets.create(options.bucket, {
    history: 1,
    storage: StorageType.File,
    max_bytes: options.bytesMax,
  })
  return {
    async get(key) {
      requireConnected(bus)
      const entry = await kv.get(key)
      if (entry?.operation !== 'PUT') return undefined
      return { value: entry.value, revision: entry.revision }
    },
    async keys(filter) {
      requireConnected(bus)
      const found: string[] = []
      for await (const key of await kv.keys(filter)) found.push(key)
      return found.sort()
    },
    async put(key, value, revision) {
      requireConnected(bus)
      try {
        return await (revision === undefined
          ? kv.create(key, value)
          : kv.update(key, value, revision))
      } catch (error) {
        const isBeaten = error instanceof JetStreamApiError && error.code === WRONG_LAST_SEQUENCE
        if (isBeaten) return 'stale'
        throw error
      }
    },
    async delete(key) {
      requireConnected(bus)
      await kv.purge(key)
    },
    bytes: async () => (await kv.status()).size,
  }
}
