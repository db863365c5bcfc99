// How Valkey is, for the metrics: how long a round trip takes, and how much of its memory is used.
// It only looks, and says nothing where Valkey does not answer.

import type { LeaseStore } from './connect.ts'

export interface LeasesHealth {
  roundTripMs: number
  bytes: number
  /** Absent where the server has no limit. */
  bytesMax?: number
}

export async function lookAtValkey({ redis }: LeaseStore): Promise<LeasesHealth | undefined> {
  // Commands would wait for a connection that is not there.
  if (redis.status !== 'ready') return undefined
  try {
    const askedAt = performance.now()
    await redis.ping()
    const roundTripMs = performance.now() - askedAt
    const memory = await redis.info('memory')
    const [bytes = 0, bytesMax = 0] = ['used_memory', 'maxmemory'].map((name) =>
      Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(memory)?.[1] ?? 0),
    )
    return { roundTripMs, bytes, ...(bytesMax > 0 && { bytesMax }) }
  } catch {
    return undefined
  }
}
