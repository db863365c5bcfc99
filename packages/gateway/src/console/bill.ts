// The month's bill: what AWS would have charged for what ran here, what it costs here, how much of
// the free tier that used, day by day and by function. The ledger is the only source; months and
// days are UTC's.

import type { Bill, BillGroup, BillRow } from '@hearth/core/bill'
import type { BudgetScope, BudgetUnit, BudgetView } from '@hearth/core/budget'
import { html, raw } from 'hono/html'
import { bar, chart } from './chart.ts'
import { ask } from './client.ts'
import {
  type Answered,
  type Column,
  chip,
  empty,
  type Html,
  orRefusal,
  section,
  table,
  tiles,
} from './elements.ts'
import { count, dollars, gbSeconds, moment, monthName, share, shortCount, some } from './format.ts'
import { functionPath, type Page, type Visit } from './visit.ts'

const MONTHS = 13
const DAY_MS = 86_400_000

export async function billPage(visit: Visit): Promise<Page> {
  const months = lastMonths(visit.now)
  const wanted = visit.query('month')
  const month = months.find((one) => one === wanted) ?? months[0] ?? ''
  const [bill, budgets] = await Promise.all([
    ask(visit.client.bill({ month, by: 'day' })),
    ask(visit.client.budgets()),
  ])
  const options = months.map(
    (one) =>
      html`<option value="${one}"${one === month ? raw(' selected') : ''}>${monthName(one)}</option>`,
  )
  const body = html`<div class="page-head"><h1>Bill</h1><form class="inline" action="/console/bill">
<label for="month">Month</label> <select id="month" name="month">${options}</select>
<button type="submit">Show</button></form></div>
<div id="bill">${orRefusal(bill, (found) => show(found, budgets))}</div>`
  return { title: `Bill of ${monthName(month)}`, body }
}

/** This month first. */
export function lastMonths(now: number): string[] {
  const date = new Date(now)
  return Array.from({ length: MONTHS }, (_, back) =>
    new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - back)).toISOString().slice(0, 7),
  )
}

function show(bill: Bill, budgets: Answered<BudgetView[]>): Html {
  const { requests, freeTier, total } = bill
  const figures = tiles([
    {
      ...{ name: 'AWS would charge', note: 'after its free tier, at list prices' },
      value: dollars(bill.awsCharge),
    },
    { name: 'At list prices', value: dollars(total.awsListPrice), note: 'before the free tier' },
    { name: 'It costs here', value: dollars(total.ownCost), note: 'by your own prices' },
    { name: 'Requests', value: shortCount(requests), note: 'attempts that were billed' },
    { name: 'Compute', value: gbSeconds(bill.gbSeconds), note: 'memory × billed duration' },
  ])
  const tier = html`<div class="tier">
${allowance('Requests', [freeTier.requestsUsed, freeTier.requests], count)}
${allowance('Compute', [freeTier.gbSecondsUsed, freeTier.gbSeconds], gbSeconds)}</div>`
  return html`${figures}${section('Free tier of the month', tier)}${byDay(bill)}
${section('By function', byFunction(bill))}
${section('Budgets of this month', orRefusal(budgets, budgetTable))}
<p class="foot quiet small">From the ledger, in which each attempt counts once. ${upTo(bill)}
<code>hearth bill</code> prints the same, and more groups of it.</p>`
}

function allowance(
  name: string,
  [used, of]: [number, number],
  show: (number: number) => string,
): Html {
  const tone = used >= of ? 'warn' : 'calm'
  return html`<div><p><b>${name}</b> <span>${show(used)} of ${show(of)}</span>
<span class="quiet">${share(used, of)}</span></p>${bar(used, of, tone)}</div>`
}

function upTo({ books }: Bill): string {
  const newest =
    books.upTo === undefined ? '' : `The newest is of ${moment(Date.parse(books.upTo))}`
  if (books.segmentsBehind === 0) return newest && `${newest}.`
  return `${newest || 'None is read yet'}; ${some(books.segmentsBehind, 'segment')} wait.`
}

