// A scheduler's tokens, kept fresh: the turns at Valkey's allocator, every two seconds and whenever
// an invocation went without. The law is in token-law, what may be trusted in token-holding; this
// file carries messages between the two and never decides who may run.

import { randomUUID } from 'node:crypto'
import type { Result } from 'ioredis'
import type { LeaseStore } from './connect.ts'
import { HeartbeatEar, TokenHolding, type TokenLimits } from './token-holding.ts'
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

export interface TokenBlocks {
  /** Takes a token for one invocation without any I/O. */
  take(limits: TokenLimits): boolean
  give(pool: string): void
  /** Makes a pool known ahead of its first invocation. */
  expect(limits: TokenLimits): void
  drop(pool: string): void
  pools(): string[]
  count(pool: string): { idle: number; running: number }
  /** Whether tokens are being trusted; without Valkey this ends when the lease does. */
  admits(): boolean
  /** Resolves after a turn that begins after this call, or after so many milliseconds. */
  turned(withinMs: number): Promise<void>
  /** A scheduler's heartbeat was heard on NATS. */
  heard(schedulerId: string): void
  live(): string[]
  /** Gives everything back that does not run. */
  close(): Promise<void>
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

export function openTokenBlocks({ redis }: LeaseStore, options: TokenBlocksOptions): TokenBlocks {
  redis.defineCommand('hearthTokens', { numberOfKeys: 1, lua: TOKEN_SCRIPT })
  const key = `hearth:{cc:${options.account}}`
  const holding = new TokenHolding(options.schedulerId, options.life)
  const ear = new HeartbeatEar(options.schedulerId)
  const clock = createClock()
  let roster: { epoch: string; ids: string[] } = { epoch: '', ids: [] }
  let closing = false
  let turning: Promise<void> | undefined
  let turnedAt = Number.NEGATIVE_INFINITY
  let isOpen = true

  const readRoster = async () => {
    const { epoch } = holding
    if (epoch === '' || (roster.epoch === epoch && isOpen)) return
    const ids = await options.roster().catch(() => undefined)
    if (ids) roster = { epoch, ids }
  }
  const exchange = async (sentAt: number) => {
    const live = ear.live(sentAt)
    const request = holding.ask(
      {
        limit: options.limit(),
        outlivesMs: options.outlivesMs(),
        live,
        homeOf: (pool) => (closing ? '' : options.homeOf(pool, live)),
        gone: ear.gone(roster.ids, sentAt),
        nonce: randomUUID(),
        ...(roster.epoch === holding.epoch && { roster: roster.ids }),
      },
      sentAt,
    )
    const answer = await send(redis.hearthTokens(key, JSON.stringify(request)))
    if (answer) holding.hear(request, answer, { sentAt, now: clock() })
    if (answer?.kind === 'turned') isOpen = answer.open
    return answer
  }
  const turn = async () => {
    await readRoster()
    const answer = await exchange(clock())
    // Lost memory, or a gate that our roster may open: the second turn is the one that counts.
    const isAgain = answer?.kind === 'epoch' || (answer?.kind === 'turned' && !answer.open)
    if (isAgain) {
      await readRoster()
      await exchange(clock())
    }
  }
  const start = () => {
    turnedAt = clock()
    turning ??= turn().finally(() => {
      turning = undefined
    })
    return turning
  }
  const tick = () => {
    const now = clock()
    if (holding.isFenced(now, ear.heardOneself)) options.fence()
    if (now >= turnedAt + RENEW_MS || (holding.isLacking && now >= turnedAt + PATIENCE_MS)) start()
  }
  const timer = setInterval(tick, TICK_MS)

  return {
    take: (limits) => holding.take(limits, clock()),
    give: (pool) => holding.give(pool),
    expect: (limits) => holding.expect(limits, clock()),
    drop: (pool) => holding.drop(pool),
    pools: () => holding.pools(),
    count: (pool) => holding.count(pool),
    admits: () => holding.admits(clock()),
    async turned(withinMs) {
      const since = clock()
      const waited = (async () => {
        await turning
        if (turnedAt < since) void start()
        await turning
      })()
      await Promise.race([waited, pause(withinMs)])
    },
    heard: (schedulerId) => ear.hear(schedulerId, clock()),
    live: () => ear.live(clock()),
    async close() {
      closing = true
      clearInterval(timer)
      await turning
      for (const pool of holding.pools()) holding.drop(pool)
      await Promise.race([exchange(clock()), pause(RENEW_MS)])
    },
  }
}

async function send(sent: Promise<string>): Promise<TokenAnswer | undefined> {
  const text = await sent.catch(() => undefined)
  return text === undefined ? undefined : (JSON.parse(text) as TokenAnswer)
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
