// Claims: who last began a piece of work, in a record whose revision only grows, whatever Valkey
// forgets. The revision is the work's fencing epoch: what is written by an older claim is refused
// by whoever keeps the work's position. A claim keeps nobody out by itself; the lease does.

import type { Bus } from '@hearth/bus/connect'
import { BUCKETS } from '@hearth/bus/messages'
import { openRecords } from '@hearth/bus/records'

export interface Claims {
  /** The new epoch: greater than that of every earlier claim. @throws while NATS is away. */
  claim(work: string, claimant: string): Promise<number>
  /** For work that is over for good. Later claims of the same name still get greater epochs. */
  forget(work: string): Promise<void>
  close(): void
}

interface Claim {
  claimant: string
  claimedAt: number
}

const BYTES_MAX = 64 * 1024 * 1024
/** Two who claim at once each find the other's write in between at most a few times. */
const ATTEMPTS_MAX = 20

export async function openClaims(bus: Bus): Promise<Claims> {
  const records = await openRecords<Claim>(bus, { bucket: BUCKETS.claims, bytesMax: BYTES_MAX })
  return {
    async claim(work, claimant) {
      const claim = { claimant, claimedAt: Date.now() }
      for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
        const found = await records.get(work)
        const written = found
          ? await records.update(work, claim, found.revision)
          : await records.create(work, claim)
        if (typeof written === 'number') return written
      }
      throw new Error(`too many claim ${work} at once`)
    },
    async forget(work) {
      const found = await records.get(work)
      if (found) await records.delete(work, found.revision)
    },
    close: records.close,
  }
}
