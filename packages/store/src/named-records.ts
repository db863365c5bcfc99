// Records of IAM's kind: one for each name of an account, changed only by compare-and-set, read
// from a watched cache. Laws of change live in core; this file retries a change that lost a race.

import type { Bus } from '@hearth/bus/connect'
import { openRecords } from '@hearth/bus/records'
import { ServiceError } from '@hearth/core/error'

export interface NamedRecords<T extends { account: string; name: string }> {
  /** From the cache, without I/O. */
  cached(account: string, name: string): T | undefined
  /** By name. */
  list(account: string): T[]
  /** From the server, where the cache may be behind. */
  fresh(account: string, name: string): Promise<T | undefined>
  /** All of an account that the server has at this moment. */
  freshList(account: string): Promise<T[]>
  /** @returns 'exists' when the name is taken. */
  create(record: T): Promise<'created' | 'exists'>
  /**
   * Applies a change to the newest record until no other writer is in between. Nothing is written
   * for one that is not there.
   * @param change may throw a refusal and may look at other records, since whatever it returns is
   *   written only if this one is still the same; undefined deletes the record.
   */
  change(
    account: string,
    name: string,
    change: (record: T | undefined) => T | undefined | Promise<T | undefined>,
  ): Promise<T | undefined>
  close(): void
}

const BYTES_MAX = 256 * 1024 * 1024
const ATTEMPTS_MAX = 20

/** Names have characters that keys cannot have. */
const keyOf = (account: string, name: string) =>
  `${account}.${Buffer.from(name).toString('base64url')}`

export async function openNamedRecords<T extends { account: string; name: string }>(
  bus: Bus,
  bucket: string,
): Promise<NamedRecords<T>> {
  const records = await openRecords<T>(bus, { bucket, bytesMax: BYTES_MAX })
  return {
    cached: (account, name) => records.cached(keyOf(account, name))?.value,
    list: (account) =>
      records
        .keys(`${account}.`)
        .flatMap((key) => records.cached(key)?.value ?? [])
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    fresh: async (account, name) => (await records.get(keyOf(account, name)))?.value,
    async freshList(account) {
      const keys = (await records.freshKeys()).filter((key) => key.startsWith(`${account}.`))
      const found = await Promise.all(keys.map((key) => records.get(key)))
      return found.flatMap((one) => one?.value ?? [])
    },
    async create(record) {
      const created = await records.create(keyOf(record.account, record.name), record)
      return created === 'exists' ? 'exists' : 'created'
    },
    async change(account, name, change) {
      const key = keyOf(account, name)
      for (let count = 0; count < ATTEMPTS_MAX; count += 1) {
        const found = await records.get(key)
        const next = await change(found?.value)
        if (!found || next === found.value) return next
        const written = next
          ? await records.update(key, next, found.revision)
          : await records.delete(key, found.revision)
        if (written !== 'stale') return next
      }
      throw new ServiceError(
        'ResourceConflictException',
        `The operation cannot be performed at this time. Too many updates of ${name}.`,
      )
    },
    close: records.close,
  }
}
