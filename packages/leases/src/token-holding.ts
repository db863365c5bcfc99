// What one scheduler holds: its blocks of tokens, and how long they may be trusted. Pure: time and
// answers are handed in, so a simulation can play it. Taking a token is a subtraction; the next
// turn at the allocator is written here and sent by token-blocks.

import { LEASE_MS, type PoolWish, type TokenAnswer, type TokenRequest } from './token-law.ts'

/** Admission ends this long before the lease, so that small pauses cannot outlive it. */
const MARGIN_MS = 2_000
/** Where others need tokens, too, idle ones go back after this time. */
const IDLE_MS = 2_000
/** A part of a limit that is too small to keep some of it idle. */
const SMALL = 8
/** A pool that nobody asked for is forgotten. */
const FORGET_MS = 60_000
/** Cut off from Valkey and NATS for this long after the lease, nothing may go on. */
const FENCE_MS = 10_000

/** A pool as the configuration has it: AWS's limits, newest revision first. */
export interface TokenLimits extends Omit<PoolWish, 'holds' | 'wants'> {
  name: string
  /** A pinned pool is taken ahead and kept: this scheduler's part of provisioned concurrency. */
  pinned?: number
}

interface Block {
  limits: TokenLimits
  idle: number
  running: number
  /** Those who went without since the last turn. */
  missed: number
  /** What the next request asks for; doubles each time it was not enough. */
  size: number
  usedAt: number
  recalled: boolean
}

/** The scheduler's surroundings at a turn. */
export interface Surroundings {
  /** The account's limit. */
  limit: number
  outlivesMs: number
  /** Live schedulers, this one included. */
  live: readonly string[]
  /** The scheduler at which a pool that is too small to share lives. */
  homeOf(pool: string): string | undefined
  roster?: string[]
  gone: string[]
  nonce: string
}

export class TokenHolding {
  readonly #scheduler: string
  readonly #life: number
  readonly #blocks = new Map<string, Block>()
  #serial = 0
  #epoch = ''
  /** On our own clock; what is idle is void afterwards. */
  #until = Number.NEGATIVE_INFINITY
  #superseded = false

  constructor(scheduler: string, life: number) {
    this.#scheduler = scheduler
    this.#life = life
  }

  get epoch(): string {
    return this.#epoch
  }

  /** The last turn's number: answers to earlier ones count for nothing. */
  get serial(): number {
    return this.#serial
  }

  /** Takes a token, or remembers that one was missed. There is no I/O and no await: our lock. */
  take(limits: TokenLimits, now: number): boolean {
    const block = this.#blockOf(limits, now)
    block.usedAt = now
    if (block.idle === 0 || !this.admits(now)) {
      // A pinned pool has its part already; who finds it in use spills over.
      if (limits.pinned === undefined) block.missed += 1
      return false
    }
    block.idle -= 1
    block.running += 1
    return true
  }

  /** Whoever ran is done. */
  give(name: string): void {
    const block = this.#blocks.get(name)
    if (!block) return
    block.running -= 1
    block.idle += 1
  }

  /** Makes a pool known ahead of its first invocation. */
  expect(limits: TokenLimits, now: number): void {
    this.#blockOf(limits, now)
  }

  /** A pool that is configured no more; what runs keeps its tokens until it is done. */
  drop(name: string): void {
    const block = this.#blocks.get(name)
    if (block) block.limits = { ...block.limits, limit: 0, pinned: 0 }
  }

  admits(now: number): boolean {
    return !this.#superseded && now < this.#until - MARGIN_MS
  }

