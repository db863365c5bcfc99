// The dashboard to look at first: is it up, is it well, what runs, and what stands in the way. From
// its lists a click leads to one function, and its links to the other dashboards.

import type { Dashboard, Panel } from '../dashboard.ts'
import { quantile, quantiles, rates, ratio, top } from '../queries.ts'

const INVOCATIONS = 'lambda_invocations_total'
const COLD = '{start!~"warm|provisioned"}'

const now: Panel[] = [
  {
    title: 'Up',
    description: 'Of the processes that Prometheus knows, how many answer.',
    kind: 'stat',
    unit: 'percentunit',
    queries: [['avg(up{job="hearth"})', 'up']],
    width: 3,
    thresholds: [1, 0.99],
    max: 1,
  },
  {
    title: 'Invocations',
    description: 'Answered invocations a second, of all kinds.',
    kind: 'stat',
    unit: 'reqps',
    queries: [[rates(INVOCATIONS), 'invocations']],
    width: 3,
  },
  {
    title: 'Errors',
    description: 'Share of invocations that ended with an error of the function.',
    kind: 'stat',
    unit: 'percentunit',
    queries: [[ratio(rates('lambda_errors_total'), rates(INVOCATIONS)), 'errors']],
    width: 3,
    thresholds: [0.01, 0.05],
  },
  {
    title: 'Throttles',
    description: 'Invocations a second that were refused for want of concurrency.',
    kind: 'stat',
    unit: 'reqps',
    queries: [[rates('lambda_throttles_total'), 'throttles']],
    width: 3,
    thresholds: [0.01, 1],
  },
  {
    title: 'Duration, p95',
    description: 'Of a hundred invocations, ninety-five took no longer, init not counted.',
    kind: 'stat',
    unit: 's',
    queries: [[quantile(0.95, 'lambda_duration_seconds'), 'p95']],
    width: 3,
  },
  {
    title: 'Concurrency claimed',
    description: "Of the account's limit: reserved, provisioned, or running beside those.",
    kind: 'stat',
    unit: 'percentunit',
    queries: [['account:lambda_claimed_concurrency:ratio', 'claimed']],
    width: 3,
    thresholds: [0.7, 0.9],
    max: 1,
  },
  {
    title: 'Dead letters',
    description: 'Events and deliveries that were given up and are kept: `hearth dlq ls`.',
    kind: 'stat',
    unit: 'short',
    queries: [['max(hearth_nats_stream_messages{stream="DEAD"})', 'kept']],
    width: 3,
    thresholds: [1, 100],
  },
  {
    title: 'Alerts',
    description: 'How many fire at this moment; the table below says which.',
    kind: 'stat',
    unit: 'short',
    queries: [['count(ALERTS{alertstate="firing"}) or vector(0)', 'firing']],
    width: 3,
    thresholds: [1, 3],
  },
]

const invocations: Panel[] = [
  {
    title: 'Invocations by type',
    description: 'Who asked: callers who wait, events, streams, function URLs, mappings.',
    kind: 'stacked',
    unit: 'reqps',
    queries: [[rates(INVOCATIONS, 'type'), '{{type}}']],
    width: 12,
  },
  {
    title: 'Invocations by outcome',
    description: 'Everything but success is an error of the function.',
    kind: 'stacked',
    unit: 'reqps',
    queries: [[rates(INVOCATIONS, 'outcome'), '{{outcome}}']],
    width: 12,
  },
  {
    title: 'Duration',
    description: 'Time that functions took, without their init.',
    kind: 'lines',
    unit: 's',
    queries: quantiles('lambda_duration_seconds'),
    width: 8,
  },
  {
    title: 'Throttles by reason',
    description: "AWS's six reasons, whoever asked. Reserved... is a function's own limit.",
    kind: 'lines',
    unit: 'reqps',
    queries: [[rates('lambda_throttles_total', 'reason'), '{{reason}}']],
    width: 8,
  },
  {
    title: 'Cold starts',
    description: 'Share of invocations that found no environment ready.',
    kind: 'lines',
    unit: 'percentunit',
    queries: [[ratio(rates(`${INVOCATIONS}${COLD}`), rates(INVOCATIONS)), 'cold']],
    width: 8,
    thresholds: [0.05, 0.2],
    max: 1,
  },
]

const functions: Panel[] = [
  {
    title: 'Busiest functions',
    description: 'The ten that are invoked most; a click leads to one.',
    kind: 'lines',
    unit: 'reqps',
    queries: [[top(rates(INVOCATIONS, 'function')), '{{function}}']],
    width: 8,
    leadsToFunction: true,
  },
  {
    title: 'Failing functions',
    description: 'The ten with most errors a second; a click leads to one.',
    kind: 'lines',
    unit: 'reqps',
    queries: [[top(rates('lambda_errors_total', 'function')), '{{function}}']],
    width: 8,
    leadsToFunction: true,
  },
  {
    title: 'Slowest functions, p95',
    description: 'The ten that take longest; a click leads to one.',
    kind: 'lines',
    unit: 's',
    queries: [
      [top(quantile(0.95, 'lambda_function_duration_seconds', { by: 'function' })), '{{function}}'],
    ],
    width: 8,
    leadsToFunction: true,
  },
]

