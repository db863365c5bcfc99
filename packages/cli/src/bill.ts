// `hearth bill`: what a month's requests and GB-seconds were, what they cost here, and what AWS
// would have charged. The figures are metering's; this file only asks for them and lays them out.

import type { Bill } from '@hearth/core/bill'
import { type ClientOptions, fetchNative } from './client.ts'
import { dollars, tableOf } from './output.ts'

/** The bill of a month, `YYYY-MM`; the current one when absent. */
export function fetchBill(options: ClientOptions, month?: string): Promise<Bill> {
  return fetchNative<Bill>(options, '/hearth/bill', { query: month ? { month } : {} })
}

export function renderBill(bill: Bill): string {
  const { freeTier } = bill
  const rows = [...bill.rows].sort((a, b) => b.gbSeconds - a.gbSeconds || b.requests - a.requests)
  return [
    `Account ${bill.account}, ${bill.month} (UTC)`,
    '',
    tableOf(
      ['function', 'architecture', 'requests', 'GB-seconds'],
      [
        ...rows.map((row) => [
          row.functionName,
          row.architecture,
          row.requests,
          row.gbSeconds.toFixed(3),
        ]),
        ['all', '', bill.requests, bill.gbSeconds.toFixed(3)],
      ],
    ),
    '',
    `free tier       ${used(freeTier.requestsUsed, freeTier.requests, 'requests')}, ` +
      used(freeTier.gbSecondsUsed, freeTier.gbSeconds, 'GB-seconds'),
    'cost here       $0.00 (the machine is yours)',
    `cost on AWS     ${dollars(bill.awsCharge)} after its free tier, at list prices`,
  ].join('\n')
}

function used(amount: number, free: number, unit: string): string {
  const share = free === 0 ? 0 : (amount / free) * 100
  return `${Number(amount.toFixed(3))} of ${free} ${unit} (${share.toFixed(1)} %)`
}
