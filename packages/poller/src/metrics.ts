// The poller's metrics in Prometheus form: what became of events and deliveries, how long events
// waited, what waits and is in hand, and what was buried. It is no judge of anything. What a queue
// holds each poller tells alike; what was counted may be added up over pollers.

import type { AsyncEvent } from '@hearth/core/async-event'
import { FunctionCounts, OTHER } from '@hearth/invocation/function-counts'
import type { DeadLetters } from '@hearth/store/dead-letters'
import type { Functions } from '@hearth/store/functions'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { DeliveryCount } from './delivery-work.ts'
import type { Dropped, EventCount } from './event-work.ts'
import type { LaneCounts } from './lanes.ts'
import type { MappingFigures } from './mapping-progress.ts'
import { watchMappings } from './metrics-mappings.ts'
import { depthsByFunction } from './queue-depths.ts'

export interface PollerMetrics {
  event(what: EventCount, event: Pick<AsyncEvent, 'functionName'>, why?: Dropped): void
  /** An event's first attempt begins, so many milliseconds after it was accepted. */
  waited(milliseconds: number): void
  delivery(what: DeliveryCount, as: 'dead letter' | 'destination'): void
  /** The same store, what is buried there counted. */
  watchDeadLetters<T extends Pick<DeadLetters, 'bury'>>(deadLetters: T): T
  /** What is counted when somebody asks. */
  watch(sources: Sources): void
  /** The figures of the mappings that this poller works for. */
  watchMappings(figures: () => MappingFigures[]): void
  text(): Promise<string>
}

interface Sources {
  events(): LaneCounts
  deliveries(): LaneCounts
  timers(): number
}

const MS_PER_SECOND = 1000
const WAIT_SECONDS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300, 3600, 21_600,
]
const DELIVERIES: readonly DeliveryCount[] = ['delivered', 'postponed', 'undeliverable']
const AS = ['dead letter', 'destination'] as const

export function createMetrics(functions: Pick<Functions, 'all'>): PollerMetrics {
  const registers = [new Registry()] as [Registry]
  const isThere = (functionName: string) =>
    functions.all().some(({ name }) => name === functionName)
  const count = counterOf(registers, isThere)
  const events = count({
    name: 'lambda_async_events_total',
    help: 'What became of attempts at asynchronous events.',
    label: 'outcome',
  })
  const dropped = count({
    name: 'lambda_async_events_dropped_total',
    help: 'Asynchronous events that were given up, and why.',
    label: 'reason',
  })
  const buried = count({
    name: 'lambda_dead_letters_total',
    help: 'What was put with the dead letters: events, and deliveries that could not arrive.',
    label: 'what',
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
    labelNames: ['as', 'outcome'],
    registers,
  })
  for (const as of AS) for (const outcome of DELIVERIES) deliveries.inc({ as, outcome }, 0)
  return {
    event(outcome, { functionName }, why) {
      events.add(functionName, { outcome: outcome.replace(' ', '_') })
      if (why) dropped.add(functionName, { reason: why })
    },
    waited: (milliseconds) => age.observe(milliseconds / MS_PER_SECOND),
    delivery: (outcome, as) => deliveries.inc({ as, outcome }),
    watchDeadLetters: (deadLetters) => ({
      ...deadLetters,
      async bury(letter, payload) {
        await deadLetters.bury(letter, payload)
        buried.add(letter.event.functionName, { what: letter.delivery ? 'delivery' : 'event' })
      },
    }),
    watch: (sources) => addGauges(registers, functions, sources),
    watchMappings: (figures) => watchMappings(registers, figures),
    text: () => registers[0].metrics(),
  }
}

interface CounterOf<Label extends string> {
  name: string
  help: string
  label: Label
}

/** Makes counters by function and one label more. */
function counterOf(registers: [Registry], isThere: (functionName: string) => boolean) {
  return <Label extends string>(of: CounterOf<Label>) => {
    const { name, help, label } = of
    const counts = new FunctionCounts<Label>({ labels: [label], isThere })
    new Counter<string>({
      name,
      help,
      labelNames: ['function', label],
      registers,
      collect() {
        this.reset()
        for (const one of counts.list(performance.now())) {
          this.inc({ function: one.functionName, [label]: one[label] }, one.count)
        }
      },
    })
    return counts
  }
}

function addGauges(
  registers: [Registry],
  functions: Pick<Functions, 'all'>,
  { events, deliveries, timers }: Sources,
): void {
  const gauge = (name: string, help: string, count: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(count())
      },
    })
  gauge('hearth_events_in_hand', 'Events that are being worked on.', () => events().inHand)
  gauge('hearth_event_lanes', 'Functions that have events.', () => events().lanes)
  gauge(
    'hearth_deliveries_in_hand',
    'Deliveries that are being worked on.',
    () => deliveries().inHand,
  )
  gauge('hearth_timers', 'Events that wait to be tried again.', timers)
  const depth = (counts: LaneCounts) =>
    Object.values(counts.depths).reduce((sum, one) => sum + one, 0)
  gauge(
    'lambda_delivery_queue_depth',
    'Deliveries that wait or are in hand; each poller tells the same.',
    () => depth(deliveries()),
  )
  gauge(
    'lambda_delivery_oldest_age_seconds',
    'How long the oldest delivery has waited; each poller tells the same.',
    () => ageOf(deliveries()),
  )
  gauge(
    'lambda_async_oldest_event_age_seconds',
    'How long the oldest event on a queue has waited; each poller tells the same.',
    () => ageOf(events()),
  )
  new Gauge({
    name: 'lambda_async_queue_depth',
    help: 'Events that wait or are in hand; each poller tells the same.',
    labelNames: ['function'],
    registers,
    collect() {
      this.reset()
      this.inc({ function: OTHER }, 0)
      for (const [name, count] of depthsByFunction(events().depths, functions.all())) {
        this.inc({ function: name }, count)
      }
    },
  })
}

const ageOf = ({ oldestAt }: LaneCounts) =>
  oldestAt === undefined ? 0 : Math.max(Date.now() - oldestAt, 0) / MS_PER_SECOND
