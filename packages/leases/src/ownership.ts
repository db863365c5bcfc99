// Who does a piece of work that one process at a time should do: a lease with a time to live,
// renewed while its holder is well. It keeps work from being done twice most of the time; where
// twice would be wrong, the work itself must be fenced by compare-and-set, because a lease can run
// out while its holder is paused, and Valkey may forget who held it.

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Result } from 'ioredis'
import type { LeaseStore } from './connect.ts'

export interface OwnershipOptions {
  /** What is owned. */
  name: string
  ttlMs: number
  /** Between two tries, for whoever holds it and for whoever wants it; well below `ttlMs`. */
  renewMs: number
  /** Begins the work; the signal aborts as soon as the lease can no longer be trusted. */
  onGained(lost: AbortSignal): void
}

export interface Ownership {
  /** Whether the lease can be trusted at this moment, also right after a pause. */
  held(): boolean
  /** Gives the lease back. */
  close(): Promise<void>
}

interface Lease {
  lost: AbortController
  /** On our own monotonic clock. */
  until: number
  expiry: NodeJS.Timeout
}

declare module 'ioredis' {
  interface RedisCommander<Context> {
    hearthHold(key: string, self: string, ttlMs: number): Result<number, Context>
    hearthRelease(key: string, self: string): Result<number, Context>
  }
}

/** Takes it if nobody has it, renews it if it is ours. */
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
 * Tries for the lease until it is closed. The time that is left is counted from before each try, so
 * a slow answer can only make us give it up early, and Valkey's clock and ours need not agree.
 */
export function hold({ redis }: LeaseStore, options: OwnershipOptions): Ownership {
  redis.defineCommand('hearthHold', { numberOfKeys: 1, lua: HOLD })
  redis.defineCommand('hearthRelease', { numberOfKeys: 1, lua: RELEASE })
  const key = `hearth:owner:${options.name}`
  const self = randomUUID()
  const closed = new AbortController()
  let lease: Lease | undefined

  const lose = () => {
    clearTimeout(lease?.expiry)
    lease?.lost.abort()
    lease = undefined
  }
  const keep = (until: number) => {
    const left = until - performance.now()
    // An answer that took longer than the lease lasts says nothing about now.
    if (left <= 0) return
    const gained = lease === undefined
    clearTimeout(lease?.expiry)
    const { lost } = lease ?? { lost: new AbortController() }
    lease = { lost, until, expiry: setTimeout(lose, left) }
    if (gained) options.onGained(lost.signal)
  }
  const turn = async () => {
    const until = performance.now() + options.ttlMs
    const got = await redis.hearthHold(key, self, options.ttlMs).catch(() => undefined)
    // Without an answer the lease is ours until it runs out by our own clock.
    if (closed.signal.aborted || got === undefined) return
    if (lease && performance.now() >= lease.until) lose()
    if (got === 1) keep(until)
    else lose()
  }
  const turns = (async () => {
    while (!closed.signal.aborted) {
      await turn()
      await sleep(options.renewMs, undefined, { signal: closed.signal }).catch(() => {})
    }
  })()
  return {
    held: () => lease !== undefined && performance.now() < lease.until,
    async close() {
      closed.abort()
      lose()
      await turns
      await redis.hearthRelease(key, self).catch(() => {})
    },
  }
}
