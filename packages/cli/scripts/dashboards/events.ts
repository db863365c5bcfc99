// What is not waited for: asynchronous events, destinations and dead letters, event source
// mappings, and the streams of NATS on which all of them lie.

import type { Dashboard, Panel } from '../dashboard.ts'
import { quantiles, rates, top } from '../queries.ts'

const MINE = '{function=~"$function"}'
const RECORDS = `lambda_event_source_records_total${MINE}`
const MAPPING = '{{function}} from {{source}}'

const asynchronous: Panel[] = [
  {
    title: 'Accepted, and what became of them',
    description: 'Attempts a second: refused ones wait and are tried again as the same attempt.',
    kind: 'lines',
    unit: 'ops',
    queries: [
      [rates(`lambda_async_events_received_total${MINE}`), 'accepted'],
      [rates(`lambda_async_events_total${MINE}`, 'outcome'), '{{outcome}}'],
    ],
    width: 12,
  },
  {
    title: 'Deepest queues',
    description: 'Events that wait or are in hand, by function.',
    kind: 'stacked',
    unit: 'short',
    queries: [[top(`max by (function) (lambda_async_queue_depth${MINE})`), '{{function}}']],
    width: 12,
    leadsToFunction: true,
  },
  {
    title: 'Oldest event',
    description: 'How long the oldest on any queue has waited since it was put there.',
    kind: 'lines',
    unit: 's',
    queries: [['max(lambda_async_oldest_event_age_seconds)', 'oldest']],
    width: 8,
    thresholds: [60, 300],
  },
  {
    title: 'Wait before the first attempt',
    description: 'From 202 to the function; AWS calls it AsyncEventAge.',
    kind: 'lines',
    unit: 's',
    queries: quantiles('lambda_async_event_age_seconds'),
    width: 8,
  },
  {
    title: 'In hand, and waiting to be tried again',
    description: 'Retries wait as timers, not on the queue.',
    kind: 'lines',
    unit: 'short',
    queries: [
      ['sum(hearth_events_in_hand)', 'in hand'],
      ['sum(hearth_event_lanes)', 'functions with events'],
      ['sum(hearth_timers)', 'waiting for a retry'],
    ],
    width: 8,
  },
]

const givenUp: Panel[] = [
  {
    title: 'Dead letters',
    description: 'What is kept for 14 days: `hearth dlq ls`, `hearth dlq redrive`.',
    kind: 'stat',
    unit: 'short',
    queries: [['max(hearth_nats_stream_messages{stream="DEAD"})', 'kept']],
    width: 4,
    thresholds: [1, 100],
  },
  {
    title: 'Loops stopped',
    description: "AWS's RecursiveInvocationsDropped, a second.",
    kind: 'stat',
    unit: 'ops',
    queries: [['account:lambda_recursive_invocations_dropped:rate5m', 'dropped']],
    width: 4,
    thresholds: [0.0001, 1],
  },
  {
    title: 'Undeliverable',
    description: 'Deliveries a second that can never arrive, or could not for a day.',
    kind: 'stat',
    unit: 'ops',
    queries: [
      [rates('lambda_destination_deliveries_total{outcome="undeliverable"}'), 'undeliverable'],
    ],
    width: 4,
    thresholds: [0.0001, 1],
  },
  {
    title: 'Deliveries that wait',
    description: 'To destinations and dead-letter queues.',
    kind: 'stat',
    unit: 'short',
    queries: [['max(lambda_delivery_queue_depth)', 'waiting']],
    width: 4,
    thresholds: [100, 10_000],
  },
  {
    title: 'Oldest delivery',
    description: 'How long a destination has not taken what it is told.',
    kind: 'stat',
    unit: 's',
    queries: [['max(lambda_delivery_oldest_age_seconds)', 'oldest']],
    width: 4,
    thresholds: [60, 600],
  },
  {
    title: 'Deliveries in hand',
    description: 'That are being told at this moment.',
    kind: 'stat',
    unit: 'short',
    queries: [['sum(hearth_deliveries_in_hand)', 'in hand']],
    width: 4,
  },
  {
    title: 'Events given up, and why',
    description: 'AWS calls it AsyncEventsDropped.',
    kind: 'lines',
    unit: 'ops',
    queries: [
      [
        rates(`lambda_async_events_dropped_total${MINE}`, 'function, reason'),
        '{{function}}: {{reason}}',
      ],
    ],
    width: 8,
  },
  {
    title: 'Dead letters put aside',
    description: 'Events without a destination, and deliveries that could not arrive.',
    kind: 'lines',
    unit: 'ops',
    queries: [
      [rates(`lambda_dead_letters_total${MINE}`, 'function, what'), '{{function}}: {{what}}'],
    ],
    width: 8,
  },
  {
    title: 'Deliveries',
    description: 'Postponed ones are tried for a day, undeliverable ones are dead letters.',
    kind: 'lines',
    unit: 'ops',
    queries: [[rates('lambda_destination_deliveries_total', 'as, outcome'), '{{as}}: {{outcome}}']],
    width: 8,
  },
]

