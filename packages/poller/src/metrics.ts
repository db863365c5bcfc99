// The poller's metrics in Prometheus form: what became of events and deliveries, how long events
// waited, and what is in hand. The one user of prom-client here, and no judge of anything.

import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { EventCount } from './event-work.ts'
import type { MappingFigures } from './mapping-progress.ts'

export interface PollerMetrics {
  event(what: EventCount): void
  /** An event's first attempt begins, so many milliseconds after it was accepted. */
  waited(milliseconds: number): void
  delivery(what: 'delivered' | 'postponed' | 'undeliverable'): void
  /** What is counted when somebody asks. */
  watch(sources: Sources): void
  /** The figures of the mappings that this poller works for. */
  watchMappings(figures: () => MappingFigures[]): void
  text(): Promise<string>
}

interface Sources {
  events(): { lanes: number; inHand: number }
  deliveries(): { lanes: number; inHand: number }
  timers(): number
}

const MS_PER_SECOND = 1000
const WAIT_SECONDS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300, 3600, 21_600,
]

export function createMetrics(): PollerMetrics {
  const registers = [new Registry()] as [Registry]
  const events = new Counter({
    name: 'lambda_async_events_total',
    help: 'What became of attempts at asynchronous events.',
    labelNames: ['outcome'],
    registers,
  })
  const age = new Histogram({
    name: 'lambda_async_event_age_seconds',
    help: 'Time from the acceptance of an event to its first attempt.',
    buckets: WAIT_SECONDS,
    registers,
  })
  const deliveries = new Counter({
    name: 'lambda_destination_deliveries_total',
    help: 'What became of tries to tell destinations and dead-letter queues.',
    labelNames: ['outcome'],
    registers,
  })
  return {
    event: (outcome) => events.inc({ outcome: outcome.replace(' ', '_') }),
    waited: (milliseconds) => age.observe(milliseconds / MS_PER_SECOND),
    delivery: (outcome) => deliveries.inc({ outcome }),
    watch(sources) {
      gauge(
        'hearth_events_in_hand',
        'Events that are being worked on.',
        () => sources.events().inHand,
      )
      gauge('hearth_event_lanes', 'Functions that have events.', () => sources.events().lanes)
      gauge(
        'hearth_deliveries_in_hand',
        'Deliveries that are being worked on.',
        () => sources.deliveries().inHand,
      )
      gauge('hearth_timers', 'Events that wait to be tried again.', sources.timers)
    },
    watchMappings: (figures) => watchMappings(registers, figures),
    text: () => registers[0].metrics(),
  }

  function gauge(name: string, help: string, count: () => number): void {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(count())
      },
    })
  }
}

/** What AWS counts of event source mappings: polled, filtered out, invoked and failed events. */
const RECORDS = {
  received: 'received',
  filteredOut: 'filtered_out',
  invoked: 'invoked',
  failed: 'failed',
} as const
const MAPPING_LABELS = ['mapping', 'function', 'source'] as const

function watchMappings(registers: [Registry], figures: () => MappingFigures[]): void {
  const labelsOf = ({ uuid, functionName, kind }: MappingFigures) => ({
    mapping: uuid,
    function: functionName,
    source: kind,
  })
  new Counter({
    name: 'lambda_event_source_records_total',
    help: 'What became of records of event source mappings.',
    labelNames: [...MAPPING_LABELS, 'outcome'],
    registers,
    collect() {
      this.reset()
      for (const one of figures()) {
        for (const [what, outcome] of Object.entries(RECORDS)) {
          this.inc({ ...labelsOf(one), outcome }, one[what as keyof typeof RECORDS])
        }
      }
    },
  })
  new Counter({
    name: 'lambda_event_source_refusals_total',
    help: 'Batches whose invocation was throttled or could not be run, and is tried again.',
    labelNames: MAPPING_LABELS,
    registers,
    collect() {
      this.reset()
      for (const one of figures()) this.inc(labelsOf(one), one.refused)
    },
  })
  const lag = (name: string, help: string, of: (one: MappingFigures) => number | undefined) =>
    new Gauge({
      name,
      help,
      labelNames: MAPPING_LABELS,
      registers,
      collect() {
        this.reset()
        for (const one of figures()) {
          const value = of(one)
          if (value !== undefined) this.set(labelsOf(one), value)
        }
      },
    })
  lag(
    'lambda_event_source_lag_records',
    'Records that wait at their source, where it can say.',
    (one) => one.lag.records,
  )
  lag(
    'lambda_event_source_lag_seconds',
    'How far behind its source a mapping is, where it can say.',
    ({ lag }) => (lag.behindMs === undefined ? undefined : lag.behindMs / MS_PER_SECOND),
  )
}
