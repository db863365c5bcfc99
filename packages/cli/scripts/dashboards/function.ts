// One function, or a few side by side: how it is used, how it does, how it starts, and what waits
// for it. Versions are told apart where AWS's metrics do so.

import type { Dashboard, Panel } from '../dashboard.ts'
import { quantiles, rates, ratio } from '../queries.ts'

const MINE = '{function=~"$function"}'
const VERSION = '{function=~"$function", version=~"$version"}'
const INVOCATIONS = `lambda_invocations_total${VERSION}`
const ERRORS = `lambda_errors_total${VERSION}`

const now: Panel[] = [
  {
    title: 'Invocations',
    description: 'Answered invocations a second.',
    kind: 'stat',
    unit: 'reqps',
    queries: [[rates(INVOCATIONS), 'invocations']],
    width: 4,
  },
  {
    title: 'Errors',
    description: 'Share of invocations that ended with an error of the function.',
    kind: 'stat',
    unit: 'percentunit',
    queries: [[ratio(rates(ERRORS), rates(INVOCATIONS)), 'errors']],
    width: 4,
    thresholds: [0.01, 0.05],
  },
  {
    title: 'Throttles',
    description: 'Invocations a second that were refused, of all versions.',
    kind: 'stat',
    unit: 'reqps',
    queries: [[rates(`lambda_throttles_total${MINE}`), 'throttles']],
    width: 4,
    thresholds: [0.01, 1],
  },
  {
    title: 'Running',
    description: 'Invocations that run at this moment, of all versions.',
    kind: 'stat',
    unit: 'short',
    queries: [[`sum(lambda_concurrent_executions${MINE})`, 'running']],
    width: 4,
  },
  {
    title: 'Environments',
    description: 'Execution environments in whichever state.',
    kind: 'stat',
    unit: 'short',
    queries: [[`sum(lambda_execution_environments${MINE})`, 'environments']],
    width: 4,
  },
  {
    title: 'Events that wait',
    description: 'On its queue of asynchronous events, or in hand.',
    kind: 'stat',
    unit: 'short',
    queries: [[`max(sum by (instance) (lambda_async_queue_depth${MINE}))`, 'waiting']],
    width: 4,
    thresholds: [1000, 50_000],
  },
]

const use: Panel[] = [
  {
    title: 'Invocations by type',
    description: 'Who asked: callers who wait, events, streams, function URLs, mappings.',
    kind: 'stacked',
    unit: 'reqps',
    queries: [[rates(INVOCATIONS, 'type'), '{{type}}']],
    width: 8,
  },
  {
    title: 'Invocations by version',
    description: "How an alias's weights share them out.",
    kind: 'stacked',
    unit: 'reqps',
    queries: [[rates(INVOCATIONS, 'function, version'), '{{function}}:{{version}}']],
    width: 8,
  },
  {
    title: 'Errors by version',
    description: 'Since which version does it fail?',
    kind: 'lines',
    unit: 'reqps',
    queries: [[rates(ERRORS, 'function, version'), '{{function}}:{{version}}']],
    width: 8,
  },
  {
    title: 'Duration',
    description: 'Time that it took, without its init, of all versions.',
    kind: 'lines',
    unit: 's',
    queries: quantiles('lambda_function_duration_seconds', MINE),
    width: 8,
  },
  {
    title: 'Outcomes',
    description: 'How its invocations ended.',
    kind: 'stacked',
    unit: 'reqps',
    queries: [[rates(INVOCATIONS, 'outcome'), '{{outcome}}']],
    width: 8,
  },
  {
    title: 'Throttles by reason',
    description: "Reserved... is its own limit, Concurrent... the account's.",
    kind: 'lines',
    unit: 'reqps',
    queries: [[rates(`lambda_throttles_total${MINE}`, 'reason, type'), '{{reason}}, {{type}}']],
    width: 8,
  },
]

const starts: Panel[] = [
  {
    title: 'How invocations began',
    description: 'Warm and provisioned found an environment ready.',
    kind: 'stacked',
    unit: 'reqps',
    queries: [[rates(INVOCATIONS, 'start'), '{{start}}']],
    width: 8,
  },
  {
    title: 'Why it was cold',
    description: 'What had happened to its last environment.',
    kind: 'stacked',
    unit: 'reqps',
    queries: [
      [
        rates(
          'lambda_invocations_total{function=~"$function", version=~"$version", cold_reason!=""}',
          'cold_reason',
        ),
        '{{cold_reason}}',
      ],
    ],
    width: 8,
  },
  {
    title: 'Environments by state',
    description: 'Busy ones run an invocation, frozen ones idle.',
    kind: 'stacked',
    unit: 'short',
    queries: [[`sum by (state) (lambda_execution_environments${MINE})`, '{{state}}']],
    width: 8,
  },
  {
    title: 'Concurrency',
    description: 'What runs, beside what is reserved and provisioned for it, where something is.',
    kind: 'lines',
    unit: 'short',
    queries: [
      [`sum by (function) (lambda_concurrent_executions${MINE})`, '{{function}} running'],
      [`max by (function) (lambda_reserved_concurrency${MINE})`, '{{function}} reserved'],
      [
        `sum by (function, version, state) (lambda_provisioned_concurrency${VERSION})`,
        '{{function}}:{{version}} provisioned, {{state}}',
      ],
    ],
    width: 12,
  },
  {
    title: 'Memory held',
    description: 'What its environments may use together.',
    kind: 'lines',
    unit: 'bytes',
    queries: [
      [`sum by (function) (lambda_execution_environment_memory_bytes${MINE})`, '{{function}}'],
    ],
    width: 12,
  },
]

const events: Panel[] = [
  {
    title: 'Asynchronous events',
    description: 'Accepted, and what became of attempts at them.',
    kind: 'lines',
    unit: 'ops',
    queries: [
      [rates(`lambda_async_events_received_total${MINE}`), 'accepted'],
      [rates(`lambda_async_events_total${MINE}`, 'outcome'), '{{outcome}}'],
    ],
    width: 8,
  },
  {
    title: 'Queue of events',
    description: 'Events that wait or are in hand.',
    kind: 'lines',
    unit: 'short',
    queries: [[`max by (function) (lambda_async_queue_depth${MINE})`, '{{function}}']],
    width: 8,
  },
  {
    title: 'Records of its mappings',
    description: 'Polled, filtered out, invoked, failed and deleted.',
    kind: 'lines',
    unit: 'ops',
    queries: [[rates(`lambda_event_source_records_total${MINE}`, 'outcome'), '{{outcome}}']],
    width: 8,
  },
]

export const FUNCTION: Dashboard = {
  uid: 'hearth-function',
  title: 'Function',
  description: 'One function, or a few side by side: its use, outcomes, starts and queues.',
  variables: [
    { name: 'function', label: 'Function', metric: 'lambda_invocations_total' },
    {
      name: 'version',
      label: 'Version',
      metric: 'lambda_invocations_total{function=~"$function"}',
    },
  ],
  rows: [
    { title: 'Now', panels: now },
    { title: 'Use', panels: use },
    { title: 'Starts and concurrency', panels: starts },
    { title: 'Events', panels: events },
  ],
}
