// The functions that exist: one record each, changed only by compare-and-set, read from a watched
// cache. Laws of change live in core/function; this file retries a change that lost a race, and
// nothing else.

import type { Bus } from '@hearth/bus/connect'
import { BUCKETS } from '@hearth/bus/messages'
import type { Revised } from '@hearth/bus/records'
import { ServiceError } from '@hearth/core/error'
import type { FunctionDocument } from '@hearth/core/function'
import type { Envelope } from './envelope.ts'
import { functionSealing } from './sealed-functions.ts'
import { openSealedRecords } from './sealed-records.ts'

export interface Functions {
  /** From the cache, without I/O: what invocations resolve against. */
  cached(account: string, name: string): FunctionDocument | undefined
  /** All of an account, by name, from the cache. */
  list(account: string): FunctionDocument[]
  /** Every document of every account, from the cache. */
  all(): FunctionDocument[]
  /** @returns 'exists' when the name is taken. */
  create(document: FunctionDocument): Promise<'created' | 'exists'>
  /**
   * Applies a change to the newest document, again and again until no other writer is in between.
   * @param change gets the document, or undefined when there is none, and may throw a refusal.
   */
  change(
    account: string,
    name: string,
    change: (document: FunctionDocument | undefined) => FunctionDocument,
  ): Promise<FunctionDocument>
  /** @param check may throw a refusal. */
  delete(
    account: string,
    name: string,
    check: (document: FunctionDocument | undefined) => void,
  ): Promise<void>
  close(): void
}

const BYTES_MAX = 1024 * 1024 * 1024
/** Races that one change may lose before we say that the function is too busy. */
const ATTEMPTS_MAX = 20

const keyOf = (account: string, name: string) => `${account}.${name}`

/** @param envelope seals environment variables, which NATS never has in clear. */
export async function openFunctions(bus: Bus, envelope: Envelope): Promise<Functions> {
  const options = { bucket: BUCKETS.functions, history: 5, bytesMax: BYTES_MAX }
  const records = await openSealedRecords(bus, options, functionSealing(envelope))
  const valuesOf = (prefix: string) =>
    records.keys(prefix).flatMap((key) => records.cached(key)?.value ?? [])
  return {
    cached: (account, name) => records.cached(keyOf(account, name))?.value,
    list: (account) => valuesOf(`${account}.`),
    all: () => valuesOf(''),

    async create(document) {
      const created = await records.create(keyOf(document.account, document.name), document)
      return created === 'exists' ? 'exists' : 'created'
    },

    change(account, name, change) {
      const key = keyOf(account, name)
      return untilUnbeaten(key, async (first) => {
        const found = first ? records.cached(key) : await records.get(key)
        const next = change(found?.value)
        if (next === found?.value) return next
        const revision = await records.update(key, next, (found as Revised<unknown>).revision)
        return revision === 'stale' ? 'stale' : next
      })
    },

    async delete(account, name, check) {
      const key = keyOf(account, name)
      await untilUnbeaten(key, async () => {
        const found = await records.get(key)
        check(found?.value)
        return found ? records.delete(key, found.revision) : 'deleted'
      })
    },

    close: records.close,
  }
}

async function untilUnbeaten<R>(
  key: string,
  attempt: (first: boolean) => Promise<R | 'stale'>,
): Promise<R> {
  for (let count = 0; count < ATTEMPTS_MAX; count += 1) {
    const outcome = await attempt(count === 0)
    if (outcome !== 'stale') return outcome
  }
  throw new ServiceError(
    'ResourceConflictException',
    `The operation cannot be performed at this time. Too many updates are in progress for ${key}.`,
  )
}
