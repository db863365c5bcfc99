// One function's settings, read part by part through the API: what it runs on, its concurrency, its
// URL, its event sources, what becomes of its asynchronous events, its tags. A part that a key may
// not read says so in its place. Values of environment variables are behind a fold.

import type * as Aws from '@aws-sdk/client-lambda'
import { functionArn } from '@hearth/core/arn'
import { html } from 'hono/html'
import { ask } from './client.ts'
import {
  type Answered,
  chip,
  facts,
  type Html,
  orRefusal,
  section,
  table,
  time,
} from './elements.ts'
import { bytes, count, megabytes, some } from './format.ts'
import { configurationOf, functionPage } from './function-frame.ts'
import type { Page, Visit } from './visit.ts'

type Provisioned = Aws.ProvisionedConcurrencyConfigListItem

export async function configurationPage(visit: Visit, name: string): Promise<Page> {
  const { client } = visit
  const get = <T>(operation: string, input: object = { FunctionName: name }) =>
    ask(client.call<T>(operation, { ...input }))
  const arn = functionArn(client.asker.place, name)
  const [configured, reserve, provisioned, urls, events, mappings, tags, policy] =
    await Promise.all([
      configurationOf(visit, name),
      get<Aws.GetFunctionConcurrencyResponse>('GetFunctionConcurrency'),
      get<Aws.ListProvisionedConcurrencyConfigsResponse>('ListProvisionedConcurrencyConfigs'),
      get<Aws.ListFunctionUrlConfigsResponse>('ListFunctionUrlConfigs'),
      get<Aws.ListFunctionEventInvokeConfigsResponse>('ListFunctionEventInvokeConfigs'),
      get<Aws.ListEventSourceMappingsResponse>('ListEventSourceMappings'),
      get<Aws.ListTagsResponse>('ListTags', { Resource: arn }),
      get<Aws.GetPolicyResponse>('GetPolicy'),
    ])
  const content = html`${section(
    'General',
    orRefusal(configured, (one) => general(one, visit.now)),
  )}
${orRefusal(configured, ({ Environment }) => variables(Environment?.Variables))}
${section('Concurrency', html`${orRefusal(reserve, reserved)}${orRefusal(provisioned, ahead)}`)}
${section('Function URL', orRefusal(urls, functionUrls))}
${section(
  'Event sources',
  orRefusal(mappings, (found) => eventSources(found, name)),
)}
${section('Asynchronous events', orRefusal(events, asynchronous))}
${section('Permissions', policyOf(policy))}
${section('Tags', orRefusal(tags, tagsOf))}`
  return functionPage(name, { tab: '/configuration', configured, content })
}

function general(one: Aws.FunctionConfiguration, now: number): Html {
  const code = (text: string | undefined) => text && html`<code>${text}</code>`
  return facts([
    ['ARN', code(one.FunctionArn)],
    ['Runtime', one.Runtime ?? 'container image'],
    ['Handler', code(one.Handler)],
    ['Architecture', one.Architectures?.join(', ')],
    ['Memory', megabytes(one.MemorySize ?? 0)],
    ['Timeout', some(one.Timeout ?? 0, 'second')],
    ['/tmp', megabytes(one.EphemeralStorage?.Size ?? 0)],
    ['Role', code(one.Role)],
    ['Code', `${one.PackageType === 'Image' ? 'image' : 'zip'}, ${bytes(one.CodeSize ?? 0)}`],
    ['SHA-256', code(one.CodeSha256)],
    ['Layers', one.Layers && html`${one.Layers.map(({ Arn }) => html`<code>${Arn}</code> `)}`],
    ['Tenants', one.TenancyConfig && 'each has environments of its own'],
    ['SnapStart', one.SnapStart?.ApplyOn === 'None' ? undefined : one.SnapStart?.ApplyOn],
    ['Log group', code(one.LoggingConfig?.LogGroup)],
    ['Log format', one.LoggingConfig?.LogFormat],
    ['Dead-letter queue', code(one.DeadLetterConfig?.TargetArn)],
    ['Last modified', time(Date.parse(one.LastModified ?? ''), now)],
    ['Why it is in this state', one.StateReason ?? one.LastUpdateStatusReason],
  ])
}

function variables(all: Record<string, string> | undefined): Html {
  const entries = Object.entries(all ?? {})
  if (entries.length === 0) return html``
  return section(
    'Environment variables',
    html`<details class="fold"><summary>Show ${some(entries.length, 'variable')}</summary>${facts(
      entries.map(([key, value]) => [key, html`<code>${value}</code>`] as const),
    )}</details>`,
  )
}

