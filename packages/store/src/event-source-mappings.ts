// The event source mappings that exist: one record each, by uuid, changed only by compare-and-set,
// read from a watched cache. Laws of change live in core/event-source-mapping; this file retries a
// change that lost a race, sees that no pair is mapped twice, and nothing else.

import type { Bus } from '@hearth/bus/connect'
import { BUCKETS } from '@hearth/bus/messages'
import type { Records } from '@hearth/bus/records'
import { ServiceError } from '@hearth/core/error'
import { type EventSourceMapping, isSamePair } from '@hearth/core/event-source-mapping'
import type { Envelope } from './envelope.ts'
import { mappingSealing } from './sealed-mappings.ts'
import { openSealedRecords } from './sealed-records.ts'

export interface EventSourceMappings {
  /** From the cache, without I/O. */
  cached(account: string, uuid: string): EventSourceMapping | undefined
  /** All of an account, by uuid, from the cache. */
  list(account: string): EventSourceMapping[]
  /** Those that give records to a function, whichever of its qualifiers they name. */
  ofFunction(account: string, functionName: string): EventSourceMapping[]
  ofSource(account: string, sourceArn: string): EventSourceMapping[]
  /** Every mapping of every account, from the cache. */
  all(): EventSourceMapping[]
  /** @returns the mapping that has the pair already, and stores nothing then. */
  create(mapping: EventSourceMapping): Promise<'created' | { rival: EventSourceMapping }>
  /**
   * Applies a change to the newest mapping, again and again until no other writer is in between.
   * @param change gets the mapping, or undefined when there is none, and may throw a refusal.
   */
  change(
    account: string,
    uuid: string,
    change: (mapping: EventSourceMapping | undefined) => EventSourceMapping,
  ): Promise<EventSourceMapping>
  /** For whoever has let go of it; does nothing unless the mapping is `Deleting`. */
  remove(account: string, uuid: string): Promise<void>
  close(): void
}

const BYTES_MAX = 256 * 1024 * 1024
/** Races that one change may lose before we say that the mapping is too busy. */
const ATTEMPTS_MAX = 20

const keyOf = (account: string, uuid: string) => `${account}.${uuid}`

/** @param envelope seals the operator's own servers, which NATS never has in clear. */
export async function openEventSourceMappings(
  bus: Bus,
  envelope: Envelope,
): Promise<EventSourceMappings> {
  const options = { bucket: BUCKETS.eventSourceMappings, bytesMax: BYTES_MAX }
  const records = await openSealedRecords(bus, options, mappingSealing(envelope))
  const valuesOf = (prefix: string) =>
    records.keys(prefix).flatMap((key) => records.cached(key)?.value ?? [])
  const list = (account: string) => valuesOf(`${account}.`)
  return {
    cached: (account, uuid) => records.cached(keyOf(account, uuid))?.value,
    list,
    ofFunction: (account, functionName) =>
      list(account).filter((mapping) => mapping.functionName === functionName),
    ofSource: (account, sourceArn) =>
      list(account).filter((mapping) => mapping.sourceArn === sourceArn),
    all: () => valuesOf(''),

    async create(mapping) {
      const known = list(mapping.account).find((other) => isSamePair(other, mapping))
      if (known) return { rival: known }
      const key = keyOf(mapping.account, mapping.uuid)
      const revision = await records.create(key, mapping)
      if (revision === 'exists') return { rival: mapping }
      // Two at the same moment each see the other once both are stored, and both give way.
      const rival = await rivalOf(records, mapping)
      if (!rival) return 'created'
      const own = await records.get(key)
      if (own) await records.delete(key, own.revision)
      return { rival }
    },

    async change(account, uuid, change) {
      const key = keyOf(account, uuid)
      for (let count = 0; count < ATTEMPTS_MAX; count += 1) {
        const found = count === 0 ? records.cached(key) : await records.get(key)
        const next = change(found?.value)
        if (!found || next === found.value) return next
        if ((await records.update(key, next, found.revision)) !== 'stale') return next
      }
      throw new ServiceError(
        'ResourceConflictException',
        `The operation cannot be performed at this time. Too many updates are in progress for ${uuid}.`,
      )
    },

    async remove(account, uuid) {
      const key = keyOf(account, uuid)
      const found = await records.get(key)
      if (found?.value.state === 'Deleting') await records.delete(key, found.revision)
    },

    close: records.close,
  }
}

/** Also what others stored a moment ago, which the cache may not have heard of. */
async function rivalOf(
  records: Records<EventSourceMapping>,
  mapping: EventSourceMapping,
): Promise<EventSourceMapping | undefined> {
  const own = keyOf(mapping.account, mapping.uuid)
  for (const key of await records.freshKeys()) {
    if (key === own || !key.startsWith(`${mapping.account}.`)) continue
    const other = (records.cached(key) ?? (await records.get(key)))?.value
    if (other && isSamePair(other, mapping)) return other
  }
  return undefined
}
