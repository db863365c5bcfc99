// One function tried out: an event, written or taken from a sample, goes through the one door as
// the caller's, and comes back with its answer, its log, and how its environment was found. What
// was sent stays in the editor; nothing is kept.

import type * as Aws from '@aws-sdk/client-lambda'
import type { InvocationReport, InvocationResult } from '@hearth/core/invocation'
import { html, raw } from 'hono/html'
import { ask, type Client, granted, type Invoked } from './client.ts'
import { type Answered, chip, code, facts, type Html, note, section } from './elements.ts'
import { duration, megabytes, pretty } from './format.ts'
import { configurationOf, functionPage } from './function-frame.ts'
import { tokenField } from './layout.ts'
import { SAMPLES } from './samples.data.ts'
import { type Form, functionPath, type Page, type Visit } from './visit.ts'

interface Draft {
  event: string
  qualifier: string
  type: string
  tenantId: string
}

const LATEST = '$LATEST'
const FRESH = { qualifier: LATEST, type: 'RequestResponse', tenantId: '' }
const TYPES = [
  ['RequestResponse', 'and wait for the answer'],
  ['Event', 'through the queue of events'],
] as const

export async function testPage(visit: Visit, name: string): Promise<Page> {
  const sample = SAMPLES[visit.query('sample') ?? ''] ?? SAMPLES.hello
  const event = JSON.stringify(sample?.event, null, 2)
  return show(visit, name, { draft: { ...FRESH, event } })
}

/** Sends what the form says. */
export async function sendTest(visit: Visit, name: string, form: Form): Promise<Page> {
  const draft: Draft = {
    event: form.get('event') ?? '',
    qualifier: form.get('qualifier') ?? LATEST,
    type: form.get('type') ?? 'RequestResponse',
    tenantId: form.get('tenant') ?? '',
  }
  const input = {
    FunctionName: name,
    InvocationType: draft.type,
    LogType: 'Tail',
    ...(draft.qualifier !== LATEST && { Qualifier: draft.qualifier }),
    ...(draft.tenantId !== '' && { TenantId: draft.tenantId }),
  }
  const startedAt = performance.now()
  const invoked = await ask(visit.client.invoke(input, draft.event))
  return show(visit, name, { draft, invoked, tookMs: performance.now() - startedAt })
}

async function show(
  visit: Visit,
  name: string,
  work: { draft: Draft; invoked?: Answered<Invoked>; tookMs?: number },
): Promise<Page> {
  const [configured, qualifiers] = await Promise.all([
    configurationOf(visit, name),
    qualifiersOf(visit.client, name),
  ])
  const { draft, invoked, tookMs = 0 } = work
  const hasTenants = granted(configured)?.TenancyConfig?.TenantIsolationMode === 'PER_TENANT'
  const form = editor(visit, name, { draft, qualifiers, hasTenants })
  const content = html`<div class="two">
${section('Event', html`${samples(name)}${form}`)}
<div>${invoked ? outcome(invoked, tookMs) : hint()}</div>
</div>`
  return functionPage(name, { tab: '/test', configured, content })
}

/** `$LATEST`, aliases and versions, as far as the key may list them. */
async function qualifiersOf(client: Client, name: string): Promise<string[]> {
  const input = { FunctionName: name }
  const [aliases, versions] = await Promise.all([
    ask(client.call<Aws.ListAliasesResponse>('ListAliases', input)),
    ask(client.call<Aws.ListVersionsByFunctionResponse>('ListVersionsByFunction', input)),
  ])
  const published = granted(versions)?.Versions?.map(({ Version = '' }) => Version) ?? []
  const names = granted(aliases)?.Aliases?.map(({ Name = '' }) => Name) ?? []
  return [...new Set([LATEST, ...names, ...published])]
}

