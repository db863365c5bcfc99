// Event source mappings: where each reads, for which function, in what state, how far behind it is,
// and what its pollers counted; with the ways to stop it, start it, and begin anew.

import type { EventSourceMappingConfiguration } from '@aws-sdk/client-lambda'
import type { MappingProgress } from '@hearth/bus/figures'
import { ServiceError } from '@hearth/core/error'
import { SOURCE_LAWS } from '@hearth/core/event-source'
import type { EventSourceMapping } from '@hearth/core/event-source-mapping'
import { html } from 'hono/html'
import { ask } from './client.ts'
import { chip, empty, facts, type Html, orRefusal, time } from './elements.ts'
import { count, duration, some } from './format.ts'
import { tokenField } from './layout.ts'
import { type Form, functionPath, type Page, type Sequel, type Visit } from './visit.ts'

type View = EventSourceMappingConfiguration
type Listed = { EventSourceMappings: View[]; NextMarker?: string }
type Find = (uuid: string) => EventSourceMapping | undefined

const PATH = '/console/event-sources'
const PAGE_SIZE = 50
const KINDS: Readonly<Record<EventSourceMapping['kind'], string>> = {
  dynamodb: 'DynamoDB stream',
  jetstream: 'NATS JetStream',
  kafka: 'Kafka',
  kinesis: 'Kinesis',
  redis: 'Redis stream',
  sqs: 'SQS',
}
const POSITIONS = ['', 'TRIM_HORIZON', 'LATEST'] as const
const WISHES = ['enable', 'disable', 'reset'] as const

/** All, or those of one function; a page at a time. */
export async function eventSourcesPage(visit: Visit, find: Find): Promise<Page> {
  const { client } = visit
  const functionName = visit.query('function')
  const marker = visit.query('from')
  const question = {
    MaxItems: PAGE_SIZE,
    ...(functionName && { FunctionName: functionName }),
    ...(marker && { Marker: marker }),
  }
  const [mappings, progress] = await Promise.all([
    ask(client.call<Listed>('ListEventSourceMappings', question)),
    client.progress(),
  ])
  const of = functionName
    ? html`<p class="lead">Those that call ${functionName}.
<a href="${PATH}">Show all</a></p>`
    : ''
  const show = ({ EventSourceMappings: all, NextMarker: next }: Listed) => {
    if (all.length === 0) return none()
    const cards = all.map((one) => {
      const { UUID: uuid = '' } = one
      return card(visit, one, { mapping: find(uuid), progress: progress.get(uuid) })
    })
    const query = new URLSearchParams({
      ...(functionName && { function: functionName }),
      ...(next && { from: next }),
    })
    return html`<ul class="cards" role="list">${cards}</ul>
${next ? html`<p><a href="${PATH}?${query}">Later ones →</a></p>` : ''}
<p class="foot quiet small">Counts and lag are what pollers told when this page was made; a
poller counts from its own start.</p>`
  }
  const body = html`<div class="page-head"><h1>Event sources</h1></div>${of}
<div id="sources" data-live>${orRefusal(mappings, show)}</div>`
  return { title: 'Event sources', body }
}

/** What a button of a card asks for. @throws ServiceError for what no button does. */
export async function changeEventSource(
  { client }: Visit,
  uuid: string,
  form: Form,
): Promise<Sequel> {
  const wish = oneOf(WISHES, form.get('wish') ?? '')
  if (wish === 'reset') {
    const position = oneOf(POSITIONS, form.get('position') ?? '')
    await client.reset(uuid, position === '' ? {} : { position })
  } else {
    await client.call('UpdateEventSourceMapping', { UUID: uuid, Enabled: wish === 'enable' })
  }
  return { goTo: `${PATH}#${uuid}` }
}

function oneOf<One extends string>(known: readonly One[], asked: string): One {
  const found = known.find((one) => one === asked)
  if (found !== undefined) return found
  const all = known.filter((one) => one !== '').join(', ')
  const message = `An event source has no button for “${asked}”: there are ${all}.`
  throw new ServiceError('InvalidParameterValueException', message)
}

