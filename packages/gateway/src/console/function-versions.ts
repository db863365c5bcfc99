// One function’s published versions, and the names that share calls out between them: a page of the
// API at a time until all are there, within bounds.

import type * as Aws from '@aws-sdk/client-lambda'
import { html } from 'hono/html'
import { bar } from './chart.ts'
import { ask, type Client } from './client.ts'
import { empty, type Html, orRefusal, section, table, time } from './elements.ts'
import { bytes, megabytes } from './format.ts'
import { configurationOf, functionPage } from './function-frame.ts'
import { stateChip, withStates } from './functions.ts'
import type { Page, Visit } from './visit.ts'

/** Newest first; a function with more has its oldest left out. */
const PAGES_MAX = 20

export async function versionsPage(visit: Visit, name: string): Promise<Page> {
  const [configured, versions, aliases] = await Promise.all([
    configurationOf(visit, name),
    ask(versionsOf(visit.client, name)),
    ask(pagesOf<Aws.AliasConfiguration>(visit.client, ['ListAliases', 'Aliases'], name)),
  ])
  const content = html`${section('Aliases', orRefusal(aliases, aliasTable))}
${section(
  'Versions',
  orRefusal(versions, (all) => versionTable(all, visit.now)),
)}`
  return functionPage(name, { tab: '/versions', configured, content })
}

async function versionsOf(client: Client, name: string): Promise<Aws.FunctionConfiguration[]> {
  return withStates(client, await pagesOf(client, ['ListVersionsByFunction', 'Versions'], name))
}

async function pagesOf<T>(
  client: Client,
  [operation, member]: [string, string],
  name: string,
): Promise<T[]> {
  const all: T[] = []
  let marker: string | undefined
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const input = { FunctionName: name, ...(marker !== undefined && { Marker: marker }) }
    const answer = await client.call<Record<string, unknown>>(operation, input)
    all.push(...(answer[member] as T[]))
    marker = answer.NextMarker as string | undefined
    if (marker === undefined) break
  }
  return all
}

function aliasTable(all: readonly Aws.AliasConfiguration[]): Html {
  if (all.length === 0) {
    return empty(
      'There is no alias.',
      html`An alias is a name for a version, or for two by weight:
<code>aws lambda create-alias --name live --function-version 1</code>.`,
    )
  }
  return table<Aws.AliasConfiguration>(
    'Aliases',
    [
      {
        name: 'Alias',
        cell: ({ Name, Description }) =>
          html`<b>${Name}</b>${Description ? html`<small>${Description}</small>` : ''}`,
      },
      { name: 'Shares calls out to', cell: weights },
    ],
    all,
  )
}

function weights({ FunctionVersion = '', RoutingConfig }: Aws.AliasConfiguration): Html {
  const others = Object.entries(RoutingConfig?.AdditionalVersionWeights ?? {})
  const rest = others.reduce((left, [, weight]) => left - weight, 1)
  return html`<ul class="weights" role="list">${[[FunctionVersion, rest] as const, ...others].map(
    ([version, weight]) =>
      html`<li><code>${version}</code> ${bar(weight, 1)} ${(weight * 100).toLocaleString('en-US')} %</li>`,
  )}</ul>`
}

function versionTable(all: readonly Aws.FunctionConfiguration[], now: number): Html {
  return table<Aws.FunctionConfiguration>(
    'Versions',
    [
      {
        name: 'Version',
        cell: ({ Version, Description }) =>
          html`<code>${Version}</code>${Description ? html`<small>${Description}</small>` : ''}`,
      },
      { name: 'State', cell: stateChip },
      { name: 'Runtime', cell: ({ Runtime = 'container image' }) => Runtime },
      {
        ...{ name: 'Memory', isNumber: true },
        cell: ({ MemorySize = 0 }) => megabytes(MemorySize),
      },
      {
        ...{ name: 'Code', isNumber: true, isExtra: true },
        cell: ({ CodeSize = 0 }) => bytes(CodeSize),
      },
      { name: 'Modified', cell: ({ LastModified = '' }) => time(Date.parse(LastModified), now) },
    ],
    [...all].reverse(),
  )
}
