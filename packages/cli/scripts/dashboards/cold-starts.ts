// How invocations find their environments, why not ready ones, what that takes, and what waits to
// make it shorter: stems, snapshots, and provisioned concurrency.

import type { Dashboard, Panel } from '../dashboard.ts'
import { quantile, quantiles, rates, ratio, top } from '../queries.ts'

const MINE = '{function=~"$function"}'
const COLD = '{function=~"$function", start!~"warm|provisioned"}'
const INVOCATIONS = `lambda_invocations_total${MINE}`
const PROVISIONED = 'lambda_provisioned_concurrency'

const now: Panel[] = [
  {
    title: 'Cold',
    description: 'Share of invocations that found no environment ready.',
    kind: 'stat',
    unit: 'percentunit',
    queries: [[ratio(rates(`lambda_invocations_total${COLD}`), rates(INVOCATIONS)), 'cold']],
    width: 6,
    thresholds: [0.05, 0.2],
    max: 1,
  },
  {
    title: 'Init, p95',
    description: 'Time that functions took to load.',
    kind: 'stat',
    unit: 's',
    queries: [[quantile(0.95, 'lambda_init_duration_seconds'), 'p95']],
    width: 6,
  },
  {
    title: 'Stems that wait',
    description: 'Booted runtimes that become whichever function is asked for.',
    kind: 'stat',
    unit: 'short',
    queries: [['sum(lambda_stems)', 'stems']],
    width: 6,
  },
  {
    title: 'Provisioned, in use',
    description: 'Of what is initialised; near all of it, the next invocation spills over.',
    kind: 'stat',
    unit: 'percentunit',
    queries: [
      [
        ratio(`sum(${PROVISIONED}{state="in_use"})`, `sum(${PROVISIONED}{state="initialised"})`),
        'in use',
      ],
    ],
    width: 6,
    thresholds: [0.7, 0.9],
    max: 1,
  },
]

const starts: Panel[] = [
  {
    title: 'How invocations began',
    description: 'cold: from nothing; stem: on a booted runtime; restored: from a snapshot.',
    kind: 'stacked',
    unit: 'reqps',
    queries: [[rates(INVOCATIONS, 'start'), '{{start}}']],
    width: 12,
  },
  {
    title: 'Why it was cold',
    description: 'What had happened to the last environment of the function.',
    kind: 'stacked',
    unit: 'reqps',
    queries: [
      [
        rates('lambda_invocations_total{function=~"$function", cold_reason!=""}', 'cold_reason'),
        '{{cold_reason}}',
      ],
    ],
    width: 12,
  },
  {
    title: 'Functions that start cold most',
    description: 'The first ten; a click leads to one.',
    kind: 'lines',
    unit: 'reqps',
    queries: [[top(rates(`lambda_invocations_total${COLD}`, 'function')), '{{function}}']],
    width: 8,
    leadsToFunction: true,
  },
  {
    title: 'Init',
    description: 'Time that functions took to load, however they began.',
    kind: 'lines',
    unit: 's',
    queries: quantiles('lambda_init_duration_seconds'),
    width: 8,
  },
  {
    title: 'Init, p95, by start',
    description: 'What stems and snapshots save.',
    kind: 'lines',
    unit: 's',
    queries: [[quantile(0.95, 'lambda_init_duration_seconds', { by: 'start' }), '{{start}}']],
    width: 8,
  },
  {
    title: 'Duration, p95, by start',
    description: 'A first invocation is slower than the next even without its init.',
    kind: 'lines',
    unit: 's',
    queries: [[quantile(0.95, 'lambda_duration_seconds', { by: 'start' }), '{{start}}']],
    width: 12,
  },
  {
    title: 'Restore',
    description: "Time that SnapStart's hooks took before functions began.",
    kind: 'lines',
    unit: 's',
    queries: quantiles('lambda_restore_duration_seconds'),
    width: 12,
  },
]

const ahead: Panel[] = [
  {
    title: 'Stems by kind',
    description: 'Which runtimes and images have booted before anybody asks.',
    kind: 'stacked',
    unit: 'short',
    queries: [['sum by (kind, state) (lambda_stems)', '{{kind}}, {{state}}']],
    width: 8,
  },
  {
    title: 'Provisioned concurrency',
    description: 'Asked for, initialised, and in use.',
    kind: 'lines',
    unit: 'short',
    queries: [
      [
        `sum by (function, version, state) (${PROVISIONED}${MINE})`,
        '{{function}}:{{version}} {{state}}',
      ],
    ],
    width: 8,
  },
  {
    title: 'Provisioned, utilisation and spillover',
    description: 'Spilled over: invocations a second of such a version that found none free.',
    kind: 'lines',
    unit: 'short',
    queries: [
      [
        `version:lambda_provisioned_concurrency:utilisation${MINE}`,
        '{{function}}:{{version}} utilisation',
      ],
      [
        `version:lambda_provisioned_spillover:rate5m${MINE}`,
        '{{function}}:{{version}} spilled over',
      ],
    ],
    width: 8,
  },
  {
    title: 'Environments by state',
    description: 'Starting and initialising ones are cold starts under way.',
    kind: 'stacked',
    unit: 'short',
    queries: [[`sum by (state) (lambda_execution_environments${MINE})`, '{{state}}']],
    width: 12,
  },
  {
    title: 'Invocations that wait for an environment',
    description: 'Accepted, and behind others that boot.',
    kind: 'lines',
    unit: 'short',
    queries: [['sum(lambda_waiting_invocations)', 'waiting']],
    width: 12,
  },
]

export const COLD_STARTS: Dashboard = {
  uid: 'hearth-cold-starts',
  title: 'Cold starts',
  description: 'How invocations find their environments, why not ready ones, what that takes.',
  variables: [{ name: 'function', label: 'Function', metric: 'lambda_invocations_total' }],
  rows: [
    { title: 'Now', panels: now },
    { title: 'Starts', panels: starts },
    { title: 'Held ahead', panels: ahead },
  ],
}
