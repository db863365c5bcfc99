// The allocator on a real Valkey: the script does what the law says, turn by turn, on random
// histories; and holders that use it keep their limits when Valkey forgets, restarts or is away.

import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Server, startValkey } from '../../../e2e/servers.ts'
import { connectLeases, type LeaseStore } from './connect.ts'
import { TokenBlocks } from './token-blocks.ts'
import type { TokenLimits } from './token-holding.ts'
import { type TokenLedger, type TokenRequest, takeTurn } from './token-law.ts'
import { TOKEN_SCRIPT } from './token-script.ts'

let valkey: Server
beforeAll(async () => {
  valkey = await startValkey()
})
afterAll(() => valkey?.stop())

const names = ['alpha', '*', 'hello:3']
const id = fc.constantFrom('one', 'two', 'three')
const small = fc.integer({ min: 0, max: 6 })
const wish = fc.record({
  holds: small,
  wants: small,
  limit: small,
  revision: fc.integer({ min: 0, max: 3 }),
  group: fc.constantFrom('*', 'alpha'),
  groupLimit: fc.integer({ min: 0, max: 9 }),
})
const request: fc.Arbitrary<TokenRequest & { usesEpoch: boolean }> = fc.record(
  {
    scheduler: id,
    life: fc.integer({ min: 1, max: 3 }),
    serial: fc.integer({ min: 1, max: 40 }),
    epoch: fc.constant('of yore'),
    usesEpoch: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
    nonce: fc.uuid(),
    limit: fc.integer({ min: 1, max: 15 }),
    outlivesMs: fc.constantFrom(5_000, 60_000),
    gone: fc.uniqueArray(id),
    roster: fc.uniqueArray(id),
    pools: fc.dictionary(fc.constantFrom(...names), wish),
  },
  {
    requiredKeys: [
      'scheduler',
      'life',
      'serial',
      'epoch',
      'usesEpoch',
      'nonce',
      'limit',
      'outlivesMs',
      'gone',
      'pools',
    ],
  },
)
const history = fc.array(
  fc.record({
    request,
    passMs: fc.constantFrom(0, 100, 3_500, 4_000, 4_000, 16_000, -3_600_000),
    server: fc.constantFrom('A', 'A', 'A', 'B'),
  }),
  { minLength: 1, maxLength: 40 },
)

test('the script is the law', async () => {
  const redis = new Redis(valkey.url)
  let serial = 0
  await fc.assert(
    fc.asyncProperty(history, async (turns) => {
      serial += 1
      const key = `history-${serial}`
      let now = 1_795_000_000_000
      let ledger: TokenLedger | undefined
      for (const { request: given, passMs, server } of turns) {
        now += passMs
        const { usesEpoch, ...rest } = given
        const asked = { ...rest, epoch: usesEpoch ? (ledger?.epoch ?? '') : given.epoch }
        const expected = takeTurn(ledger, asked, { id: server, now })
        const answer = await redis.eval(TOKEN_SCRIPT, 1, key, JSON.stringify(asked), server, now)
        expect(JSON.parse(String(answer))).toEqual(expected.answer)
        const kept = JSON.parse((await redis.get(key)) ?? '')
        expect(kept).toEqual(JSON.parse(JSON.stringify(expected.ledger)))
        ledger = expected.ledger
      }
    }),
    { numRuns: 150 },
  )
  redis.disconnect()
})

const ALL: TokenLimits = { name: '*', limit: 8, revision: 1, group: '*', groupLimit: 8 }
let holders: TokenBlocks[] = []
let stores: LeaseStore[] = []
let roster: string[] = []
let serial = 0

function hold(schedulerId: string, life = 1): TokenBlocks {
  const store = connectLeases(valkey.url)
  roster = [...new Set([...roster, schedulerId])]
  const holder = new TokenBlocks(store, {
    account: `test-${serial}`,
    schedulerId,
    life,
    limit: () => 8,
    outlivesMs: () => 60_000,
    homeOf: (_pool, live) => [...live].sort()[0],
    roster: async () => roster,
    fence() {},
  })
  stores.push(store)
  holders.push(holder)
  return holder
}

afterEach(async () => {
  await Promise.all(holders.map((one) => one.close()))
  await Promise.all(stores.map((store) => store.close()))
  holders = []
  stores = []
  roster = []
  serial += 1
})

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const takeAll = (holder: TokenBlocks, limits = ALL) => {
  let count = 0
  while (holder.take(limits)) count += 1
  return count
}

describe('a holder', () => {
  test('that is alone has the whole limit after one turn, and not one token more', async () => {
    const one = hold('one')
    expect(one.take(ALL)).toBe(false)
    await one.turned(2_000)
    expect(takeAll(one)).toBe(8)
    one.give('*')
    expect(takeAll(one)).toBe(1)
  })

  test('shares with another, who gets what the first gives back', async () => {
    const [one, two] = [hold('one'), hold('two')]
    for (const holder of [one, two]) for (const name of ['one', 'two']) holder.heard(name)
    let [first, second] = [0, 0]
    for (let turn = 0; turn < 20; turn += 1) {
      first += takeAll(one)
      await one.turned(1_000)
      second += takeAll(two)
      await two.turned(1_000)
      expect(first + second).toBeLessThanOrEqual(8)
    }
    expect(first + second).toBe(8)
    expect(Math.min(first, second)).toBeGreaterThan(0)
  })

  test('keeps what it has when Valkey forgets everything, and nobody else gets it', async () => {
    const one = hold('one')
    one.expect(ALL)
    await one.turned(2_000)
    for (let n = 0; n < 5; n += 1) expect(one.take(ALL)).toBe(true)
    const two = hold('two')
    const redis = new Redis(valkey.url)
    await redis.flushall()
    redis.disconnect()
    two.take(ALL)
    await two.turned(1_000)
    expect(takeAll(two)).toBe(0)
    await pause(2_500)
    two.take(ALL)
    await two.turned(1_000)
    expect(takeAll(two) + takeAll(one) + 5).toBeLessThanOrEqual(8)
  })

  test('goes on without Valkey for as long as its lease, and no longer', async () => {
    const one = hold('one')
    one.expect(ALL)
    await one.turned(2_000)
    await valkey.kill()
    expect(one.take(ALL)).toBe(true)
    await pause(8_500)
    expect(one.admits()).toBe(false)
    expect(one.take(ALL)).toBe(false)
    await valkey.start()
    await expect.poll(() => one.take(ALL), { timeout: 10_000 }).toBe(true)
    // One token has been out all the time.
    expect(takeAll(one)).toBeLessThanOrEqual(6)
  })

  test('whose life has been succeeded starts nothing any more', async () => {
    const old = hold('one', 1)
    old.expect(ALL)
    await old.turned(2_000)
    const next = hold('one', 2)
    next.expect(ALL)
    await next.turned(2_000)
    expect(takeAll(next)).toBe(8)
    await old.turned(2_000)
    expect(old.take(ALL)).toBe(false)
  })
})
