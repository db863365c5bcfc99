// One function's log: its newest lines, and those that come, as server-sent events; and the way to
// older ones. A page looks back for so long and says how far it came. The live part is CloudWatch's
// Live Tail under another coat: the same limits, the same leave to be asked. Without a script the
// page shows the newest lines each time that it is loaded.

import type { LogEvent } from '@hearth/bus/messages'
import { parseLogPattern } from '@hearth/core/log-pattern'
import { type LogPage, type LookBack, pageBackward } from '@hearth/store/log-pages'
import { expiredBefore } from '@hearth/store/logs'
import { html } from 'hono/html'
import { findGroup } from '../routes/logs/input.ts'
import { type LiveTail, openLiveTail } from '../routes/logs/live-tail.ts'
import { ask, type Client } from './client.ts'
import { type Html, note, orRefusal, section } from './elements.ts'
import { day, moment } from './format.ts'
import { type Configured, configurationOf, functionPage } from './function-frame.ts'
import { functionPath, type Page, type Visit } from './visit.ts'

const LINES = 200
const DAY_MS = 86_400_000
/** A filter may fit nothing in a gigabyte. */
const LOOK_BACK_MS_MAX = 2_000
/** After so many updates without a line a comment is sent, lest the connection look dead. */
const QUIET_UPDATES = 15

export async function logPage(visit: Visit, name: string): Promise<Page> {
  const configured = await configurationOf(visit, name)
  const group = groupOf(name, configured)
  const filter = visit.query('filter') ?? ''
  const from = readFrom(visit)
  const lines = await ask(findLines(visit.client, group, { filter, from }))
  const isNew = 'refusal' in lines && lines.refusal.code === 'ResourceNotFoundException'
  const isNewest = Object.keys(from).length === 0
  const of = { name, filter, isNewest, now: visit.now }
  const shown = isNew
    ? view({ events: [], isEnd: true }, of)
    : orRefusal(lines, (found) => view(found, of))
  const aside = html`<span class="quiet small">log group <code>${group}</code></span>`
  const content = section('Log', html`${filterForm(name, filter)}${shown}`, aside)
  return functionPage(name, { tab: '/log', configured, content })
}

const groupOf = (name: string, configured: Configured) =>
  ('value' in configured ? configured.value.LoggingConfig?.LogGroup : undefined) ??
  `/aws/lambda/${name}`

type Lines = Pick<LogPage, 'events' | 'isEnd' | 'lookedBackTo'> & Partial<LogPage>

/** From where the links of an earlier page go on. */
function readFrom(visit: Visit): LookBack {
  const [, sequence, index] = /^(\d{1,15})\.(\d{1,9})$/.exec(visit.query('before') ?? '') ?? []
  const storedBefore = Number(visit.query('until'))
  if (storedBefore > 0) return { storedBefore }
  if (sequence === undefined) return {}
  return { before: { sequence: Number(sequence), index: Number(index) } }
}

async function findLines(
  client: Client,
  name: string,
  { filter, from }: { filter: string; from: LookBack },
): Promise<LogPage> {
  const input = { logGroupName: name }
  const caller = client.logs('FilterLogEvents', input)
  const isWanted = parseLogPattern(filter)
  const group = await findGroup(input, caller)
  const question = {
    ...{ account: group.account, group: group.name, limit: LINES },
    from: expiredBefore(group, Date.now()),
    isWanted: (_: string, message: string) => isWanted(message),
    ...(group.isLoose && { isLoose: true }),
  }
  return pageBackward(caller.logs.lines, question, { ...from, msMax: LOOK_BACK_MS_MAX })
}

const filterForm = (name: string, filter: string) => html`<form class="inline"
action="${functionPath(name, '/log')}">
<label for="filter">Filter</label>
<input id="filter" name="filter" value="${filter}" size="30" autocomplete="off" spellcheck="false"
placeholder="ERROR, or { $.level = &quot;error&quot; }">
<button type="submit">Apply</button>
<span class="live-state quiet small" role="status" data-log-state></span></form>`

interface Shown {
  name: string
  filter: string
  /** What comes follows it; older lines stand for themselves. */
  isNewest: boolean
  now: number
}

