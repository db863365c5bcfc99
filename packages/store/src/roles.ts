// The roles that exist: one record each, changed only by compare-and-set, read from a watched
// cache. Laws of change live in core/role; this file retries a change that lost a race.

import type { Bus } from '@hearth/bus/connect'
import { BUCKETS } from '@hearth/bus/messages'
import { openRecords } from '@hearth/bus/records'
import { ServiceError } from '@hearth/core/error'
import type { Role } from '@hearth/core/role'

export interface Roles {
  /** From the cache, without I/O. */
  cached(account: string, name: string): Role | undefined
  /** By name. */
  list(account: string): Role[]
  /** @returns 'exists' when the name is taken. */
  create(role: Role): Promise<'created' | 'exists'>
  /**
   * Applies a change to the newest role until no other writer is in between. Nothing is written for
   * a role that is not there.
   * @param change may throw a refusal; undefined deletes the role.
   */
  change(
    account: string,
    name: string,
    change: (role: Role | undefined) => Role | undefined,
  ): Promise<Role | undefined>
  close(): void
}

const BYTES_MAX = 256 * 1024 * 1024
const ATTEMPTS_MAX = 20

/** Names have characters that keys cannot have. */
const keyOf = (account: string, name: string) =>
  `${account}.${Buffer.from(name).toString('base64url')}`

export async function openRoles(bus: Bus): Promise<Roles> {
  const records = await openRecords<Role>(bus, { bucket: BUCKETS.roles, bytesMax: BYTES_MAX })
  return {
    cached: (account, name) => records.cached(keyOf(account, name))?.value,
    list: (account) =>
      records
        .keys(`${account}.`)
        .flatMap((key) => records.cached(key)?.value ?? [])
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    async create(role) {
      const created = await records.create(keyOf(role.account, role.name), role)
      return created === 'exists' ? 'exists' : 'created'
    },
    async change(account, name, change) {
      const key = keyOf(account, name)
      for (let count = 0; count < ATTEMPTS_MAX; count += 1) {
        const found = await records.get(key)
        const next = change(found?.value)
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
