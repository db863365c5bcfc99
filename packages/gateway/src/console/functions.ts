// All functions: state, runtime, when each was changed and how much it was used; searched by name,
// description, runtime or handler, a page at a time.

import type { FunctionConfiguration } from '@aws-sdk/client-lambda'
import type { FunctionHour } from '@hearth/bus/figures'
import type { FunctionDocument } from '@hearth/core/function'
import { html } from 'hono/html'
import { viewVersion } from '../function-view.ts'
import { totalOf } from '../history.ts'
import { filterInTurns } from '../in-turns.ts'
import { sparkline } from './chart.ts'
import { ask, type Client, granted } from './client.ts'
import { chip, empty, type Html, orRefusal, pager, table, time } from './elements.ts'
import { count, megabytes, NOTHING, some } from './format.ts'
import { functionPath, type Page, type Visit } from './visit.ts'

const PAGE_SIZE = 25

export async function functionsPage(visit: Visit): Promise<Page> {
  const { client } = visit
  const [functions, hour] = await Promise.all([ask(found(visit)), ask(client.history())])
  const used = new Map(granted(hour)?.functions.map((one) => [one.functionName, one]))
  const body = html`<div class="page-head"><h1>Functions</h1>${searchForm(visit)}</div>
<div id="list" data-live>${orRefusal(functions, (picked) => list(visit, picked, used))}</div>`
  return { title: 'Functions', body }
}

async function found(visit: Visit) {
  const all = await visit.client.functions()
  return pick(all, { search: searchOf(visit), page: Number(visit.query('page')) })
}

const searchOf = (visit: Visit) => (visit.query('q') ?? '').trim()

/** A list leaves out whether versions are ready; where the key may, each is asked. */
export const withStates = (client: Client, listed: readonly FunctionConfiguration[]) =>
  Promise.all(
    listed.map(async (one) => {
      const { FunctionName, Version } = one
      const input = { FunctionName, ...(Version !== '$LATEST' && { Qualifier: Version }) }
      const known = client.call<FunctionConfiguration>('GetFunctionConfiguration', input)
      return granted(await ask(known)) ?? one
    }),
  )

const searchForm = (
  visit: Visit,
) => html`<form role="search" class="search" action="/console/functions">
<label for="q">Search functions</label>
<input id="q" name="q" type="search" value="${visit.query('q') ?? ''}"
placeholder="Name, runtime, handler…" autocomplete="off">
<button type="submit">Search</button></form>`

/** One page of those that match, and how many pages there are. */
export async function pick(
  all: readonly FunctionDocument[],
  { search, page }: { search: string; page: number },
) {
  const wanted = search.toLowerCase()
  const found = search === '' ? all : await filterInTurns(all, (one) => matches(one, wanted))
  const pages = Math.max(Math.ceil(found.length / PAGE_SIZE), 1)
  const shown = Math.min(Math.max(page || 1, 1), pages)
  const rows = found.slice((shown - 1) * PAGE_SIZE, shown * PAGE_SIZE)
  return { rows, count: found.length, ofAll: all.length, page: shown, pages }
}

type Picked = Awaited<ReturnType<typeof pick>>

function list(visit: Visit, picked: Picked, used: ReadonlyMap<string, FunctionHour>): Html {
  const search = searchOf(visit)
  if (picked.ofAll === 0) return noFunction()
  if (picked.count === 0) {
    const next = html`Try fewer letters, or <a href="/console/functions">show all ${count(picked.ofAll)}</a>.`
    return empty(`No function matches “${search}”.`, next)
  }
  const href = (to: number) => {
    const query = new URLSearchParams({ ...(search && { q: search }), page: `${to}` })
    return `?${query}`
  }
  const { place } = visit.client.asker
  const rows = picked.rows.map(({ latest, name }) =>
    viewVersion(latest, name, { place, qualified: false }),
  )
  const what = some(picked.count, 'function')
  return html`<p class="lead">${what}${search ? ` for “${search}”` : ''}</p>
${rowsOf(rows, used, visit.now)}${pager({ ...picked, href })}`
}

/** Where there is none: how to make one. */
export const noFunction = () =>
  empty(
    'There is no function yet.',
    html`Deploy a folder with <code>hearth deploy ./my-function --url</code>, or use the AWS CLI, an
SDK or Terraform with this address as the endpoint. It appears here at once.`,
  )

function rowsOf(
  rows: readonly FunctionConfiguration[],
  used: ReadonlyMap<string, FunctionHour>,
  now: number,
): Html {
  const hourOf = ({ FunctionName = '' }: FunctionConfiguration) => used.get(FunctionName)
  return table<FunctionConfiguration>(
    'Functions',
    [
      {
        name: 'Name',
        cell: ({ FunctionName: name = '', Description: text }) =>
          html`<a href="${functionPath(name)}">${name}</a>${text ? html`<small>${text}</small>` : ''}`,
      },
      { name: 'State', cell: stateChip },
      { name: 'Runtime', isExtra: true, cell: ({ Runtime = 'container image' }) => Runtime },
      {
        ...{ name: 'Memory', isNumber: true, isExtra: true },
        cell: ({ MemorySize = 0 }) => megabytes(MemorySize),
      },
      {
        ...{ name: 'Last hour', isExtra: true },
        cell: (one) => {
          const hour = hourOf(one)
          const total = hour ? totalOf(hour) : 0
          if (!hour || total === 0) return NOTHING
          const told = `${some(total, 'invocation')} in the last hour`
          return html`${sparkline(hour.invocations, told)}
<small class="beside">${count(total)}</small>`
        },
      },
      {
        name: 'Last modified',
        cell: ({ LastModified }) => time(Date.parse(LastModified ?? ''), now),
      },
    ],
    rows,
  )
}

/** The state, or the update that is on its way or has failed. */
export function stateChip({ State, LastUpdateStatus }: FunctionConfiguration): Html {
  if (State === undefined) return html`${NOTHING}`
  if (LastUpdateStatus === 'InProgress') return chip('Updating', 'warn')
  if (LastUpdateStatus === 'Failed') return chip('Update failed', 'bad')
  return chip(State)
}

function matches({ name, latest }: FunctionDocument, search: string): boolean {
  const { description, runtime, handler } = latest.configuration
  const texts = [name, description, ...(latest.image ? [] : [runtime, handler])]
  return texts.some((text) => text?.toLowerCase().includes(search))
}
