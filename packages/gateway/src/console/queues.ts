// What waits: asynchronous events on their functions' queues, and dead letters, which were given
// up. A letter can be looked at and put back; AWS drops such events, so it has no page for them.

import { laneKey } from '@hearth/store/lane-key'
import { html } from 'hono/html'
import { filterInTurns } from '../in-turns.ts'
import type { DeadLetterView } from '../routes/dead-letters.ts'
import { ask, type Client, granted } from './client.ts'
import { chip, code, empty, facts, type Html, note, orRefusal, table, time } from './elements.ts'
import { count, pretty, some } from './format.ts'
import { tokenField } from './layout.ts'
import { type Form, functionPath, type Page, type Sequel, type Visit } from './visit.ts'

interface Row {
  name: string
  waiting: number
  dead: number
}

const PATH = '/console/queues'
/** Letters a page, and how much of each event: one may have a megabyte. */
const PAGE_SIZE = 25
const SHOWN_LENGTH_MAX = 20_000
const pathOf = (name: string) => `${PATH}/${encodeURIComponent(name)}`

export async function queuesPage({ client }: Visit, names: readonly string[]): Promise<Page> {
  const [waiting, dead] = await Promise.all([ask(client.waiting()), ask(client.deadLetters())])
  const known = { letters: granted(dead)?.functions ?? [], lanes: granted(waiting) ?? {} }
  const rows = await rowsOf(client, names, known)
  const body = html`<div class="page-head"><h1>Queues and dead letters</h1></div>
<p class="lead">Each function has a queue of its own for asynchronous events. What it could not do,
and no destination took, is kept here for 14 days.</p>
<div id="queues" data-live>${orRefusal(dead, (found) =>
    orRefusal(waiting, () => queues(rows, found.ofDeletedFunctions)),
  )}</div>`
  return { title: 'Queues', body }
}

/** Functions that have something on their queue, or given up. */
async function rowsOf(
  { asker }: Client,
  names: readonly string[],
  known: {
    letters: readonly { functionName: string; count: number }[]
    lanes: Record<string, number>
  },
): Promise<Row[]> {
  const letters = new Map(known.letters.map((one) => [one.functionName, one.count]))
  const waitingOf = (name: string) => known.lanes[laneKey(asker.place.account, name)] ?? 0
  const found = await filterInTurns(names, (name) => letters.has(name) || waitingOf(name) > 0)
  return found
    .map((name) => ({ name, waiting: waitingOf(name), dead: letters.get(name) ?? 0 }))
    .sort((a, b) => b.dead - a.dead || b.waiting - a.waiting)
}

function queues(rows: readonly Row[], ofDeleted: number): Html {
  const deleted =
    ofDeleted === 0
      ? ''
      : note(
          'warn',
          html`${some(ofDeleted, 'dead letter')} of functions that were deleted. Create a function of the
same name, and they can be looked at and redriven.`,
        )
  if (rows.length === 0) {
    return html`${deleted}${empty(
      'Nothing waits, and nothing was given up.',
      html`Events come here with <code>aws lambda invoke --invocation-type Event</code>, from S3, SNS and
EventBridge, and from destinations of other functions.`,
    )}`
  }
  return html`${deleted}${table<Row>(
    'Queues',
    [
      { name: 'Function', cell: ({ name }) => html`<a href="${functionPath(name)}">${name}</a>` },
      { name: 'Waiting', isNumber: true, cell: ({ waiting }) => count(waiting) },
      {
        ...{ name: 'Dead letters', isNumber: true },
        cell: ({ name, dead }) =>
          dead === 0
            ? '0'
            : html`<a href="${pathOf(name)}">${count(dead)}<span class="hidden"> of ${name}</span></a>`,
      },
    ],
    rows,
  )}<p class="foot quiet small">Events that wait for a retry are counted when their time has
come.</p>`
}

export async function deadLettersPage(visit: Visit, name: string): Promise<Page> {
  const from = Number(visit.query('from')) || undefined
  const question = { functionName: name, limit: PAGE_SIZE }
  const letters = await ask(
    visit.client.lettersOf({ ...question, ...(from !== undefined && { fromSequence: from }) }),
  )
  const redriven = visit.query('redriven')
  const body = html`<p class="trail"><a href="${PATH}">Queues</a></p>
<div class="page-head"><h1>Dead letters of ${name}</h1>
${allButton(visit, name, granted(letters)?.letters ?? [])}</div>
${redriven === undefined ? '' : note('good', backOnQueue(Number(redriven), name))}
${orRefusal(letters, (found) => letterList(visit, name, found))}`
  return { title: `Dead letters of ${name}`, body }
}

const backOnQueue = (redriven: number, name: string) =>
  html`${some(redriven || 0, 'event')} ${redriven === 1 ? 'is' : 'are'} on the queue again;
<a href="${functionPath(name, '/log')}">its log</a> shows how that goes.`

export async function redriveLetters({ client }: Visit, name: string, form: Form): Promise<Sequel> {
  const requestId = form.get('request-id')
  const wish = { functionName: name, ...(requestId !== null && { requestIds: [requestId] }) }
  const { redriven } = await client.redrive(wish)
  return { goTo: `${pathOf(name)}?redriven=${redriven}` }
}

function allButton({ formToken }: Visit, name: string, letters: readonly DeadLetterView[]): Html {
  if (letters.length === 0) return html``
  return html`<form method="post" action="${pathOf(name)}">${tokenField(formToken)}
<button class="main" type="submit">Redrive all</button></form>`
}

function letterList(
  visit: Visit,
  name: string,
  { letters, next }: { letters: DeadLetterView[]; next?: number },
): Html {
  if (letters.length === 0) {
    return empty(
      'There is none.',
      html`Whatever was given up would be here. <a href="${functionPath(name)}">See how ${name} runs</a>.`,
    )
  }
  return html`<ul class="cards" role="list">${letters.map((one) => letter(visit, name, one))}</ul>
${next === undefined ? '' : html`<p><a href="${pathOf(name)}?from=${next}">Later ones →</a></p>`}`
}

function letter({ formToken, now }: Visit, name: string, one: DeadLetterView): Html {
  const { requestId, reason, attempts, qualifier, target, payload } = one
  return html`<li class="card"><div class="card-head"><h2><code class="break">${requestId}</code></h2>
${chip(reason, 'bad')}</div>
${facts([
  ['Accepted', time(Date.parse(one.acceptedAt), now)],
  ['Given up', html`${time(Date.parse(one.givenUpAt), now)} after ${some(attempts, 'attempt')}`],
  ['Sent to', qualifier && html`<code>${qualifier}</code>`],
  ['Could not be told', target && html`<code class="break">${target}</code>`],
])}
${payload === undefined ? '' : eventOf(requestId, pretty(payload))}
<form method="post" action="${pathOf(name)}" class="actions">${tokenField(formToken)}
<button name="request-id" value="${requestId}" type="submit">Redrive
<span class="hidden">${requestId}</span></button></form></li>`
}

function eventOf(requestId: string, event: string): Html {
  const isLong = event.length > SHOWN_LENGTH_MAX
  const more = `Its first ${count(SHOWN_LENGTH_MAX)} characters of ${count(event.length)}:`
  return html`<details class="fold"><summary>Look at the event</summary>
${isLong ? html`<p class="quiet small">${more}</p>` : ''}
${code(event.slice(0, SHOWN_LENGTH_MAX), `The event of ${requestId}`)}</details>`
}