/** Nothing where nothing is known of any day. */
function byDay({ month, groups = [] }: Bill): Html {
  const days = new Map(groups.map((group) => [group.keys.day ?? '', group]))
  const from = Date.parse(`${month}-01T00:00:00Z`)
  const next = new Date(from).setUTCMonth(new Date(from).getUTCMonth() + 1)
  const dates = Array.from({ length: Math.round((next - from) / DAY_MS) }, (_, index) =>
    new Date(from + index * DAY_MS).toISOString().slice(0, 10),
  )
  if (!dates.some((date) => days.has(date))) return html``
  const daily = (of: (day: BillGroup) => number) =>
    dates.map((date) => {
      const day = days.get(date)
      return day ? of(day) : 0
    })
  const drawn = (id: string, title: string, of: (day: BillGroup) => number) =>
    chart({
      ...{ id, title, unit: 'per day', kind: 'bars', from, stepMs: DAY_MS },
      series: [{ name: title, tone: id === 'spent' ? 'accent' : 'calm', values: daily(of) }],
      show: id === 'spent' ? dollars : shortCount,
      label: (time) => String(new Date(time).getUTCDate()),
    })
  return section(
    'Day by day',
    html`<div class="charts">${drawn('spent', 'AWS’s list price', ({ awsListPrice }) => awsListPrice)}
${drawn('asked', 'Requests', ({ requests }) => requests)}</div>`,
  )
}

function byFunction({ rows, total }: Bill): Html {
  if (rows.length === 0) {
    return empty(
      'Nothing ran in this month.',
      html`<a href="/console/functions">Invoke a function</a>, and it is here a second or two later.`,
    )
  }
  const columns: Column<BillRow>[] = [
    {
      name: 'Function',
      cell: ({ functionName: name }) => html`<a href="${functionPath(name)}">${name}</a>`,
    },
    { name: 'Architecture', isExtra: true, cell: ({ architecture }) => architecture },
    { name: 'Requests', isNumber: true, cell: ({ requests }) => count(requests) },
    { name: 'Compute', isNumber: true, isExtra: true, cell: (one) => gbSeconds(one.gbSeconds) },
    { name: 'List price', isNumber: true, cell: (one) => dollars(one.awsListPrice) },
    { name: 'Here', isNumber: true, isExtra: true, cell: ({ ownCost }) => dollars(ownCost) },
    {
      ...{ name: 'Share of compute', isExtra: true },
      cell: ({ gbSeconds: own }) =>
        html`<span class="measure">${bar(own, total.gbSeconds)}
<small>${share(own, total.gbSeconds)}</small></span>`,
    },
  ]
  return table('The bill by function', columns, rows)
}

function budgetTable(budgets: readonly BudgetView[]): Html {
  if (budgets.length === 0) {
    return empty(
      'There is no budget.',
      html`<code>hearth budget set</code> makes one, for the account, a function or a tag: it tells
somebody when a part is used, and stops what it covers if you want that.`,
    )
  }
  const columns: Column<BudgetView>[] = [
    { name: 'Budget', cell: ({ name, scope }) => html`${name}<small>${scopeOf(scope)}</small>` },
    { name: 'Used', isNumber: true, cell: ({ used, unit }) => amount(used, unit) },
    { name: 'Of', isNumber: true, cell: ({ limit, unit }) => amount(limit, unit) },
    {
      ...{ name: 'Share', isExtra: true },
      cell: ({ used, limit, usedRatio }) => html`<span class="measure">
${bar(used, limit, usedRatio >= 1 ? 'bad' : 'calm')} <small>${share(used, limit)}</small></span>`,
    },
    { name: 'State', cell: stateOf },
  ]
  return table('Budgets', columns, budgets)
}

function stateOf({ isStopping, stop, usedRatio }: BudgetView): Html {
  if (isStopping) return chip('Stops invocations', 'bad')
  if (usedRatio >= 1) return chip('Used up', 'warn')
  return chip(stop ? 'Stops at the limit' : 'Alerts only', 'calm')
}

function scopeOf(scope: BudgetScope): string {
  if (scope.kind === 'account') return 'the account'
  return scope.kind === 'function' ? scope.functionName : `tag ${scope.key} = ${scope.value}`
}

function amount(number: number, unit: BudgetUnit): string {
  if (unit === 'requests') return count(number)
  return unit === 'gb-seconds' ? gbSeconds(number) : dollars(number)
}