const reserved = ({ ReservedConcurrentExecutions: most }: Aws.GetFunctionConcurrencyResponse) =>
  html`<p>${
    most === undefined
      ? 'Nothing is reserved: it shares what the account has with all other functions.'
      : most === 0
        ? 'Turned off: 0 is reserved, so every invocation is refused.'
        : `${count(most)} at a time are reserved, and are the most that it may have.`
  }</p>`

function ahead(found: Aws.ListProvisionedConcurrencyConfigsResponse): Html {
  const { ProvisionedConcurrencyConfigs: all = [] } = found
  if (all.length === 0) return html`<p class="quiet">Nothing is provisioned.</p>`
  return table<Provisioned>(
    'Provisioned concurrency',
    [
      {
        name: 'Of',
        cell: ({ FunctionArn = '' }) => html`<code>${qualifierOf(FunctionArn)}</code>`,
      },
      { name: 'State', cell: ({ Status = '' }) => chip(Status) },
      {
        ...{ name: 'Asked for', isNumber: true },
        cell: (one) => count(one.RequestedProvisionedConcurrentExecutions ?? 0),
      },
      {
        ...{ name: 'Ready', isNumber: true },
        cell: (one) => count(one.AvailableProvisionedConcurrentExecutions ?? 0),
      },
      { name: 'Why', isExtra: true, cell: ({ StatusReason = '' }) => StatusReason },
    ],
    all,
  )
}

function functionUrls({ FunctionUrlConfigs: all = [] }: Aws.ListFunctionUrlConfigsResponse): Html {
  if (all.length === 0) {
    return html`<p class="quiet">None. <code>hearth deploy --url</code> or
<code>aws lambda create-function-url-config</code> gives it one.</p>`
  }
  return html`${all.map((one) =>
    facts([
      ['Address', html`<code class="break">${one.FunctionUrl}</code>`],
      ['Of', html`<code>${qualifierOf(one.FunctionArn ?? '')}</code>`],
      [
        'Who may call',
        one.AuthType === 'NONE' ? 'everybody whom the policy lets' : 'signed callers',
      ],
      ['Answers', one.InvokeMode === 'RESPONSE_STREAM' ? 'as a stream' : 'in one piece'],
    ]),
  )}`
}

function eventSources(
  { EventSourceMappings: all = [] }: Aws.ListEventSourceMappingsResponse,
  name: string,
): Html {
  if (all.length === 0) return html`<p class="quiet">None reads for this function.</p>`
  return table<Aws.EventSourceMappingConfiguration>(
    'Event sources of this function',
    [
      {
        name: 'Source',
        cell: (one) =>
          html`<a href="/console/event-sources?function=${name}#${one.UUID}"><code class="break">${
            one.EventSourceArn ?? one.Topics?.join(', ') ?? one.UUID
          }</code></a>`,
      },
      { name: 'State', cell: ({ State = '' }) => chip(State) },
      { name: 'Batch', isNumber: true, cell: ({ BatchSize = 0 }) => count(BatchSize) },
    ],
    all,
  )
}

function asynchronous(found: Aws.ListFunctionEventInvokeConfigsResponse): Html {
  const { FunctionEventInvokeConfigs: all = [] } = found
  if (all.length === 0) {
    return html`<p class="quiet">As usual: two retries within six hours, then a
<a href="/console/queues">dead letter</a> here.</p>`
  }
  return html`${all.map(({ DestinationConfig: to, ...one }) =>
    facts([
      ['Of', html`<code>${qualifierOf(one.FunctionArn ?? '')}</code>`],
      ['Retries', count(one.MaximumRetryAttempts ?? 2)],
      ['Oldest event', some(one.MaximumEventAgeInSeconds ?? 21_600, 'second')],
      ['On success', to?.OnSuccess?.Destination],
      ['On failure', to?.OnFailure?.Destination],
    ]),
  )}`
}

/** No policy is AWS's ResourceNotFoundException. */
function policyOf(policy: Answered<Aws.GetPolicyResponse>): Html {
  if ('refusal' in policy && policy.refusal.code === 'ResourceNotFoundException') {
    return html`<p class="quiet">No policy of its own: whoever calls needs leave by a key’s policy.</p>`
  }
  return orRefusal(policy, ({ Policy = '' }) => {
    const text = JSON.stringify(JSON.parse(Policy), null, 2)
    return html`<details class="fold"><summary>Show its policy</summary>
<pre class="code"><code>${text}</code></pre></details>`
  })
}

function tagsOf({ Tags = {} }: Aws.ListTagsResponse): Html {
  const all = Object.entries(Tags)
  if (all.length === 0) return html`<p class="quiet">None.</p>`
  return html`<ul class="chips" role="list">${all.map(
    ([key, value]) => html`<li class="tag"><b>${key}</b> ${value}</li>`,
  )}</ul>`
}

/** What follows the name; all of the function where nothing does. */
const qualifierOf = (arn: string) => arn.split(':')[7] ?? '$LATEST'