const held: Panel[] = [
  {
    title: 'Concurrency',
    description: "What runs, what is claimed of the account's limit, and the limit itself.",
    kind: 'lines',
    unit: 'short',
    queries: [
      ['sum(lambda_concurrent_executions)', 'running'],
      ['account:lambda_claimed_concurrency:sum', 'claimed'],
      ['sum(lambda_waiting_invocations)', 'waiting for an environment'],
      ['max(lambda_account_concurrency_limit)', 'limit'],
    ],
    width: 8,
  },
  {
    title: 'Execution environments',
    description: 'By state, as ARCHITECTURE.md draws them.',
    kind: 'stacked',
    unit: 'short',
    queries: [['sum by (state) (lambda_execution_environments)', '{{state}}']],
    width: 8,
  },
  {
    title: 'Memory',
    description: 'What environments may use, of what there is for all of them.',
    kind: 'lines',
    unit: 'bytes',
    queries: [
      ['sum(lambda_memory_limit_bytes) - sum(lambda_memory_free_bytes)', 'held'],
      ['sum(lambda_memory_limit_bytes)', 'limit'],
    ],
    width: 8,
  },
]

const platform: Panel[] = [
  {
    title: 'API requests',
    description: 'By class of status; none: the caller left before the answer.',
    kind: 'stacked',
    unit: 'reqps',
    queries: [[rates('lambda_requests_total', 'status'), '{{status}}']],
    width: 8,
  },
  {
    title: 'API latency, p95',
    description: 'From a request to the end of its answer; Invoke has the function in it.',
    kind: 'lines',
    unit: 's',
    queries: [
      [quantile(0.95, 'lambda_request_duration_seconds', { by: 'operation' }), '{{operation}}'],
    ],
    width: 8,
  },
  {
    title: 'Refused invocations',
    description: 'By the exception that the caller saw.',
    kind: 'lines',
    unit: 'reqps',
    queries: [[rates('lambda_refused_invocations_total', 'exception'), '{{exception}}']],
    width: 8,
  },
  {
    title: 'NATS and Valkey',
    description: 'Time of a round trip from each process; a gap is a server that did not answer.',
    kind: 'lines',
    unit: 's',
    queries: [
      ['hearth_nats_round_trip_seconds', 'NATS from {{instance}}'],
      ['hearth_valkey_round_trip_seconds', 'Valkey from {{instance}}'],
    ],
    width: 8,
  },
  {
    title: 'Streams, how full',
    description: 'A full stream refuses, but LOGS and DEAD, which drop their oldest.',
    kind: 'bars',
    unit: 'percentunit',
    queries: [
      ['max by (stream) (hearth_nats_stream_bytes / hearth_nats_stream_limit_bytes)', '{{stream}}'],
    ],
    width: 8,
    thresholds: [0.6, 0.8],
    max: 1,
  },
  {
    title: 'Disk',
    description: "The disk of Hearth's data, and what JetStream has of what it may.",
    kind: 'bars',
    unit: 'percentunit',
    queries: [
      ['1 - hearth_disk_free_bytes / hearth_disk_size_bytes', 'disk of {{instance}}'],
      ['max(hearth_nats_storage_bytes / hearth_nats_storage_limit_bytes)', 'JetStream'],
    ],
    width: 8,
    thresholds: [0.75, 0.9],
    max: 1,
  },
]

const processes: Panel[] = [
  {
    title: 'Event loop lag, p99',
    description: 'How late a process comes to what is due; more than 100 ms delays every answer.',
    kind: 'lines',
    unit: 's',
    queries: [['nodejs_eventloop_lag_p99_seconds{job="hearth"}', '{{instance}}']],
    width: 8,
    thresholds: [0.1, 0.25],
  },
  {
    title: 'CPU and collecting garbage',
    description: 'Share of one CPU.',
    kind: 'lines',
    unit: 'percentunit',
    queries: [
      ['rate(process_cpu_seconds_total{job="hearth"}[$__rate_interval])', 'CPU {{instance}}'],
      [
        'sum by (instance) (rate(nodejs_gc_duration_seconds_sum{job="hearth"}[$__rate_interval]))',
        'garbage {{instance}}',
      ],
    ],
    width: 8,
  },
  {
    title: "Processes' memory",
    description: 'Resident, and the heap that is used of it.',
    kind: 'lines',
    unit: 'bytes',
    queries: [
      ['process_resident_memory_bytes{job="hearth"}', 'resident {{instance}}'],
      ['nodejs_heap_size_used_bytes{job="hearth"}', 'heap {{instance}}'],
    ],
    width: 8,
  },
  {
    title: 'Alerts that fire or are about to',
    description: 'What each means, and what to do, is in its annotations at Prometheus, /alerts.',
    kind: 'table',
    unit: 'none',
    queries: [
      [
        'max by (alertname, alertstate, severity, function, instance, stream) (ALERTS)',
        '{{alertname}}',
      ],
    ],
    width: 16,
  },
  {
    title: 'Versions and roles',
    description: 'The processes that there are.',
    kind: 'table',
    unit: 'none',
    queries: [['max by (instance, roles, version) (hearth_info)', '{{instance}}']],
    width: 8,
  },
]

export const OVERVIEW: Dashboard = {
  uid: 'hearth-overview',
  title: 'Overview',
  description: 'Is it up, is it well, what runs, and what stands in the way.',
  variables: [],
  rows: [
    { title: 'Now', panels: now },
    { title: 'Invocations', panels: invocations },
    { title: 'Functions', panels: functions },
    { title: 'What is held', panels: held },
    { title: 'Platform', panels: platform },
    { title: 'Processes', panels: processes },
  ],
}
