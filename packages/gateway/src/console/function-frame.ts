// What all pages of one function share: its name and state, and the way from one page to another.
// Whoever may not read the function's configuration sees the name and why there is no more.

import type { FunctionConfiguration } from '@aws-sdk/client-lambda'
import { html, raw } from 'hono/html'
import { ask } from './client.ts'
import type { Answered, Html } from './elements.ts'
import { stateChip } from './functions.ts'
import { functionPath, type Page, type Visit } from './visit.ts'

const TABS = [
  ['', 'Monitor'],
  ['/test', 'Test'],
  ['/log', 'Log'],
  ['/configuration', 'Configuration'],
  ['/versions', 'Versions and aliases'],
] as const

export type Tab = (typeof TABS)[number][0]

export type Configured = Answered<FunctionConfiguration>

export const configurationOf = ({ client }: Visit, name: string): Promise<Configured> =>
  ask(client.call<FunctionConfiguration>('GetFunctionConfiguration', { FunctionName: name }))

export function functionPage(
  name: string,
  { tab, configured, content }: { tab: Tab; configured: Configured; content: Html },
): Page {
  const configuration = 'value' in configured ? configured.value : undefined
  const missing = 'refusal' in configured && configured.refusal.code === 'ResourceNotFoundException'
  if (missing) return notFoundPage(name)
  const tabs = TABS.map(
    ([rest, title]) =>
      html`<li><a href="${functionPath(name, rest)}"${
        rest === tab ? raw(' aria-current="page"') : ''
      }>${title}</a></li>`,
  )
  const body = html`<p class="trail"><a href="/console/functions">Functions</a></p>
<div class="page-head"><h1>${name}</h1> ${configuration ? stateChip(configuration) : ''}</div>
${configuration?.Description ? html`<p class="lead">${configuration.Description}</p>` : ''}
<nav class="tabs" aria-label="This function"><ul role="list">${tabs}</ul></nav>
${content}`
  return { title: name, body }
}

function notFoundPage(name: string): Page {
  const body = html`<div class="page-head"><h1>${name}</h1></div>
<div class="empty"><p><b>There is no function of this name.</b></p>
<p>It may have been deleted. <a href="/console/functions">Look at those that are there</a>.</p>
</div>`
  return { title: name, body, status: 404 }
}
