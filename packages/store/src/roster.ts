// The roster: every scheduler that may hold concurrency tokens. It is durable, because it must
// outlive Valkey: after a loss tokens are granted again once everybody here is accounted for. Who
// is not on it must not hold any, so a scheduler joins before it asks for its first token.

import type { Bus } from '@hearth/bus/connect'
import { BUCKETS } from '@hearth/bus/messages'
import { openRecords } from '@hearth/bus/records'

export interface Roster {
  join(schedulerId: string): Promise<void>
  /** For a scheduler that holds nothing any more. */
  leave(schedulerId: string): Promise<void>
  /** Everybody, from the record itself. @throws while NATS is away. */
  everybody(): Promise<string[]>
  close(): void
}

interface Member {
  joinedAt: number
}

const BYTES_MAX = 16 * 1024 * 1024
/** Names of hosts that died and never came back, beyond which the oldest are struck off. */
const MEMBERS_MAX = 1_000

export async function openRoster(bus: Bus): Promise<Roster> {
  const records = await openRecords<Member>(bus, { bucket: BUCKETS.roster, bytesMax: BYTES_MAX })
  const strike = async (schedulerId: string) => {
    const found = await records.get(schedulerId)
    if (found) await records.delete(schedulerId, found.revision)
  }
  return {
    async join(schedulerId) {
      if (await records.get(schedulerId)) return
      await records.create(schedulerId, { joinedAt: Date.now() })
      const age = (id: string) => records.cached(id)?.value.joinedAt ?? 0
      const all = records.keys('').sort((a, b) => age(b) - age(a))
      for (const oldest of all.slice(MEMBERS_MAX)) await strike(oldest)
    },
    leave: strike,
    everybody: records.freshKeys,
    close: records.close,
  }
}