const mappings: Panel[] = [
  {
    title: 'Records',
    description: 'Polled (received), filtered out, invoked, failed, and deleted from queues.',
    kind: 'lines',
    unit: 'ops',
    queries: [[rates(RECORDS, 'outcome'), '{{outcome}}']],
    width: 12,
  },
  {
    title: 'Records received, by mapping',
    description: 'Who reads most.',
    kind: 'stacked',
    unit: 'ops',
    queries: [
      [
        rates(
          'lambda_event_source_records_total{function=~"$function", outcome="received"}',
          'function, source, mapping',
        ),
        MAPPING,
      ],
    ],
    width: 12,
  },
  {
    title: 'Iterator age',
    description: 'How far a reader of a stream is behind it, in time.',
    kind: 'lines',
    unit: 's',
    queries: [
      [`max by (function, source, mapping) (lambda_event_source_lag_seconds${MINE})`, MAPPING],
    ],
    width: 8,
    thresholds: [60, 600],
  },
  {
    title: 'Backlog',
    description: 'Records that wait at their source, where it can say: OffsetLag, or a queue.',
    kind: 'lines',
    unit: 'short',
    queries: [
      [`max by (function, source, mapping) (lambda_event_source_lag_records${MINE})`, MAPPING],
    ],
    width: 8,
  },
  {
    title: 'Refusals',
    description: 'Batches that were throttled or could not be run; they are tried again.',
    kind: 'lines',
    unit: 'ops',
    queries: [[rates(`lambda_event_source_refusals_total${MINE}`, 'function, source'), MAPPING]],
    width: 8,
  },
]

const streams: Panel[] = [
  {
    title: 'Messages by stream',
    description: 'ASYNC_n are the queues of events, METER the ledger, DEAD the dead letters.',
    kind: 'lines',
    unit: 'short',
    queries: [['max by (stream) (hearth_nats_stream_messages{stream!~"KV_.*"})', '{{stream}}']],
    width: 8,
  },
  {
    title: 'Bytes by stream',
    description: "On the server's disk; other is what is not Hearth's.",
    kind: 'stacked',
    unit: 'bytes',
    queries: [['max by (stream) (hearth_nats_stream_bytes)', '{{stream}}']],
    width: 8,
  },
  {
    title: 'How full',
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
]

export const EVENTS: Dashboard = {
  uid: 'hearth-events',
  title: 'Event sources and queues',
  description: 'Asynchronous events, destinations, dead letters, and event source mappings.',
  variables: [{ name: 'function', label: 'Function', metric: 'lambda_invocations_total' }],
  rows: [
    { title: 'Asynchronous events', panels: asynchronous },
    { title: 'Destinations and dead letters', panels: givenUp },
    { title: 'Event source mappings', panels: mappings },
    { title: 'Streams', panels: streams },
  ],
}