/** A form of its own, so that a sample works without a script. */
const samples = (name: string) => html`<form class="inline" action="${functionPath(name, '/test')}">
<label for="sample">Start from a sample</label>
<select id="sample" name="sample">${Object.entries(SAMPLES).map(
  ([key, sample]) => html`<option value="${key}">${sample.name}</option>`,
)}</select>
<button type="submit">Use it</button></form>`

function editor(
  { formToken }: Visit,
  name: string,
  how: { draft: Draft; qualifiers: string[]; hasTenants: boolean },
): Html {
  const { draft, qualifiers, hasTenants } = how
  const option = (value: string, wanted: string, text = value) =>
    html`<option value="${value}"${value === wanted ? raw(' selected') : ''}>${text}</option>`
  return html`<form method="post" action="${functionPath(name, '/test')}" data-editor>
${tokenField(formToken)}
<label for="event">Event, as JSON</label>
<textarea id="event" name="event" rows="16" spellcheck="false" autocapitalize="off"
aria-describedby="event-state">${draft.event}</textarea>
<p id="event-state" class="quiet small" role="status"></p>
<div class="inline">
<label for="qualifier">Send to</label>
<select id="qualifier" name="qualifier">
${qualifiers.map((one) => option(one, draft.qualifier))}</select>
<label for="type" class="hidden">How</label>
<select id="type" name="type">
${TYPES.map(([value, text]) => option(value, draft.type, text))}</select>
${hasTenants ? tenantField(draft.tenantId) : ''}
<button class="main" type="submit">Invoke</button>
</div></form>`
}

const tenantField = (tenantId: string) => html`<label for="tenant">for tenant</label>
<input id="tenant" name="tenant" value="${tenantId}" size="14" maxlength="256" required>`

const hint = () =>
  section(
    'Answer',
    html`<div class="empty"><p><b>Nothing was sent yet.</b></p>
<p>Press Invoke, or Ctrl and Enter in the editor. It is an invocation like any other: it is
counted, logged and billed.</p></div>`,
  )

function outcome(invoked: Answered<Invoked>, tookMs: number): Html {
  if ('refusal' in invoked) {
    const { code: name, message } = invoked.refusal
    return section('Answer', note('bad', html`<p><b>${name}</b></p><p>${message}</p>`))
  }
  const { requestId, result } = invoked.value
  if (result) return answered(result, tookMs)
  const told = html`<p>Accepted: the event is on the disk, and runs when its turn comes. Its answer
goes to its destination, and its log under Log.</p><p><code>${requestId}</code></p>`
  return section('Answer', note('good', told))
}

function answered(result: InvocationResult, tookMs: number): Html {
  const { report, functionError, logTail, requestId, executedVersion } = result
  const payload = Buffer.from(result.payload).toString()
  const state = functionError ? chip(report.outcome, 'bad') : chip('success')
  return html`${section(
    'Answer',
    html`${code(pretty(payload), 'The answer')}
${facts([
  ['Started', started(report)],
  ['Duration', duration(report.durationMs)],
  ['Init', report.initMs === undefined ? undefined : duration(report.initMs)],
  ['Restore', report.restoreMs === undefined ? undefined : duration(report.restoreMs)],
  ['Billed', duration(report.billedMs)],
  ['From here and back', duration(tookMs)],
  ['Memory used', megabytes(report.maxMemoryMb)],
  ['Version', html`<code>${executedVersion}</code>`],
  ['Request id', html`<code>${requestId}</code>`],
])}`,
    state,
  )}
${section('Log tail', code(logTail ?? '', 'The end of its log'))}`
}

/** How the environment was found, and why it was not warm. */
function started({ start, coldReason }: InvocationReport): Html {
  const ways = {
    cold: 'cold, from nothing',
    provisioned: 'provisioned ahead',
    restored: 'restored from a snapshot',
    stem: 'from a booted runtime that waited (a stem)',
    warm: 'warm',
  }
  const why = coldReason ? html` <span class="quiet">because: ${coldReason}</span>` : ''
  return html`${ways[start]}${why}`
}
