// One function as it runs: what is under way at this moment, in which environments, and the charts
// of its last hour.

import type { FunctionCensus } from '@hearth/bus/messages'
import { html } from 'hono/html'
import type { Environments } from '../census.ts'
import type { Hour } from '../history.ts'
import { ask } from './client.ts'
import { chip, empty, type Html, orRefusal, section, table, tiles } from './elements.ts'
import { count, duration, megabytes, share, shortCount } from './format.ts'
import { configurationOf, functionPage } from './function-frame.ts'
import { coldReasons, hourCharts, sources, sumsOf } from './hour-charts.ts'
import { functionPath, type Page, type Visit } from './visit.ts'

export async function monitorPage(visit: Visit, name: string): Promise<Page> {
  const { client } = visit
  const [configured, environments, hour] = await Promise.all([
    configurationOf(visit, name),
    ask(client.environments()),
    ask(client.history(name)),
  ])
  const content = html`<div id="monitor" data-live>
${orRefusal(environments, (found) => now(found, name))}
${'refusal' in hour && 'refusal' in environments ? '' : orRefusal(hour, (found) => lastHour(found))}
</div>`
  return functionPage(name, { tab: '', configured, content })
}

function now({ schedulers }: Environments, name: string): Html {
  const versions = schedulers.flatMap(({ schedulerId, functions }) =>
    functions
      .filter(({ functionName }) => functionName === name)
      .map((one) => ({ ...one, schedulerId })),
  )
  const sum = (of: (one: FunctionCensus) => number) =>
    versions.reduce((total, one) => total + of(one), 0)
  const environments = sum(({ states }) => Object.values(states).reduce((all, one) => all + one, 0))
  const content =
    environments === 0
      ? empty(
          'No environment is up at this moment.',
          html`The next invocation starts one.
<a href="${functionPath(name, '/test')}">Send a test event</a> and watch it here.`,
        )
      : table<(typeof versions)[number]>(
          'Execution environments',
          [
            { name: 'Version', cell: ({ version }) => html`<code>${version}</code>` },
            { name: 'Environments', cell: ({ states }) => statesOf(states) },
            { name: 'Running', isNumber: true, cell: ({ running }) => count(running) },
            { name: 'Waiting', isNumber: true, cell: ({ waiting }) => count(waiting) },
            {
              ...{ name: 'Memory', isNumber: true, isExtra: true },
              cell: ({ memoryMb }) => megabytes(memoryMb),
            },
            { name: 'Scheduler', isExtra: true, cell: ({ schedulerId }) => schedulerId },
          ],
          versions,
        )
  const figures = tiles([
    { name: 'Running', value: count(sum(({ running }) => running)), note: 'now' },
    {
      ...{ name: 'Waiting', note: 'accepted, no environment yet' },
      value: count(sum(({ waiting }) => waiting)),
    },
    { name: 'Environments', value: count(environments), note: 'of all versions' },
  ])
  return section('Now', html`${figures}${content}`)
}

const statesOf = (states: FunctionCensus['states']) =>
  html`<span class="chips">${Object.entries(states).map(([state, times]) =>
    chip(`${count(times)} ${state.toLowerCase()}`, state === 'Busy' ? 'accent' : 'calm'),
  )}</span>`

function lastHour(hour: Hour): Html {
  const sums = sumsOf(hour)
  const figures = tiles([
    { name: 'Invocations', value: shortCount(sums.invocations) },
    {
      ...{ name: 'Errors', value: shortCount(sums.errors) },
      note:
        sums.invocations > 0 ? `${share(sums.errors, sums.invocations)} of invocations` : undefined,
      tone: sums.errors > 0 ? 'bad' : 'calm',
    },
    { name: 'Throttled', value: shortCount(sums.throttles) },
    {
      name: 'Average duration',
      value: sums.invocations === 0 ? undefined : duration(sums.durationMs / sums.invocations),
    },
    { name: 'Cold starts', value: share(sums.colds, sums.invocations) },
  ])
  const content = html`${figures}${hourCharts(hour)}${coldReasons(hour)}${sources(hour)}`
  return section('Last hour', content)
}
