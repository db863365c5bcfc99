// The bill in AWS's columns: its lines sum to what AWS would have charged.

import { type BillTerms, groupUse, makeBill, type UseLine } from '@hearth/core/bill'
import { NO_OWN_PRICES, NO_USE } from '@hearth/core/price-list'
import { expect, test } from 'vitest'
import { renderReport } from './cost-report.ts'

const GB_SECOND = 1024 * 1000
const question = { account: '000000000000', month: '2026-02' }
const terms: BillTerms = {
  prices: {
    requestsPerMillion: 1_000_000,
    gbSecondTiers: { x86_64: [{ price: 2 }], arm64: [{ price: 1 }] },
    provisionedGbSecond: { x86_64: 1, arm64: 1 },
    configuredGbSecond: { x86_64: 0.5, arm64: 0.25 },
    storageGbSecond: 0,
    streamedGb: 0,
    freeRequests: 1,
    freeGbSeconds: 0,
    freeStreamedGb: 0,
  },
  own: NO_OWN_PRICES,
  monthShare: 1,
  tagsOf: (name) => (name === 'f' ? { team: 'red, "blue"' } : undefined),
}
const use = (given: Partial<UseLine>): UseLine => ({
  ...NO_USE,
  day: '2026-02-28',
  functionName: 'f',
  architecture: 'x86_64',
  version: '1',
  alias: '',
  tenantId: '',
  ...given,
})

test('a line a function, day and usage type, and one for what comes free', () => {
  const lines = [
    use({ requests: 2, mbMs: GB_SECOND }),
    // Another function: of one with provisioned concurrency nothing is free.
    use({
      ...{ day: '2026-02-00', functionName: 'e', architecture: 'arm64' },
      configuredMbMs: 4 * GB_SECOND,
    }),
  ]
  const by = ['function', 'architecture', 'day'] as const
  const groups = groupUse({ ...question, by }, lines, terms)
  const bill = { ...makeBill(question, lines, terms), groups, books: { segmentsBehind: 0 } }
  const [head = '', ...rows] = renderReport(bill, 'us-east-1').split('\r\n')
  const headings = head.split(',')
  expect(headings.at(-1)).toBe('resourceTags/user:team')
  // The one value with commas comes last.
  const cells = rows.map((row) => row.split(','))
  const column = (name: string) => cells.map((row) => row[headings.indexOf(`lineItem/${name}`)])
  expect(column('UsageType')).toEqual([
    'Lambda-Provisioned-Concurrency-ARM',
    'Request',
    'Lambda-GB-Second',
    'Lambda-Free-Tier',
  ])
  expect(column('UsageAmount')).toEqual(['4', '2', '1', '0'])
  expect(column('UnblendedCost').map(Number)).toEqual([1, 2, 2, -1])
  expect(bill.awsCharge).toBe(4)
  expect(column('LineItemType')).toEqual(['Usage', 'Usage', 'Usage', 'Credit'])
  expect(column('ResourceId')[0]).toBe('arn:aws:lambda:us-east-1:000000000000:function:e')
  expect(column('UsageStartDate')).toEqual([
    '2026-02-01T00:00:00Z',
    '2026-02-28T00:00:00Z',
    '2026-02-28T00:00:00Z',
    '2026-02-01T00:00:00Z',
  ])
  expect(column('UsageEndDate')[0]).toBe('2026-03-01T00:00:00Z')
  expect(rows[1]).toContain('"red, ""blue"""')
  expect(new Set(cells.map(([id]) => id)).size).toBe(4)
})
