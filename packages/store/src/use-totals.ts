// The totals of use: one value a day and account, each with the ledger's position up to which that
// day is complete, and the head, with the position that all days have reached. Days are stored
// before the head, so whoever reads on from the head finds in each day what it has already. Each is
// changed by compare-and-set, and kept in nobody's memory but metering's.

import type { Bus } from '@hearth/bus/connect'
import { BUCKETS } from '@hearth/bus/messages'
import type { Revised } from '@hearth/bus/records'
import type { Streams } from '@hearth/bus/streams'
import { openValues } from '@hearth/bus/values'
import { pack, unpack } from './packed.ts'

/** What is stored of a day or of the head is its owner's affair. */
export interface UseTotals {
  head<T>(): Promise<Revised<T> | undefined>
  putHead(value: unknown, revision: number | undefined): Promise<number | 'stale'>
  day<T>(at: DayKey): Promise<Revised<T> | undefined>
  putDay(at: DayKey, value: unknown, revision: number | undefined): Promise<number | 'stale'>
  dropDay(at: DayKey): Promise<void>
  /** Days that are stored, of a month or of all. */
  days(account: string, month?: string): Promise<DayKey[]>
  /** Of every account. */
  allDays(): Promise<DayKey[]>
  /** What an earlier Hearth kept, all in one value. */
  former<T>(): Promise<T | undefined>
  bytes(): Promise<number>
}

export interface DayKey {
  account: string
  /** `YYYY-MM-DD`. */
  day: string
}

/** Three years of days, of hundreds of functions each, take a tenth of it. */
const BYTES_MAX = 256 * 1024 * 1024
const HEAD = 'head'
const MONTH_LENGTH = 'YYYY-MM'.length
const FORMER = { stream: 'KV_totals', subject: '$KV.totals.totals' }

export async function openUseTotals(bus: Bus, streams: Streams): Promise<UseTotals> {
  const values = await openValues(bus, { bucket: BUCKETS.useTotals, bytesMax: BYTES_MAX })
  const get = async <T>(key: string): Promise<Revised<T> | undefined> => {
    const found = await values.get(key)
    return found && { value: unpack<T>(found.value), revision: found.revision }
  }
  const put = async (key: string, value: unknown, revision: number | undefined) =>
    values.put(key, await pack(value), revision)
  const find = async (filter: string) => (await values.keys(filter)).map(readKey)
  return {
    head: () => get(HEAD),
    putHead: (value, revision) => put(HEAD, value, revision),
    day: (at) => get(keyOf(at)),
    putDay: (at, value, revision) => put(keyOf(at), value, revision),
    dropDay: (at) => values.delete(keyOf(at)),
    days: (account, month = '*') => find(`day.${account}.${month}.*`),
    allDays: () => find('day.*.*.*'),
    async former<T>() {
      const message = await streams
        .last(FORMER.stream, FORMER.subject)
        // A Hearth that began with these totals never had the others.
        .catch(() => undefined)
      return message && message.data.length > 0 ? unpack<T>(message.data) : undefined
    },
    bytes: values.bytes,
  }
}

/** A month's days can be asked for together. */
function keyOf({ account, day }: DayKey): string {
  return `day.${account}.${day.slice(0, MONTH_LENGTH)}.${day.slice(MONTH_LENGTH + 1)}`
}

function readKey(key: string): DayKey {
  const [, account = '', month, day] = key.split('.')
  return { account, day: `${month}-${day}` }
}
