// The books: use by day, taken from the ledger segment by segment and stored so that each segment
// counts once whoever dies when. A day's value holds the position up to which it is complete, and
// days are stored before the head; who reads on from the head skips in each day what it has. A
// month's sum is kept beside, for bills and budgets. Whatever it does, it does one after another.

import {
  type LedgerSegment,
  type ProvisionedPeriod,
  type ProvisionedRecord,
  readProvisionedSubject,
} from '@hearth/bus/messages'
import type { UseLine } from '@hearth/core/bill'
import type { InvocationRecord } from '@hearth/core/invocation'
import type { Use } from '@hearth/core/price-list'
import type { DayKey, UseTotals } from '@hearth/store/use-totals'
import { dayOf, useOf, useOfProvisioned } from './billing.ts'
import { migrate } from './former-totals.ts'
import { HeldPeriods, type StoredPeriods } from './held-periods.ts'
import { SeenAttempts, type StoredAttempts } from './seen-attempts.ts'
import { keyOf, type Line, type StoredLine, UseLines } from './use-lines.ts'

export interface Head extends StoredAttempts {
  /** The ledger's sequence up to which everything is in the days. */
  position: number
  /** When the newest attempt of these began. */
  newestAt?: number
}

export interface StoredDay {
  /** The ledger's sequence up to which this day is complete. */
  position: number
  lines: StoredLine[]
  /** Absent where there is none, and in what was stored before periods were remembered. */
  periods?: StoredPeriods
}

export interface Entry {
  sequence: number
  subject: string
  segment: LedgerSegment
}

/** What has been counted since it was told last, of one account. */
export type Heard = (account: string, lines: Iterable<Line>) => void

/** A line of the ledger; provisioned concurrency has no tenant. */
type Counted = InvocationRecord | (ProvisionedRecord & { tenantId?: never })

interface DayUse {
  lines: UseLines
  periods: HeldPeriods
}

interface Day extends DayUse {
  at: DayKey
  /** Of what is stored. */
  position: number
  revision: number | undefined
  isChanged: boolean
}

const DAYS_LOADED_MAX = 16
const MONTHS_LOADED_MAX = 3
const MONTH_LINES_MAX = 100_000
/** Of an account. Three years and some: at hundreds of functions that is a tenth of the bucket. */
const DAYS_KEPT = 1_200
const MONTH_LENGTH = 'YYYY-MM'.length
const READ_AT_ONCE = 32

export class Books {
  readonly #store: UseTotals
  readonly #seen: SeenAttempts
  readonly #days = new Map<string, Day>()
  readonly #months = new Map<string, UseLines>()
  /** Counted and not yet stored, by account. */
  #unheard = new Map<string, UseLines>()
  #position: number
  #newestAt: number
  #headRevision: number | undefined
  #storedPosition: number
  #last: Promise<unknown> = Promise.resolve()

  private constructor(store: UseTotals, head: Head, revision: number | undefined) {
    this.#store = store
    this.#seen = new SeenAttempts(head)
    this.#position = head.position
    this.#storedPosition = head.position
    this.#newestAt = head.newestAt ?? 0
    this.#headRevision = revision
  }

  /** As they are stored; what an earlier Hearth kept is brought into today's form. */
  static async open(store: UseTotals): Promise<Books> {
    const found = await store.head<Head>()
    if (found) return new Books(store, found.value, found.revision)
    return new Books(store, await migrate(store), undefined)
  }

  /** The ledger's sequence up to which everything is in here. */
  get position(): number {
    return this.#position
  }

  get newestAt(): number | undefined {
    return this.#newestAt || undefined
  }

  /** See SeenAttempts. */
  doubtful(segment: LedgerSegment) {
    return this.#seen.doubtful(segment)
  }

  /** One more segment; nothing happens when it is behind the position. */
  take(entry: Entry, counted?: ReadonlySet<string>): Promise<void> {
    return this.#inTurn(() => this.#take(entry, counted))
  }

  /**
   * Days first, then the head. @throws Error when another process has moved the books on: these
   * are worth nothing any more.
   */
  store(heard?: Heard): Promise<void> {
    return this.#inTurn(() => this.#storeAll(heard))
  }

