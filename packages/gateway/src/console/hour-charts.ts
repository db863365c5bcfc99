// The last hour in four charts: what was invoked, how much ran at a time, how long it took, and how
// environments were found. The same for one function and for all.

import type { HistoryMinute } from '@hearth/bus/figures'
import { html } from 'hono/html'
import type { Hour } from '../history.ts'
import { chart, type Series, type Tone } from './chart.ts'
import { type Html, note } from './elements.ts'
import { count, duration, moment, shortCount, some } from './format.ts'

const MINUTE_MS = 60_000
type StartKind = keyof HistoryMinute['starts']

/** In the order in which bars stand on one another. */
const STARTS: readonly [StartKind, string, Tone][] = [
  ['warm', 'Warm', 'calm'],
  ['provisioned', 'Provisioned', 'good'],
  ['restored', 'Restored', 'faint'],
  ['stem', 'From a stem', 'warn'],
  ['cold', 'Cold', 'accent'],
]

export function hourCharts({ minutes }: Hour): Html {
  const line = (name: string, tone: Tone, of: (minute: HistoryMinute) => number | undefined) => ({
    ...{ name, tone },
    values: minutes.map(of),
  })
  const time = { from: (minutes[0]?.minute ?? 0) * MINUTE_MS, stepMs: MINUTE_MS }
  const counts = (id: string, title: string, series: Series[]) =>
    chart({ ...time, id, title, series, unit: 'per minute', kind: 'bars', show: shortCount })
  const took = ({ invocations, durationMs }: HistoryMinute) =>
    invocations === 0 ? undefined : durationMs / invocations
  return html`<div class="charts">
${counts('invocations', 'Invocations', [
  line('Succeeded', 'calm', ({ invocations, errors }) => invocations - errors),
  line('Errors', 'bad', ({ errors }) => errors),
  line('Throttled', 'warn', ({ throttles }) => throttles),
])}
${chart({
  ...time,
  ...{ id: 'concurrency', title: 'Concurrency', unit: 'most at a time', kind: 'bars' },
  series: [line('Running', 'accent', ({ runningMax }) => runningMax)],
  show: shortCount,
})}
${chart({
  ...time,
  ...{ id: 'duration', title: 'Duration', unit: 'of one invocation', kind: 'lines' },
  series: [
    line('Average', 'calm', took),
    line('Longest', 'accent', (one) => (one.invocations === 0 ? undefined : one.durationMsMax)),
  ],
  show: duration,
})}
${counts(
  'starts',
  'Starts',
  STARTS.map(([kind, name, tone]) => line(name, tone, ({ starts }) => starts[kind] ?? 0)),
)}
</div>`
}

/** Where the figures are from, and who is missing among them. */
export function sources({ since, schedulers, silent }: Hour): Html {
  const missed = `${silent.join(', ')} did not answer within a second, so its figures are missing.`
  return html`${silent.length > 0 ? note('warn', missed) : ''}<p class="foot quiet small">
The last 60 minutes as counted by ${some(schedulers, 'scheduler')}${
    since === undefined ? '' : html` since ${moment(since)}`
  }; what ran before a scheduler’s start is not in here. Throttles are
counted where invocations come in, by gateways and pollers. The last bar is of a minute that is not
over. Times are UTC.</p>`
}

export interface HourSums {
  invocations: number
  errors: number
  throttles: number
  durationMs: number
  /** Neither warm nor provisioned: the caller waited for an environment to be made ready. */
  colds: number
}

export function sumsOf({ minutes }: Pick<Hour, 'minutes'>): HourSums {
  const sums = { invocations: 0, errors: 0, throttles: 0, durationMs: 0, colds: 0 }
  for (const { invocations, errors, throttles, durationMs, starts } of minutes) {
    sums.invocations += invocations
    sums.errors += errors
    sums.throttles += throttles
    sums.durationMs += durationMs
    sums.colds += invocations - (starts.warm ?? 0) - (starts.provisioned ?? 0)
  }
  return sums
}

/** Why environments were not found ready, the most frequent first; nothing where all were. */
export function coldReasons({ minutes }: Pick<Hour, 'minutes'>): Html {
  const reasons = new Map<string, number>()
  for (const { coldReasons } of minutes) {
    for (const [reason, times] of Object.entries(coldReasons)) {
      reasons.set(reason, (reasons.get(reason) ?? 0) + times)
    }
  }
  if (reasons.size === 0) return html``
  const told = [...reasons]
    .sort(([, a], [, b]) => b - a)
    .map(([reason, times]) => `${reason} (${count(times)})`)
  return html`<p class="foot small">Why environments were not warm: ${told.join(', ')}.</p>`
}
