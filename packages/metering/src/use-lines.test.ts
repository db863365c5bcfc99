// Sums by owner: exact however they are cut, stored and read again, and bounded in number without a
// loss of use.

import { NO_USE, sumUses, type Use } from '@hearth/core/price-list'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OTHERS, UseLines } from './use-lines.ts'

const owner = (functionName: string, tenantId = '') => ({
  functionName,
  architecture: 'x86_64' as const,
  version: '1',
  alias: '',
  tenantId,
})
const amount = fc.nat({ max: 2 ** 40 })
const use = fc.record<Use>({
  requests: amount,
  mbMs: amount,
  provisionedMbMs: amount,
  configuredMbMs: amount,
  storageMbMs: amount,
  streamedBytes: amount,
})
const added = fc.array(
  fc.record({
    functionName: fc.constantFrom('a', 'b'),
    tenantId: fc.constantFrom('', 'x', 'y', 'z'),
    use,
  }),
  { maxLength: 30 },
)

test('lines are sums, whoever stores and reads them in between, and none is lost at the bound', () => {
  fc.assert(
    fc.property(added, fc.integer({ min: 1, max: 9 }), (all, max) => {
      let lines = new UseLines([], max)
      for (const { functionName, tenantId, use: one } of all) {
        lines.add(owner(functionName, tenantId), one)
        lines = new UseLines(JSON.parse(JSON.stringify(lines.stored())), max)
      }
      expect(sumUses(lines.lines())).toMatchObject(sumUses(all.map(({ use: one }) => one)))
      // Beyond the bound there is one line a function.
      expect(lines.size).toBeLessThanOrEqual(max + 2)
      for (const name of ['a', 'b']) {
        const own = [...lines.lines()].filter(({ functionName }) => functionName === name)
        const given = all.filter(({ functionName }) => functionName === name)
        expect(sumUses(own)).toMatchObject(sumUses(given.map(({ use: one }) => one)))
      }
    }),
  )
})

test('what comes beyond the bound says so', () => {
  const lines = new UseLines([], 1)
  const one = { ...NO_USE, requests: 1 }
  lines.add(owner('a', 'x'), one)
  lines.add(owner('a', 'y'), one)
  lines.add(owner('a', 'z'), one)
  expect([...lines.lines()].map(({ tenantId, requests }) => [tenantId, requests])).toEqual([
    ['x', 1],
    [OTHERS, 2],
  ])
})

test('a figure that was not known when a line was stored is none', () => {
  const [line] = new UseLines([['a', 'x86_64', '1', '', '', 3, 4]]).lines()
  expect(line).toMatchObject({ requests: 3, mbMs: 4, streamedBytes: 0 })
})
