// Totals of an earlier Hearth: all in one value, by account, month, function and architecture. They
// become a day of their own in each month, `-00`, at the position that they had; the ledger is read
// on from there. Done again after a crash it changes nothing.

import { NO_USE, type Use } from '@hearth/core/price-list'
import type { UseTotals } from '@hearth/store/use-totals'
import type { Head, StoredDay } from './books.ts'
import type { StoredAttempts } from './seen-attempts.ts'
import { UseLines } from './use-lines.ts'

interface FormerTotals extends StoredAttempts {
  position: number
  /** `account/month/function/architecture` -> use. */
  use: Record<string, Partial<Use>>
}

/** @returns the head to go on from; it is the caller's to store. */
export async function migrate(store: UseTotals): Promise<Head> {
  const former = await store.former<FormerTotals>()
  if (!former) return { position: 0, recent: [] }
  const months = new Map<string, UseLines>()
  for (const [key, use] of Object.entries(former.use)) {
    const [account = '', month = '', functionName = '', architecture] = key.split('/')
    const lines = months.get(`${account}/${month}`) ?? new UseLines()
    months.set(`${account}/${month}`, lines)
    const owner = { functionName, version: '', alias: '', tenantId: '' }
    const isArm = architecture === 'arm64'
    lines.add({ ...owner, architecture: isArm ? 'arm64' : 'x86_64' }, { ...NO_USE, ...use })
  }
  for (const [key, lines] of months) {
    const [account = '', month = ''] = key.split('/')
    const at = { account, day: `${month}-00` }
    const day: StoredDay = { position: former.position, lines: lines.stored() }
    const found = await store.day<StoredDay>(at)
    await store.putDay(at, day, found?.revision)
  }
  const { position, recent, repeated } = former
  return { position, recent, ...(repeated && { repeated }) }
}
