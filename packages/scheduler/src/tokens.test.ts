// What schedulers tell the allocator, and into which parts they divide provisioned concurrency:
// together those are the whole.

import type { LeaseStore } from '@hearth/leases/connect'
import { type TokenLedger, type TokenRequest, takeTurn } from '@hearth/leases/token-law'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shareOf, Tokens } from './tokens.ts'

test('parts add up, differ by one at most, and do not depend on the order', () => {
  const ids = fc.uniqueArray(fc.stringMatching(/^[a-z0-9]{1,6}$/), { minLength: 1, maxLength: 9 })
  fc.assert(
    fc.property(fc.nat(1000), ids, (count, all) => {
      const parts = all.map((id) => shareOf(count, id, all))
      expect(parts.reduce((sum, part) => sum + part, 0)).toBe(count)
      expect(Math.max(...parts) - Math.min(...parts)).toBeLessThanOrEqual(1)
      expect(all.map((id) => shareOf(count, id, [...all].reverse()))).toEqual(parts)
    }),
  )
  expect(shareOf(5, 'stranger', ['a', 'b'])).toBe(0)
})

/** The allocator as its law has it. */
function allocator() {
  let ledger: TokenLedger | undefined
  const redis = {
    defineCommand() {},
    async hearthTokens(_: string, request: string) {
      const asked = JSON.parse(request) as TokenRequest
      const turn = takeTurn(ledger, asked, { id: 'valkey', now: Date.now() })
      ledger = turn.ledger
      return JSON.stringify(turn.answer)
    },
  }
  return { leases: { redis } as unknown as LeaseStore, ledger: () => ledger }
}

test('what runs is reckoned with for the longest timeout, whatever became of its function', async () => {
  const { leases, ledger } = allocator()
  const tokens = new Tokens({
    account: '000000000000',
    schedulerId: 'one',
    life: 1,
    limit: 10,
    timeoutSecondsMax: 900,
    // It ran for up to 900 seconds, and was deleted as it ran.
    functions: { all: () => [], cached: () => undefined },
    leases,
    roster: { everybody: async () => ['one'] },
    requests: { subscribe: () => ({ close() {} }) },
    fence() {},
    report() {},
  })
  await tokens.ready()
  expect(tokens.take({ functionName: 'gone', version: '$LATEST' })).toBeDefined()
  expect(ledger()?.schedulers.one?.outlivesMs).toBeGreaterThanOrEqual(900_000)
  await tokens.close()
})
