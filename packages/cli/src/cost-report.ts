// The bill in the columns of AWS's Cost and Usage Report, so that whatever reads those reads these:
// a line for each function, day and usage type, at list prices, and one line that takes off what
// comes free. Pure.

import { createHash } from 'node:crypto'
import type { Bill, BillGroup } from '@hearth/core/bill'
import type { Charge } from '@hearth/core/price-list'
import { csvOf } from './output.ts'

const HEADINGS = [
  'identity/LineItemId',
  'bill/PayerAccountId',
  'bill/BillingPeriodStartDate',
  'bill/BillingPeriodEndDate',
  'lineItem/UsageAccountId',
  'lineItem/LineItemType',
  'lineItem/UsageStartDate',
  'lineItem/UsageEndDate',
  'lineItem/ProductCode',
  'lineItem/UsageType',
  'lineItem/Operation',
  'lineItem/ResourceId',
  'lineItem/UsageAmount',
  'lineItem/CurrencyCode',
  'lineItem/UnblendedRate',
  'lineItem/UnblendedCost',
  'lineItem/LineItemDescription',
  'product/region',
  'pricing/unit',
] as const
type Row = Record<(typeof HEADINGS)[number], number | string>

const DAY_MS = 86_400_000
const ID_DIGITS = 52

/** From a bill by function, architecture and day. */
export function renderReport(bill: Bill, region: string): string {
  const tags = new Map(bill.rows.map(({ functionName, tags = {} }) => [functionName, tags]))
  const keys = [...new Set([...tags.values()].flatMap((own) => Object.keys(own)))].sort()
  const lines = (bill.groups ?? []).flatMap((group) =>
    group.charges.map((charge) => ({
      row: usageRow(bill, region, { group, charge }),
      tags: tags.get(group.keys.function ?? '') ?? {},
    })),
  )
  const free = bill.awsCharge - bill.total.awsListPrice
  if (free < 0) lines.push({ row: creditRow(bill, region, free), tags: {} })
  const headings = [...HEADINGS, ...keys.map((key) => `resourceTags/user:${key}`)]
  const rows = lines.map(({ row, tags: own }) => [
    ...HEADINGS.map((heading) => row[heading]),
    ...keys.map((key) => own[key] ?? ''),
  ])
  return csvOf(headings, rows)
}

function usageRow(
  bill: Bill,
  region: string,
  { group, charge }: { group: BillGroup; charge: Charge },
): Row {
  const { function: functionName = '', day = '' } = group.keys
  const { usageType, unit, amount, rate, listPrice } = charge
  const resource = `arn:aws:lambda:${region}:${bill.account}:function:${functionName}`
  return {
    ...baseRow(bill, region),
    ...idOf(`${day} ${usageType} ${resource}`),
    'lineItem/LineItemType': 'Usage',
    ...timesOf(day, bill.month),
    'lineItem/UsageType': usageType,
    'lineItem/Operation': 'Invoke',
    'lineItem/ResourceId': resource,
    'lineItem/UsageAmount': amount,
    'lineItem/UnblendedRate': rate,
    'lineItem/UnblendedCost': listPrice,
    'lineItem/LineItemDescription': `${usageType}, at list price`,
    'pricing/unit': unit,
  }
}

function creditRow(bill: Bill, region: string, amount: number): Row {
  return {
    ...baseRow(bill, region),
    ...idOf(`${bill.account} ${bill.month} credit`),
    'lineItem/LineItemType': 'Credit',
    ...timesOf(`${bill.month}-00`, bill.month),
    'lineItem/UsageType': 'Lambda-Free-Tier',
    'lineItem/Operation': '',
    'lineItem/ResourceId': '',
    'lineItem/UsageAmount': 0,
    'lineItem/UnblendedRate': 0,
    'lineItem/UnblendedCost': amount,
    'lineItem/LineItemDescription': "The month's free tier of the account",
    'pricing/unit': '',
  }
}

function baseRow({ account, month }: Bill, region: string) {
  const [from, to] = monthOf(month)
  return {
    'bill/PayerAccountId': account,
    'bill/BillingPeriodStartDate': from,
    'bill/BillingPeriodEndDate': to,
    'lineItem/UsageAccountId': account,
    'lineItem/ProductCode': 'AWSLambda',
    'lineItem/CurrencyCode': 'USD',
    'product/region': region,
  }
}

const idOf = (text: string) => ({
  'identity/LineItemId': createHash('sha256').update(text).digest('hex').slice(0, ID_DIGITS),
})

/** A day, or the whole month where an earlier Hearth kept no days. */
function timesOf(day: string, month: string) {
  const start = Date.parse(`${day}T00:00:00Z`)
  const [from, to] = Number.isNaN(start)
    ? monthOf(month)
    : ([timeOf(start), timeOf(start + DAY_MS)] as const)
  return { 'lineItem/UsageStartDate': from, 'lineItem/UsageEndDate': to }
}

function monthOf(month: string): [string, string] {
  const [year = 0, number = 1] = month.split('-').map(Number)
  return [timeOf(Date.UTC(year, number - 1)), timeOf(Date.UTC(year, number))]
}

/** As AWS writes it, to the second. */
const timeOf = (at: number) => `${new Date(at).toISOString().slice(0, 19)}Z`
