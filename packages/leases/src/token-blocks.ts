// A scheduler's tokens, kept fresh: the turns at Valkey's allocator, every two seconds and whenever
// an invocation went without. The law is in token-law, what may be trusted in token-holding; this
// file carries messages between the two and never decides who may run.

import { randomUUID } from 'node:crypto'
import type { Result } from 'ioredis'
import type { LeaseStore } from './connect.ts'
import { HeartbeatEar } from './heartbeat-ear.ts'
import { TokenHolding, type TokenLimits } from './token-holding.ts'
import type { TokenAnswer } from './token-law.ts'
import { TOKEN_SCRIPT } from './token-script.ts'

export interface TokenBlocksOptions {
  account: string
  schedulerId: string
  /** Grows with each start; sandboxes of earlier lives are gone by now. */
  life: number
  /** The account's limit. */
  limit(): number
  /** How long an admitted invocation may go on, at most. */
  outlivesMs(): number
  homeOf(pool: string, live: readonly string[]): string | undefined
  /** Every scheduler that may hold tokens, this one included, from the durable record itself. */
  roster(): Promise<string[]>
  /** Everything that runs must end: nobody can know any more that we live. */
  fence(): void
}

const RENEW_MS = 2_000
/** After a turn that brought nothing: who asks more often only burdens Valkey. */
const PATIENCE_MS = 200
const TICK_MS = 250

declare module 'ioredis' {
  interface RedisCommander<Context> {
    hearthTokens(key: string, request: string): Result<string, Context>
  }
}

export class TokenBlocks {
  readonly #redis: LeaseStore['redis']
  readonly #options: TokenBlocksOptions
  readonly #holding: TokenHolding
  readonly #ear: HeartbeatEar
  readonly #clock = createClock()
  readonly #timer: NodeJS.Timeout
  #roster: { epoch: string; ids: string[] } = { epoch: '', ids: [] }
  #isClosing = false
  #isOpen = true
  #turning: Promise<void> | undefined
  #turnedAt = Number.NEGATIVE_INFINITY

  constructor({ redis }: LeaseStore, options: TokenBlocksOptions) {
    redis.defineCommand('hearthTokens', { numberOfKeys: 1, lua: TOKEN_SCRIPT })
    this.#redis = redis
    this.#options = options
    this.#holding = new TokenHolding(options.schedulerId, options.life)
    this.#ear = new HeartbeatEar(options.schedulerId)
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
  }

  /** Takes a token for one invocation, without any I/O. */
  take(limits: TokenLimits): boolean {
    return this.#holding.take(limits, this.#clock())
  }

  give(pool: string): void {
    this.#holding.give(pool)
  }

  /** Makes a pool known ahead of its first invocation. */
  expect(limits: TokenLimits): void {
    this.#holding.expect(limits, this.#clock())
  }

  /** A pool that is configured no more. */
  drop(pool: string): void {
    this.#holding.drop(pool)
  }

  pools(): string[] {
    return this.#holding.pools()
  }

  count(pool: string): { idle: number; running: number } {
    return this.#holding.count(pool)
  }

  /** Whether tokens are trusted; without Valkey this ends when the lease does. */
  admits(): boolean {
    return this.#holding.admits(this.#clock())
  }

  /** Resolves after a turn that begins after this call, or after so many milliseconds. */
  async turned(withinMs: number): Promise<void> {
    const since = this.#clock()
    const waited = (async () => {
      await this.#turning
      if (this.#turnedAt < since) this.#start()
      await this.#turning
    })()
    await Promise.race([waited, pause(withinMs)])
  }

  /** A scheduler's heartbeat was heard on NATS. */
  heard(schedulerId: string): void {
    this.#ear.hear(schedulerId, this.#clock())
  }

  /** Schedulers that were heard lately, and this one. */
  live(): string[] {
    return this.#ear.live(this.#clock())
  }

  /** Gives everything back that does not run. */
  async close(): Promise<void> {
    this.#isClosing = true
    clearInterval(this.#timer)
    await this.#turning
    for (const pool of this.#holding.pools()) this.#holding.drop(pool)
    await Promise.race([this.#exchange(), pause(RENEW_MS)])
  }

  #tick(): void {
    const now = this.#clock()
    if (this.#holding.isFenced(now, this.#ear.heardOneself)) this.#options.fence()
    const dueAt = this.#turnedAt + (this.#holding.isLacking ? PATIENCE_MS : RENEW_MS)
    if (now >= dueAt) this.#start()
  }

  #start(): void {
    this.#turnedAt = this.#clock()
    this.#turning ??= this.#turn().finally(() => {
      this.#turning = undefined
    })
  }

  async #turn(): Promise<void> {
    await this.#readRoster()
    const answer = await this.#exchange()
    // The memory was lost, or nobody is accounted for yet: the second turn is the one that counts.
    const isAgain = answer?.kind === 'epoch' || (answer?.kind === 'turned' && !answer.open)
    if (!isAgain) return
    await this.#readRoster()
    await this.#exchange()
  }

  /** Read after the epoch is known: whoever held tokens before it is in the record by then. */
  async #readRoster(): Promise<void> {
    const { epoch } = this.#holding
    if (epoch === '' || (this.#roster.epoch === epoch && this.#isOpen)) return
    const ids = await this.#options.roster().catch(() => undefined)
    if (ids) this.#roster = { epoch, ids }
  }

  async #exchange(): Promise<TokenAnswer | undefined> {
    const sentAt = this.#clock()
    const live = this.#ear.live(sentAt)
    const { epoch, ids } = this.#roster
    const request = this.#holding.ask(
      {
        limit: this.#options.limit(),
        outlivesMs: this.#options.outlivesMs(),
        live,
        homeOf: (pool) => (this.#isClosing ? undefined : this.#options.homeOf(pool, live)),
        gone: this.#ear.gone([...new Set([...ids, ...this.#ear.known()])], sentAt),
        nonce: randomUUID(),
        ...(epoch === this.#holding.epoch && { roster: ids }),
      },
      sentAt,
    )
    const key = `hearth:{cc:${this.#options.account}}`
    const text = await this.#redis.hearthTokens(key, JSON.stringify(request)).catch(() => undefined)
    if (text === undefined) return undefined
    const answer = JSON.parse(text) as TokenAnswer
    this.#holding.hear(request, answer, { sentAt, now: this.#clock() })
    if (answer.kind === 'turned') this.#isOpen = answer.open
    return answer
  }
}

/**
 * Milliseconds that have gone by, as the faster of two clocks has it: the monotonic one stands
 * still while a virtual machine is paused, the other one may be set back.
 */
function createClock(): () => number {
  let [steady, wall] = [performance.now(), Date.now()]
  let elapsed = 0
  return () => {
    const [steadyNow, wallNow] = [performance.now(), Date.now()]
    elapsed += Math.max(steadyNow - steady, wallNow - wall, 0)
    ;[steady, wall] = [steadyNow, wallNow]
    return elapsed
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