function view(page: Lines, shown: Shown): Html {
  const { isNewest, now } = shown
  const lines = page.events.map((event, at) => {
    const isNewDay = dayOf(event.timestamp) !== dayOf(page.events[at - 1]?.timestamp ?? now)
    return html`${isNewDay ? html`<h3>${day(event.timestamp)}</h3>` : ''}${lineOf(event)}`
  })
  const live = html` data-log="${pathOf(shown, '/log/live')}"`
  return html`${older(page, shown)}<div class="log" role="log" aria-live="off" tabindex="0"
aria-label="Log lines"${isNewest ? live : ''}>${lines}</div>
${page.events.length === 0 ? nothing(page, shown) : ''}
${isNewest ? '' : newest(shown)}`
}

const newest = (shown: Shown) =>
  html`<p class="foot"><a href="${pathOf(shown)}">Newest lines of ${shown.name} →</a></p>`

const lineOf = ({ timestamp, message }: LogEvent) =>
  html`<p><time title="${new Date(timestamp).toISOString()}">${clockOf(timestamp)}</time>
<span>${message.trimEnd()}</span></p>`

const dayOf = (time: number) => Math.floor(time / DAY_MS)

/** Where the page ends before the log does: how far it looked, and the way on. */
function older({ previous, isEnd, lookedBackTo }: Lines, shown: Shown): Html {
  if (lookedBackTo !== undefined) {
    const next = pathOf(shown, '/log', { until: String(lookedBackTo) })
    return note(
      'warn',
      html`Looked only as far back as ${moment(lookedBackTo)}: the log is long.
<a href="${next}">Look further back</a>`,
    )
  }
  if (isEnd || !previous) return html``
  const next = pathOf(shown, '/log', { before: `${previous.sequence}.${previous.index}` })
  return html`<p class="older"><a href="${next}">← Older lines</a></p>`
}

function nothing({ lookedBackTo }: Lines, { name, filter, isNewest }: Shown): Html {
  if (lookedBackTo !== undefined) {
    return html`<div class="empty" data-log-empty><p><b>No line was found so far.</b></p></div>`
  }
  if (!isNewest) return html`<div class="empty"><p><b>There is no older line.</b></p></div>`
  const told = filter ? 'No line matches yet.' : 'No line was logged yet.'
  return html`<div class="empty" data-log-empty><p><b>${told}</b></p>
<p><a href="${functionPath(name, '/test')}">Send a test event</a>; its lines appear here within a
second.</p></div>`
}

function pathOf({ name, filter }: Shown, rest = '/log', more: Record<string, string> = {}): string {
  const query = new URLSearchParams({ ...(filter && { filter }), ...more })
  return functionPath(name, query.size > 0 ? `${rest}?${query}` : rest)
}

const clockOf = (time: number) => new Date(time).toISOString().slice(11, 23)

/** Ends when nobody listens any more, or `isOver` says so. @throws ServiceError as Live Tail does. */
export async function liveLog(
  visit: Visit,
  name: string,
  isOver: () => boolean,
): Promise<ReadableStream<Uint8Array>> {
  const configured = await configurationOf(visit, name)
  const group = groupOf(name, configured)
  const input = {
    logGroupIdentifiers: [group],
    logEventFilterPattern: visit.query('filter') ?? '',
  }
  const tail = await openLiveTail(input, visit.client.logs('StartLiveTail', input))
  const chunks = messages(tail, isOver)
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await chunks.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    // At once: the generator itself may be in the midst of a second.
    cancel: () => tail.close(),
  })
}

async function* messages(tail: LiveTail, isOver: () => boolean): AsyncGenerator<Uint8Array> {
  let quiet = 0
  try {
    yield Buffer.from(': the log from now on\n\n')
    for await (const { sessionResults, sessionMetadata } of tail.updates()) {
      if (isOver()) return
      quiet = sessionResults.length > 0 ? 0 : quiet + 1
      if (quiet % QUIET_UPDATES === 1) yield Buffer.from(':\n\n')
      if (sessionResults.length === 0) continue
      const lines = sessionResults.map(({ timestamp, message }) => [clockOf(timestamp), message])
      const data = { lines, isSampled: sessionMetadata.sampled }
      yield Buffer.from(`data: ${JSON.stringify(data)}\n\n`)
    }
  } finally {
    tail.close()
  }
}