  /** Whether everything that runs must end now: nobody can know any more that we live. */
  isFenced(now: number, heardOneself: number): boolean {
    if (this.#until === Number.NEGATIVE_INFINITY) return false
    return now > this.#until + FENCE_MS && now > heardOneself + FENCE_MS
  }

  /** Tokens of a pool, for those who watch. */
  count(name: string): { idle: number; running: number } {
    const { idle, running } = this.#blocks.get(name) ?? { idle: 0, running: 0 }
    return { idle, running }
  }

  pools(): string[] {
    return [...this.#blocks.keys()]
  }

  /** Whether somebody went without, and a turn might help. */
  get isLacking(): boolean {
    return [...this.#blocks.values()].some(({ missed }) => missed > 0)
  }

  /** The next turn. What it gives back is out of reach from now on, answered or not. */
  ask(around: Surroundings, now: number): TokenRequest {
    if (now >= this.#until) this.#void()
    const pools: Record<string, PoolWish> = {}
    for (const [name, block] of this.#blocks) {
      const { limit, revision, group, groupLimit } = block.limits
      const wants = this.#wishOf(block, around, now)
      const holds = block.idle + block.running
      const isForgotten = holds === 0 && wants === 0 && now > block.usedAt + FORGET_MS
      if (isForgotten) this.#blocks.delete(name)
      else pools[name] = { holds, wants, limit, revision, group, groupLimit }
    }
    this.#serial += 1
    return {
      scheduler: this.#scheduler,
      life: this.#life,
      serial: this.#serial,
      epoch: this.#epoch,
      nonce: around.nonce,
      limit: around.limit,
      outlivesMs: around.outlivesMs,
      gone: around.gone,
      pools,
      ...(around.roster && { roster: around.roster }),
    }
  }

  /** What the allocator said to a turn that left at `sentAt`; late words count for nothing. */
  hear(request: TokenRequest, answer: TokenAnswer, { sentAt, now }: Times): void {
    if (now >= sentAt + LEASE_MS || request.serial !== this.#serial) return
    if (answer.kind === 'epoch') this.#epoch = answer.epoch
    if (answer.kind === 'superseded') this.#supersede()
    if (answer.kind !== 'turned') return
    if (now >= this.#until) this.#void()
    this.#until = sentAt + LEASE_MS
    for (const [name, { granted, recalled }] of Object.entries(answer.pools)) {
      const block = this.#blocks.get(name)
      if (!block) continue
      block.idle += granted
      block.recalled = recalled
      block.missed = 0
    }
  }

  #blockOf(limits: TokenLimits, now: number): Block {
    const known = this.#blocks.get(limits.name)
    if (known) {
      if (limits.revision >= known.limits.revision) known.limits = limits
      return known
    }
    const counts = { idle: 0, running: 0, missed: 0, size: 1 }
    const block = { limits, ...counts, usedAt: now, recalled: false }
    this.#blocks.set(limits.name, block)
    return block
  }

  /** How many more tokens are wanted. Gives back first what should not be kept. */
  #wishOf(block: Block, around: Surroundings, now: number): number {
    const { limit, pinned, name } = block.limits
    const holds = block.idle + block.running
    if (pinned !== undefined) return this.#keep(block, Math.min(pinned, limit))
    const isIdle = block.missed === 0 && now > block.usedAt + IDLE_MS
    // Alone there is nobody to share with: the whole block stays here, and no invocation waits.
    if (around.live.length < 2) return this.#keep(block, limit)
    const isShared = limit >= 2 * around.live.length
    if (!isShared && around.homeOf(name) !== this.#scheduler) return this.#keep(block, 0)
    const fair = Math.floor(limit / around.live.length)
    if (block.missed === 0) {
      // A few stay at hand for the next invocation; of a small limit none while somebody lacks one.
      const few = fair < SMALL ? 0 : Math.ceil(fair / 4)
      this.#keep(block, block.recalled ? few : isIdle ? Math.ceil(fair / 2) : fair)
      if (isIdle || block.recalled || block.idle > holds / 4) return 0
    }
    block.size = Math.min(2 * block.size, Math.max(1, Math.floor(limit / (2 * around.live.length))))
    return Math.max(0, Math.min(Math.max(block.size, block.missed), limit - holds))
  }

  /** Gives idle tokens back until at most so many are held. @returns what lacks to as many. */
  #keep(block: Block, count: number): number {
    const extra = block.idle + block.running - count
    block.idle -= Math.min(Math.max(extra, 0), block.idle)
    return Math.max(-extra, 0)
  }

  #void(): void {
    for (const block of this.#blocks.values()) block.idle = 0
  }

  /** Another life of this scheduler is at work: this one must not start anything any more. */
  #supersede(): void {
    this.#superseded = true
    this.#void()
  }
}

interface Times {
  sentAt: number
  now: number
}
