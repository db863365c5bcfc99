// The poller's metrics in Prometheus form: what became of events and deliveries, how long events
// waited, and what is in hand. The one user of prom-client here, and no judge of anything.

import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { EventCount } from './event-work.ts'

export interface PollerMetrics {
  event(what: EventCount): void
  /** An event's first attempt begins, so many milliseconds after it was accepted. */
  waited(milliseconds: number): void
  delivery(what: 'delivered' | 'postponed' | 'undeliverable'): void
  /** What is counted when somebody asks. */
  watch(sources: Sources): void
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
