// Records of which a part is secret: it is sealed in what NATS keeps, and open in memory alone, so
// that reading still costs no I/O and opens each record once. What is sealed for one record opens
// in no other.

import type { Bus } from '@hearth/bus/connect'
import { openRecords, type Records, type RecordsOptions, type Revised } from '@hearth/bus/records'

/** How a record keeps its secret part; both are pure, and know the record by its key. */
export interface Sealing<T extends object, Sealed extends object> {
  seal(value: T, key: string): Sealed
  /** @throws Error for what another master key has sealed. */
  open(sealed: Sealed, key: string): T
}

/** @throws Error when the master key that sealed what is there is not at hand. */
export async function openSealedRecords<T extends object, Sealed extends object>(
  bus: Bus,
  options: RecordsOptions,
  sealing: Sealing<T, Sealed>,
): Promise<Records<T>> {
  const records = await openRecords<Sealed>(bus, options)
  const known = new WeakMap<Sealed, T>()
  const open = (sealed: Sealed, key: string) => {
    const value = known.get(sealed) ?? openOne(sealing, sealed, key)
    known.set(sealed, value)
    return value
  }
  const opened = (found: Revised<Sealed> | undefined, key: string) =>
    found && { value: open(found.value, key), revision: found.revision }
  const seal = (value: T, key: string) => {
    const sealed = sealing.seal(value, key)
    known.set(sealed, value)
    return sealed
  }
  try {
    for (const key of records.keys('')) opened(records.cached(key), key)
  } catch (error) {
    records.close()
    throw error
  }
  return {
    ...records,
    cached: (key) => opened(records.cached(key), key),
    get: async (key) => opened(await records.get(key), key),
    create: (key, value) => records.create(key, seal(value, key)),
    update: (key, value, revision) => records.update(key, seal(value, key), revision),
  }
}

function openOne<T extends object, Sealed extends object>(
  { open }: Sealing<T, Sealed>,
  sealed: Sealed,
  key: string,
): T {
  try {
    return open(sealed, key)
  } catch (cause) {
    throw new Error(
      `The secrets of ${key} cannot be read: ${(cause as Error).message} Add the master key that ` +
        'sealed them, as a line of its own, to the file that HEARTH_MASTER_KEY_FILE names (by ' +
        'default master-key in the data directory); every process of this Hearth needs the same.',
      { cause },
    )
  }
}
