// Access keys that the operator has made: one record each, read from a watched cache, so that to
// know a caller costs no I/O. Their secrets lie sealed; whoever verifies opens them.

import type { Bus } from '@hearth/bus/connect'
import { BUCKETS } from '@hearth/bus/messages'
import { openRecords } from '@hearth/bus/records'

export interface AccessKey {
  account: string
  id: string
  /** The user's whose key it is. */
  name: string
  /** In an envelope; see accessKeyPurpose. */
  secret: string
  /** JSON: what it may do; absent where that is everything. */
  policy?: string
  createdAt: number
}

export interface AccessKeys {
  /** From the cache, without I/O. */
  cached(id: string): AccessKey | undefined
  list(): AccessKey[]
  create(key: AccessKey): Promise<void>
  /** @returns whether there was one. */
  delete(id: string): Promise<boolean>
  close(): void
}

const BYTES_MAX = 64 * 1024 * 1024

/** What its secret is sealed for. */
export const accessKeyPurpose = (id: string) => `access-key/${id}`

export async function openAccessKeys(bus: Bus): Promise<AccessKeys> {
  const records = await openRecords<AccessKey>(bus, {
    bucket: BUCKETS.accessKeys,
    bytesMax: BYTES_MAX,
  })
  return {
    cached: (id) => records.cached(id)?.value,
    list: () => records.keys('').flatMap((id) => records.cached(id)?.value ?? []),
    async create(key) {
      const created = await records.create(key.id, key)
      if (created === 'exists') throw new Error(`There is an access key ${key.id} already.`)
    },
    async delete(id) {
      const found = await records.get(id)
      if (!found) return false
      // Nothing changes a key, so whoever was faster has deleted it.
      await records.delete(id, found.revision)
      return true
    },
    close: records.close,
  }
}
