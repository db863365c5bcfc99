// The way onto Valkey: soft state that may vanish at any moment. Losing it costs speed, never data
// and never a limit; so commands fail quickly while it is away, and nobody queues behind it.

import { Redis } from 'ioredis'

export interface LeaseStore {
  readonly redis: Redis
  close(): Promise<void>
}

const COMMAND_TIMEOUT_MS = 2_000
const RECONNECT_MS_MAX = 1_000

/** Connects in the background: Hearth starts without Valkey and uses it when it comes. */
export function connectLeases(url: string): LeaseStore {
  const redis = new Redis(url, {
    commandTimeout: COMMAND_TIMEOUT_MS,
    maxRetriesPerRequest: 1,
    retryStrategy: (attempt) => Math.min(attempt * 50, RECONNECT_MS_MAX),
  })
  let told = false
  redis.on('error', (error) => {
    if (!told) console.error(`Valkey does not answer at ${url} (${error.message}); trying again.`)
    told = true
  })
  redis.on('ready', () => {
    told = false
  })
  return {
    redis,
    close: async () => redis.disconnect(),
  }
}