const none = () =>
  empty(
    'No event source is mapped.',
    html`<code>aws lambda create-event-source-mapping --function-name f --event-source-arn …</code> makes
SQS, Kinesis, DynamoDB Streams, Kafka, NATS JetStream or Redis Streams call a function.`,
  )

function card(
  visit: Visit,
  one: View,
  {
    mapping,
    progress,
  }: { mapping: EventSourceMapping | undefined; progress: MappingProgress | undefined },
): Html {
  const { UUID: uuid = '', FunctionArn = '', State = '', LastModified } = one
  const name = FunctionArn.split(':')[6] ?? ''
  const source = one.EventSourceArn ?? one.Topics?.join(', ') ?? uuid
  const result = one.LastProcessingResult
  return html`<li class="card" id="${uuid}">
<div class="card-head"><h2><code class="break">${source}</code></h2>${chip(State)}</div>
${facts([
  ['Kind', mapping && KINDS[mapping.kind]],
  ['Calls', html`<a href="${functionPath(name)}">${FunctionArn.split(':').slice(6).join(':')}</a>`],
  ['Behind', behind(progress)],
  [
    'Last result',
    result?.startsWith('PROBLEM') ? html`<span class="bad-text">${result}</span>` : result,
  ],
  ['Records', progress && recordsOf(progress)],
  ['Batch', batchOf(one)],
  ['Filters', one.FilterCriteria && some(one.FilterCriteria.Filters?.length ?? 0, 'pattern')],
  ['Since', LastModified && time(LastModified.getTime(), visit.now)],
  ['UUID', html`<code>${uuid}</code>`],
])}
<div class="actions">${buttons(visit, uuid, State)}
${mapping ? resetFold(visit, mapping) : ''}</div></li>`
}

function behind(progress: MappingProgress | undefined): string {
  const { records, behindMs } = progress?.lag ?? {}
  const known = [
    records !== undefined && (records === 0 ? 'nothing waits' : `${some(records, 'record')} wait`),
    behindMs !== undefined && (behindMs < 1000 ? 'up to date' : `${duration(behindMs)} behind`),
  ].filter((text) => text !== false)
  return known.length === 0 ? 'not known: nobody reads at the moment' : known.join(', ')
}

const recordsOf = ({ received, filteredOut, invoked, failed }: MappingProgress) =>
  `${count(received)} received, ${count(filteredOut)} filtered out, ${count(invoked)} invoked, ` +
  `${count(failed)} failed`

const batchOf = ({ BatchSize = 0, MaximumBatchingWindowInSeconds: window }: View) =>
  `up to ${some(BatchSize, 'record')}${window ? `, within ${some(window, 'second')}` : ''}`

function buttons({ formToken }: Visit, uuid: string, state: string): Html {
  const isOff = state === 'Disabled' || state === 'Disabling'
  if (state === 'Deleting') return html``
  return html`<form method="post" action="${PATH}/${uuid}">${tokenField(formToken)}
<button name="wish" value="${isOff ? 'enable' : 'disable'}" type="submit">${
    isOff ? 'Enable' : 'Disable'
  }<span class="hidden"> ${uuid}</span></button></form>`
}

/** A queue has no positions: it hands out what nobody has acknowledged. */
function resetFold({ formToken }: Visit, { uuid, kind }: EventSourceMapping): Html {
  if (!SOURCE_LAWS[kind].hasCheckpoints) return html``
  return html`<details class="fold"><summary>Reset…</summary>
<form method="post" action="${PATH}/${uuid}" class="inline">${tokenField(formToken)}
<label for="from-${uuid}">Forget how far it is, and read from</label>
<select id="from-${uuid}" name="position"><option value="">where it began</option>
<option value="TRIM_HORIZON">the oldest record</option>
<option value="LATEST">what comes from now on</option></select>
<button class="danger" name="wish" value="reset" type="submit">Reset</button></form></details>`
}
