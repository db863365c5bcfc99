// The code signing configurations that exist: one record each, changed only by compare-and-set,
// read from a watched cache. Laws of change live in core/code-signing; this file retries a change
// that lost a race, and nothing else.

import type { Bus } from '@hearth/bus/connect'
import { BUCKETS } from '@hearth/bus/messages'
import { openRecords } from '@hearth/bus/records'
import type { CodeSigningConfig } from '@hearth/core/code-signing'
import { ServiceError } from '@hearth/core/error'

export interface CodeSigningConfigs {
  /** From the cache, without I/O. */
  cached(account: string, id: string): CodeSigningConfig | undefined
  /** By id. */
  list(account: string): CodeSigningConfig[]
  create(config: CodeSigningConfig): Promise<void>
  /**
   * Applies a change to the newest configuration until no other writer is in between.
   * @param change may throw a refusal; undefined deletes it.
   */
  change(
    account: string,
    id: string,
    change: (config: CodeSigningConfig | undefined) => CodeSigningConfig | undefined,
  ): Promise<void>
  close(): void
}

const BYTES_MAX = 64 * 1024 * 1024
const ATTEMPTS_MAX = 20

const keyOf = (account: string, id: string) => `${account}.${id}`

export async function openCodeSigningConfigs(bus: Bus): Promise<CodeSigningConfigs> {
  const bucket = BUCKETS.codeSigningConfigs
  const records = await openRecords<CodeSigningConfig>(bus, { bucket, bytesMax: BYTES_MAX })
  return {
    cached: (account, id) => records.cached(keyOf(account, id))?.value,
    list: (account) =>
      records.keys(`${account}.`).flatMap((key) => records.cached(key)?.value ?? []),
    async create(config) {
      await records.create(keyOf(config.account, config.id), config)
    },
    async change(account, id, change) {
      const key = keyOf(account, id)
      for (let count = 0; count < ATTEMPTS_MAX; count += 1) {
        const found = await records.get(key)
        const next = change(found?.value)
        if (!found || next === found.value) return
        const written = next
          ? await records.update(key, next, found.revision)
          : await records.delete(key, found.revision)
        if (written !== 'stale') return
      }
      throw new ServiceError(
        'ResourceConflictException',
        `The operation cannot be performed at this time. Too many updates of ${id}.`,
      )
    },
    close: records.close,
  }
}
