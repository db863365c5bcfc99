// The first page: how many functions there are, what they did in the last hour, what runs now, what
// waits, and what the month has cost so far. Each figure is asked for by itself, so that a key with
// few permissions still sees what it may.

import type { FunctionHour } from '@hearth/bus/figures'
import type { SchedulerCensus } from '@hearth/bus/messages'
import type { Bill } from '@hearth/core/bill'
import { html } from 'hono/html'
import type { Environments } from '../census.ts'
import { type Hour, totalOf } from '../history.ts'
import { sparkline } from './chart.ts'
import { ask, type Client, granted } from './client.ts'
import {
  type Answered,
  type Html,
  orRefusal,
  section,
  type Tile,
  table,
  tiles,
} from './elements.ts'
import { count, dollars, duration, monthName, share, shortCount, some } from './format.ts'
import { noFunction } from './functions.ts'
import { coldReasons, hourCharts, sources, sumsOf } from './hour-charts.ts'
import { functionPath, type Page, type Visit } from './visit.ts'

interface Found {
  functions: Answered<readonly unknown[]>
  hour: Answered<Hour>
  environments: Answered<Environments>
  waiting: Answered<Record<string, number>>
  letters: Answered<Awaited<ReturnType<Client['deadLetters']>>>
  bill: Answered<Bill>
  limit: number | undefined
}

const BUSIEST = 8

export async function overviewPage({ client }: Visit): Promise<Page> {
  const [functions, hour, environments, waiting, letters, bill, settings] = await Promise.all([
    ask(client.functions()),
    ask(client.history()),
    ask(client.environments()),
    ask(client.waiting()),
    ask(client.deadLetters()),
    ask(client.bill({})),
    ask(client.call<{ AccountLimit: { ConcurrentExecutions: number } }>('GetAccountSettings', {})),
  ])
  const limit = granted(settings)?.AccountLimit.ConcurrentExecutions
  const found = { functions, hour, environments, waiting, letters, bill, limit }
  const none = granted(functions)?.length === 0
  const body = html`<div class="page-head"><h1>Overview</h1></div>
<div id="figures" data-live>
${none ? noFunction() : ''}
${tiles([...traffic(found), ...backlog(found)])}
${orRefusal(hour, lastHour)}
</div>`
  return { title: 'Overview', body }
}

const lastHour = (hour: Hour) =>
  html`${section('Last hour', html`${hourCharts(hour)}${coldReasons(hour)}`)}
${busiest(hour.functions)}${sources(hour)}`

function traffic({ functions, hour, environments, limit }: Found): Tile[] {
  const known = granted(hour)
  const sums = known && sumsOf(known)
  const running = granted(environments)?.schedulers.reduce((sum, one) => sum + runningOn(one), 0)
  const all = granted(functions)?.length
  const of = limit === undefined ? 'now' : `now, of ${count(limit)} at most`
  return [
    { name: 'Functions', value: all && count(all), href: '/console/functions', note: 'in all' },
    {
      ...{ name: 'Invocations', note: 'last 60 minutes' },
      value: sums && shortCount(sums.invocations),
    },
    {
      name: 'Errors',
      value: sums && shortCount(sums.errors),
      note: sums?.invocations
        ? `${share(sums.errors, sums.invocations)} of invocations`
        : undefined,
      tone: sums && sums.errors > 0 ? 'bad' : 'calm',
    },
    {
      name: 'Throttled',
      value: sums && shortCount(sums.throttles),
      note: 'last 60 minutes',
      tone: sums && sums.throttles > 0 ? 'warn' : 'calm',
    },
    { name: 'Running', value: running, note: of },
    {
      name: 'Cold starts',
      value: sums && share(sums.colds, sums.invocations),
      note: sums && `${count(sums.colds)} found no warm environment`,
    },
  ]
}

function backlog({ waiting, letters, bill }: Found): Tile[] {
  const events = granted(waiting)
  const dead = granted(letters)
  const month = granted(bill)
  const buried =
    dead && dead.functions.reduce((sum, one) => sum + one.count, 0) + dead.ofDeletedFunctions
  return [
    {
      ...{ name: 'Events waiting', href: '/console/queues', note: 'asynchronous, in all queues' },
      value: events && shortCount(Object.values(events).reduce((sum, one) => sum + one, 0)),
    },
    {
      ...{ name: 'Dead letters', href: '/console/queues', note: 'kept for 14 days' },
      value: buried === undefined ? undefined : shortCount(buried),
      tone: buried ? 'bad' : 'calm',
    },
    {
      ...{ name: 'AWS would charge', href: '/console/bill' },
      value: month && dollars(month.awsCharge),
      note: month && `${monthName(month.month)} so far`,
    },
  ]
}

const runningOn = ({ functions }: SchedulerCensus) =>
  functions.reduce((sum, { running }) => sum + running, 0)

function busiest(functions: readonly FunctionHour[]): Html {
  if (functions.length === 0) return html``
  const content = table<FunctionHour>(
    'The functions that were invoked most in the last hour',
    [
      {
        name: 'Function',
        cell: ({ functionName: name }) => html`<a href="${functionPath(name)}">${name}</a>`,
      },
      {
        ...{ name: 'Last hour', isExtra: true },
        cell: (one) => sparkline(one.invocations, `${some(totalOf(one), 'invocation')} an hour`),
      },
      { name: 'Invocations', isNumber: true, cell: (one) => count(totalOf(one)) },
      { name: 'Errors', isNumber: true, cell: ({ errors }) => count(errors) },
      { name: 'Throttled', isNumber: true, isExtra: true, cell: (one) => count(one.throttles) },
      {
        ...{ name: 'Average', isNumber: true },
        cell: (one) => (totalOf(one) === 0 ? '–' : duration(one.durationMs / totalOf(one))),
      },
    ],
    functions.slice(0, BUSIEST),
  )
  return section('Busiest functions', content)
}
