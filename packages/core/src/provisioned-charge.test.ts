// What is charged of provisioned concurrency: begun five minutes, to the end, whatever the function
// has become by then.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { provision, unprovision } from './concurrency.ts'
import { createFunction, defaultConfiguration, publishVersion } from './function.ts'
import { chargedProvisioned, PROVISIONED_PERIOD_MS, periodsBegun } from './provisioned-charge.ts'

const moment = { now: 0, revisionId: 'r', deploymentId: 'd' }
const configuration = {
  ...defaultConfiguration('f'),
  runtime: 'nodejs24.x',
  handler: 'index.handler',
  role: 'r',
  memoryMb: 512,
}
const code = { sha256: 'a', size: 1 }
const made = createFunction(
  { account: '000000000000', name: 'f', tags: {}, architecture: 'arm64', code, configuration },
  moment,
)
const { document } = publishVersion(made, moment)
const at = (now: number) => ({ documents: [document], limit: 1000, now })

describe('periods', () => {
  test.each([
    ['before it begins', undefined, -1, 0],
    ['at its first moment', undefined, 0, 1],
    ['just before the next', undefined, 299_999, 1],
    ['with the next', undefined, 300_000, 2],
    ['of one that ended at once', 0, 1_000_000, 1],
    ['of one that ended within the first', 1, 1_000_000, 1],
    ['of one that ended with the first', 300_000, 1_000_000, 1],
    ['of one that ended after it', 300_001, 1_000_000, 2],
  ])('%s', (_, endedAt, now, expected) => {
    const one = { modifiedAt: 0, ...(endedAt !== undefined && { endedAt }) }
    expect(periodsBegun(one, now)).toBe(expected)
  })

  test('never become fewer, and the end charges none that had not begun', () => {
    const times = fc.record({
      end: fc.nat(5_000_000),
      first: fc.nat(9_000_000),
      more: fc.nat(9_000),
    })
    fc.assert(
      fc.property(times, ({ end, first, more }) => {
        const one = { modifiedAt: 0, endedAt: end }
        expect(periodsBegun(one, first + more)).toBeGreaterThanOrEqual(periodsBegun(one, first))
        expect(periodsBegun(one, end)).toBeLessThanOrEqual(periodsBegun({ modifiedAt: 0 }, end))
        const whole = periodsBegun(one, Number.MAX_SAFE_INTEGER) * PROVISIONED_PERIOD_MS
        expect(whole).toBeGreaterThanOrEqual(end)
        expect(whole).toBeLessThanOrEqual(end + PROVISIONED_PERIOD_MS)
      }),
    )
  })
})

describe('what ends', () => {
  const first = provision(document, { version: '1', requested: 2 }, at(1_000))

  test('is remembered with what it takes to charge it', () => {
    const raised = provision(first, { version: '1', requested: 5 }, at(2_000))
    const ended = unprovision(raised, '1', 3_000)
    const size = { memoryMb: 512, architecture: 'arm64' }
    expect(chargedProvisioned(ended, 3_000)).toEqual([
      { version: '1', requested: 2, modifiedAt: 1_000, endedAt: 2_000, ...size },
      { version: '1', requested: 5, modifiedAt: 2_000, endedAt: 3_000, ...size },
    ])
    expect(chargedProvisioned({ ...ended, published: [] }, 3_000)).toHaveLength(2)
    expect(chargedProvisioned(first, 3_000)).toEqual([
      { version: '1', requested: 2, modifiedAt: 1_000, ...size },
    ])
  })

  test('is forgotten after a week', () => {
    const ended = unprovision(first, '1', 2_000)
    const week = 7 * 24 * 3_600_000
    const later = provision(ended, { version: '1', requested: 1 }, at(2_000 + week))
    expect(later.concurrency?.ended).toBeUndefined()
    expect(chargedProvisioned(later, 2_000)).toHaveLength(1)
    // Its record is as it was: nobody has changed it since.
    expect(chargedProvisioned(ended, 1_999 + week)).toHaveLength(1)
    expect(chargedProvisioned(ended, 2_000 + week)).toEqual([])
  })
})
