// `hearth bill`: what a month used, what that cost here, and what AWS would have charged; as a
// table, as JSON, as CSV, or in the columns of AWS's own report. The figures are metering's; this
// file only asks for them and lays them out.

import type { Bill, BillGroup, ShownUse } from '@hearth/core/bill'
import { type ClientOptions, endpointOf, fetchNative } from './client.ts'
import { csvOf, dollars, type Format, show, tableOf } from './output.ts'
import { region } from './settings.ts'
import { parseMonth } from './time-span.ts'

export interface BillOptions {
  month?: string
  by?: string
  watch?: true
  cur?: true
}

const EVERY_MS = 1_000
/** What a report of costs is made of. */
const REPORT_BY = 'function,architecture,day'

/** The bill of a month, `YYYY-MM`; the current one when absent. */
export function fetchBill(options: ClientOptions, month?: string, by?: string): Promise<Bill> {
  const query = { ...(month && { month }), ...(by && { by }) }
  return fetchNative<Bill>(options, '/hearth/bill', { query })
}

export async function bill(options: BillOptions & ClientOptions & { output: Format }) {
  const month = options.month && parseMonth(options.month)
  const ask = () => fetchBill(options, month, options.cur ? REPORT_BY : options.by)
  const found = await ask()
  if (options.cur) {
    const { renderReport } = await import('./cost-report.ts')
    return console.log(renderReport(found, options.region ?? region()))
  }
  if (options.output === 'csv') return console.log(renderCsv(found))
  if (options.watch && options.output === 'table' && process.stdout.isTTY) {
    const { watch } = await import('./watched.ts')
    const render = (one: Bill) => renderBill(one).split('\n')
    return watch({ endpoint: endpointOf(options), first: found, ask, render, everyMs: EVERY_MS })
  }
  show(options.output, found, () => renderBill(found))
}

export function renderBill(bill: Bill): string {
  const { freeTier, total, books } = bill
  return [
    `Account ${bill.account}, ${bill.month} (UTC)`,
    '',
    bill.groups ? renderGroups(bill, bill.groups) : renderRows(bill),
    '',
    `free tier       ${used(freeTier.requestsUsed, freeTier.requests, 'requests')}, ` +
      used(freeTier.gbSecondsUsed, freeTier.gbSeconds, 'GB-seconds'),
    `cost here       ${dollars(total.ownCost)}${total.ownCost === 0 ? ' (the machine is yours)' : ''}`,
    `cost on AWS     ${dollars(bill.awsCharge)} after its free tier, at list prices`,
    ...(books.segmentsBehind > 0
      ? [`not counted yet ${books.segmentsBehind} segments of the ledger`]
      : []),
  ].join('\n')
}

type Column = [heading: string, of: (use: ShownUse) => number | string]

const COLUMNS: readonly Column[] = [
  ['requests', ({ requests }) => requests],
  ['GB-seconds', ({ gbSeconds }) => gbSeconds.toFixed(3)],
]
const PROVISIONED: readonly Column[] = [
  ['provisioned', ({ provisionedGbSeconds }) => provisionedGbSeconds.toFixed(3)],
  ['idle', ({ idleGbSeconds }) => idleGbSeconds.toFixed(3)],
]
const LIST: Column = ['AWS list price', ({ awsListPrice }) => dollars(awsListPrice)]
const HERE: Column = ['here', ({ ownCost }) => dollars(ownCost)]

/** Columns that say nothing are left out. */
function columnsOf({ total }: Bill): readonly Column[] {
  const hasProvisioned = total.configuredGbSeconds + total.provisionedGbSeconds > 0
  return [
    ...COLUMNS,
    ...(hasProvisioned ? PROVISIONED : []),
    LIST,
    ...(total.ownCost > 0 ? [HERE] : []),
  ]
}

function renderRows(bill: Bill): string {
  const columns = columnsOf(bill)
  const shown = (use: ShownUse) => columns.map(([, of]) => of(use))
  const rows = [...bill.rows].sort((a, b) => b.gbSeconds - a.gbSeconds || b.requests - a.requests)
  return tableOf(
    ['function', 'architecture', ...columns.map(([heading]) => heading)],
    [
      ...rows.map((row) => [row.functionName, row.architecture, ...shown(row)]),
      ['all', '', ...shown(bill.total)],
    ],
  )
}

function renderGroups(bill: Bill, groups: readonly BillGroup[]): string {
  const by = bill.by ?? []
  const columns = columnsOf(bill)
  const shown = (use: ShownUse) => columns.map(([, of]) => of(use))
  const rows = groups.map((group) => [
    ...by.map((grouping) => group.keys[grouping] || '-'),
    ...shown(group),
  ])
  // Groups of several months have no sum in this one's bill.
  const isOfOne = groups.every(({ keys }) => (keys.month ?? bill.month) === bill.month)
  const all = isOfOne ? [['all', ...by.slice(1).map(() => ''), ...shown(bill.total)]] : []
  return tableOf([...by, ...columns.map(([heading]) => heading)], [...rows, ...all])
}

const FIGURES = [
  'requests',
  'gbSeconds',
  'provisionedGbSeconds',
  'configuredGbSeconds',
  'idleGbSeconds',
  'storageGbSeconds',
  'streamedGb',
  'awsListPrice',
  'ownCost',
] as const satisfies (keyof ShownUse)[]

export function renderCsv(bill: Bill): string {
  const figures = (use: ShownUse) => FIGURES.map((name) => use[name])
  const { by = [], groups } = bill
  if (groups) {
    const rows = groups.map((one) => [...by.map((key) => one.keys[key] ?? ''), ...figures(one)])
    return csvOf([...by, ...FIGURES], rows)
  }
  const rows = bill.rows.map((row) => [row.functionName, row.architecture, ...figures(row)])
  return csvOf(['function', 'architecture', ...FIGURES], rows)
}

function used(amount: number, free: number, unit: string): string {
  const share = free === 0 ? 0 : (amount / free) * 100
  return `${Number(amount.toFixed(3))} of ${free} ${unit} (${share.toFixed(1)} %)`
}
