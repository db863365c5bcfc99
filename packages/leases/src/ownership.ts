// Who does a piece of work that one process at a time should do: a lease with a time to live,
// renewed while its holder is well. It keeps work from being done twice most of the time; where
// twice would be wrong, the work itself must be fenced by compare-and-set, because a lease can run
// out while its holder is paused.

import { randomUUID } from 'node:crypto'
import type { LeaseStore } from './connect.ts'

export interface OwnershipOptions {
  /** What is owned. */
  name: string
  ttlMs: number
  renewMs: number
  /** Begins the work; the signal aborts as soon as the lease can no longer be trusted. */
  onGained(lost: AbortSignal): void
}

export interface Ownership {
  held(): boolean
  /** Gives the lease back. */
  close(): Promise<void>
}

/** Take if nobody has it, renew if it is ours. */
const HOLD = `
local owner = redis.call('get', KEYS[1])
if owner == false or owner == ARGV[1] then
  redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2])
  return 1
end
return 0`

const RELEASE = `
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
return 0`

/**
 * Tries for the lease until it is closed. Time is measured by our own monotonic clock, from before
 * each try.
 */
export function hold(store: LeaseStore, options: OwnershipOptions): Ownership {
  const key = `hearth:owner:${options.name}`
  const self = randomUUID()
  let lost: AbortController | undefined
  let expiry: NodeJS.Timeout | undefined
  let closed = false

  const lose = () => {
    clearTimeout(expiry)
    lost?.abort()
    lost = undefined
  }
  const turn = async () => {
    const askedAt = performance.now()
    const got = await store.redis.eval(HOLD, 1, key, self, options.ttlMs).catch(() => undefined)
    // Without an answer the lease is ours until it runs out by our own clock.
    if (closed || got === undefined) return
    if (got !== 1) return lose()
    clearTimeout(expiry)
    expiry = setTimeout(lose, options.ttlMs - (performance.now() - askedAt))
    if (lost) return
    lost = new AbortController()
    options.onGained(lost.signal)
  }
  const timer = setInterval(() => void turn(), options.renewMs)
  void turn()
  return {
    held: () => lost !== undefined,
    async close() {
      closed = true
      clearInterval(timer)
      lose()
      await store.redis.eval(RELEASE, 1, key, self).catch(() => {})
    },
  }
}