  /** A month's use by day. */
  byDay(account: string, month: string): Promise<UseLine[]> {
    return this.#inTurn(async () =>
      (await this.#daysOf(account, month)).flatMap(({ day, lines }) =>
        [...lines.lines()].map((line) => ({ ...line, day })),
      ),
    )
  }

  /** A month's use as one; the day of its lines says so. */
  byMonth(account: string, month: string): Promise<UseLine[]> {
    return this.#inTurn(async () => {
      const sum = await this.#monthOf(account, month)
      return [...sum.lines()].map((line) => ({ ...line, day: `${month}-00` }))
    })
  }

  /** All months of which there is anything. */
  months(account: string): Promise<string[]> {
    return this.#inTurn(async () => {
      const days = await this.#dayNames(account)
      return [...new Set(days.map((day) => day.slice(0, MONTH_LENGTH)))]
    })
  }

  /** Everything, by account and month, as it is at one position. */
  everything(): Promise<{ position: number; months: Map<string, Line[]> }> {
    return this.#inTurn(async () => {
      const stored = await this.#store.allDays()
      const loaded = [...this.#days.values()].map(({ at }) => at)
      const keys = new Set([...stored, ...loaded].map(({ account, day }) => monthKey(account, day)))
      const months = new Map<string, Line[]>()
      for (const key of keys) {
        const [account = '', month = ''] = key.split('/')
        const sum = new UseLines([], MONTH_LINES_MAX)
        for (const { lines } of await this.#daysOf(account, month)) sum.addAll(lines.lines())
        months.set(key, [...sum.lines()])
      }
      return { position: this.#position, months }
    })
  }

  /**
   * Of configurations of provisioned concurrency the period after the last that is in here; none of
   * those that are not.
   * @param begunOn by configuration, the day on which its first period began.
   */
  nextPeriods(account: string, begunOn: ReadonlyMap<string, string>): Promise<Map<string, number>> {
    return this.#inTurn(async () => {
      const next = new Map<string, number>()
      const sought = new Map(begunOn)
      const days = await this.#dayNames(account)
      for (const day of days.reverse()) {
        for (const [id, first] of sought) if (first > day) sought.delete(id)
        if (sought.size === 0) break
        const { periods } = await this.#dayUse({ account, day })
        for (const id of sought.keys()) {
          const found = periods.next(id)
          if (found === undefined) continue
          next.set(id, found)
          sought.delete(id)
        }
      }
      return next
    })
  }

  #inTurn<R>(work: () => Promise<R>): Promise<R> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {})
    return done
  }

  async #take({ sequence, subject, segment }: Entry, counted?: ReadonlySet<string>): Promise<void> {
    if (sequence <= this.#position) return
    const { records, provisioned = [] } = segment
    await this.#require(provisioned.length === 0 ? records : [...records, ...provisioned])
    for (const record of records) {
      if (!this.#seen.count(record, counted)) continue
      if (record.startedAt > this.#newestAt) this.#newestAt = record.startedAt
      this.#add(record, { sequence, use: useOf(record) })
    }
    const period = readProvisionedSubject(subject)
    for (const record of provisioned) {
      this.#add(record, { sequence, use: useOfProvisioned(record), period })
    }
    this.#seen.tidy(segment)
    this.#position = sequence
  }

  #add(
    record: Counted,
    {
      sequence,
      use,
      period,
    }: { sequence: number; use: Use; period?: ProvisionedPeriod | undefined },
  ): void {
    const { account, functionName, architecture, version, alias = '', tenantId = '' } = record
    const day = this.#days.get(dayKey(record))
    if (!day || sequence <= day.position) return
    if (period && !day.periods.take(period)) return
    const owner = { functionName, architecture, version, alias, tenantId }
    const key = keyOf(owner)
    day.isChanged = true
    day.lines.add(owner, use, key)
    this.#months.get(monthKey(account, day.at.day))?.add(owner, use, key)
    const unheard = this.#unheard.get(account) ?? new UseLines()
    this.#unheard.set(account, unheard)
    unheard.add(owner, use, key)
  }

  /** The days that these are of and that are not here, each once. */
  #missing(records: readonly Counted[]): DayKey[] {
    let last = ''
    const missing = new Map<string, DayKey>()
    for (const record of records) {
      const key = dayKey(record)
      if (key === last) continue
      last = key
      if (!this.#days.has(key)) missing.set(key, { account: record.account, day: dayOf(record) })
    }
    return [...missing.values()]
  }

  /** Only between segments: what is stored to make room must hold whole ones. */
  async #require(records: readonly Counted[]): Promise<void> {
    let missing = this.#missing(records)
    if (missing.length === 0) return
    if (this.#days.size + missing.length > DAYS_LOADED_MAX) {
      await this.#makeRoom()
      missing = this.#missing(records)
    }
    let read = await this.#read(missing)
    const fresh = read.filter(({ revision }) => revision === undefined)
    if (fresh.length > 0) {
      for (const { at } of fresh) await this.#forgetOldest(at)
      // What was forgotten may be of those that are wanted.
      read = await this.#read(this.#missing(records))
    }
    for (const day of read) this.#days.set(`${day.at.account}/${day.at.day}`, day)
  }

  async #read(days: readonly DayKey[]): Promise<Day[]> {
    const read: Day[] = []
    for (const at of days) {
      const found = await this.#store.day<StoredDay>(at)
      const { position = 0 } = found?.value ?? {}
      read.push({
        ...{ at, position, revision: found?.revision, isChanged: false },
        ...useIn(found?.value),
      })
    }
    return read
  }

  /** Days that are as they are stored can be had again. */
  async #makeRoom(): Promise<void> {
    await this.#storeDays()
    this.#days.clear()
  }

  /** By their number and not by date: one clock that is years ahead must not end the books. */
  async #forgetOldest({ account }: DayKey): Promise<void> {
    const days = (await this.#store.days(account)).map(({ day }) => day).sort()
    for (const day of days.slice(0, Math.max(days.length - DAYS_KEPT, 0))) {
      const key = `${account}/${day}`
      if (this.#days.get(key)?.isChanged) continue
      this.#days.delete(key)
      await this.#store.dropDay({ account, day })
    }
  }

  async #storeAll(heard?: Heard): Promise<void> {
    if (this.#position === this.#storedPosition) return
    await this.#storeDays()
    const position = this.#position
    const head: Head = { position, newestAt: this.#newestAt, ...this.#seen.stored() }
    this.#headRevision = expectFresh(await this.#store.putHead(head, this.#headRevision))
    this.#storedPosition = position
    const told = this.#unheard
    this.#unheard = new Map()
    for (const [account, lines] of told) heard?.(account, lines.lines())
  }

  async #storeDays(): Promise<void> {
    const changed = [...this.#days.values()].filter(({ isChanged }) => isChanged)
    for (const day of changed) {
      const periods = day.periods.stored()
      const value: StoredDay = {
        ...{ position: this.#position, lines: day.lines.stored() },
        ...(Object.keys(periods).length > 0 && { periods }),
      }
      day.revision = expectFresh(await this.#store.putDay(day.at, value, day.revision))
      day.position = this.#position
      day.isChanged = false
    }
  }

  /** Days of an account that are stored or loaded, of a month or of all, in order. */
  async #dayNames(account: string, month?: string): Promise<string[]> {
    const stored = await this.#store.days(account, month)
    const loaded = [...this.#days.values()].map(({ at }) => at)
    const own = [...stored, ...loaded].filter(
      (at) => at.account === account && at.day.startsWith(month ?? ''),
    )
    return [...new Set(own.map(({ day }) => day))].sort()
  }

  async #daysOf(account: string, month: string): Promise<{ day: string; lines: UseLines }[]> {
    const days = await this.#dayNames(account, month)
    const found: { day: string; lines: UseLines }[] = []
    for (let from = 0; from < days.length; from += READ_AT_ONCE) {
      const some = days.slice(from, from + READ_AT_ONCE)
      const read = some.map(async (day) => ({ day, ...(await this.#dayUse({ account, day })) }))
      found.push(...(await Promise.all(read)))
    }
    return found
  }

  async #dayUse(at: DayKey): Promise<DayUse> {
    const loaded = this.#days.get(`${at.account}/${at.day}`)
    return loaded ?? useIn((await this.#store.day<StoredDay>(at))?.value)
  }

  async #monthOf(account: string, month: string): Promise<UseLines> {
    const key = `${account}/${month}`
    const known = this.#months.get(key)
    const sum = known ?? new UseLines([], MONTH_LINES_MAX)
    if (!known) {
      for (const { lines } of await this.#daysOf(account, month)) sum.addAll(lines.lines())
    }
    // The least lately wanted go first.
    this.#months.delete(key)
    this.#months.set(key, sum)
    const [oldest = ''] = this.#months.keys()
    if (this.#months.size > MONTHS_LOADED_MAX) this.#months.delete(oldest)
    return sum
  }
}

const useIn = (stored: StoredDay | undefined): DayUse => ({
  lines: new UseLines(stored?.lines),
  periods: new HeldPeriods(stored?.periods),
})
const dayKey = (record: Counted) => `${record.account}/${dayOf(record)}`
const monthKey = (account: string, day: string) => `${account}/${day.slice(0, MONTH_LENGTH)}`

function expectFresh(revision: number | 'stale'): number {
  if (revision === 'stale') throw new Error('another process has moved the books on')
  return revision
}
