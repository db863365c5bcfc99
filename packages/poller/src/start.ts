// The poller role: whatever pulls and then invokes. It opens the lanes of events and of deliveries
// and the clock of the timers; any number of pollers may run, and each may die at any line: what it
// had in hand is handed to another.

import type { Queues } from '@hearth/bus/queues'
import type { Requests } from '@hearth/bus/requests'
import type { Traces } from '@hearth/bus/traces'
import type { LeaseStore } from '@hearth/leases/connect'
import type { Budgets } from '@hearth/store/budgets'
import type { Checkpoints } from '@hearth/store/checkpoints'
import type { Claims } from '@hearth/store/claims'
import type { DeadLetters } from '@hearth/store/dead-letters'
import type { Deliveries } from '@hearth/store/deliveries'
import type { EventSourceMappings } from '@hearth/store/event-source-mappings'
import type { Events } from '@hearth/store/events'
import type { Functions } from '@hearth/store/functions'
import type { Timers } from '@hearth/store/timers'
import { openDeliveryWork } from './delivery-work.ts'
import { type DestinationParts, openDestinations } from './destinations/destination.ts'
import { type EventWorkParts, openEventWork } from './event-work.ts'
import { openLanes } from './lanes.ts'
import { startMappings } from './mappings.ts'
import { createMetrics } from './metrics.ts'
import { openReserveWatch } from './reserve-watch.ts'
import { openShares } from './shares.ts'
import type { AwsAccess } from './sources/source.ts'
import { openStreamMappings } from './stream-mappings.ts'
import { openTimerClock } from './timer-clock.ts'
import { traced } from './traced-door.ts'

export interface PollerOptions {
  region: string
  door: EventWorkParts['door']
  functions: Pick<Functions, 'all' | 'cached'>
  budgets: Pick<Budgets, 'stopOf'>
  events: Events
  queues: Queues
  requests: Requests
  leases: LeaseStore
  timers: Timers
  deliveries: Deliveries
  deadLetters: DeadLetters
  aws: AwsAccess
  announce: DestinationParts['announce']
  webhooks: DestinationParts['webhooks']
  mappings: EventSourceMappings
  checkpoints: Checkpoints
  claims: Claims
  /** Hearth's own servers, for event sources that live on them. */
  natsUrl: string
  valkeyUrl: string
  /** Where files with the secrets of event sources are. */
  secretsFolder?: string
  /** Batches at a time for a queue whose mapping does not say how many. */
  batchesMax: number
  /** Events that may be in hand at a time, of all functions together. */
  inHandMax: number
  /** Seconds before the first retry of an event, the second, and so on. */
  retrySeconds: readonly number[]
  /** Absent where nobody records spans. */
  traces?: Traces | undefined
  report(problem: string): void
}

export interface Poller {
  /** In Prometheus's text format. */
  metrics(): Promise<string>
  /** Takes nothing more, and lets finish what runs. */
  close(): Promise<void>
}

/** Deliveries that may be in hand at a time, to all destinations together. */
const DELIVERIES_IN_HAND_MAX = 100

export async function startPoller(options: PollerOptions): Promise<Poller> {
  const { events, deliveries, queues, requests, report } = options
  const metrics = createMetrics(options.functions)
  const deadLetters = metrics.watchDeadLetters(options.deadLetters)
  const { door, traces } = options
  const handleEvent = openEventWork({
    ...options,
    deadLetters,
    door: { ...door, invoke: traced('event', door.invoke, traces) },
    counted: metrics.event,
    waited: metrics.waited,
  })
  const eventLanes = openLanes({
    streams: events.streams,
    queues,
    requests,
    handle: handleEvent,
    inHandMax: options.inHandMax,
    report,
  })
  const destinations = openDestinations({ ...options, enqueue: events.put })
  const handleDelivery = openDeliveryWork({
    ...options,
    deadLetters,
    destinations,
    counted: metrics.delivery,
  })
  const deliveryLanes = openLanes({
    streams: deliveries.streams,
    queues,
    requests,
    handle: handleDelivery,
    inHandMax: DELIVERIES_IN_HAND_MAX,
    report,
  })
  const invoke = traced('batch', door.invoke, traces)
  const mappings = startMappings({
    ...options,
    shares: openShares(options),
    invoke,
    ...openStreamMappings({ ...options, invoke }),
  })
  metrics.watchMappings(mappings.figures)
  const watch = openReserveWatch(options, eventLanes)
  const clock = openTimerClock(options)
  metrics.watch({
    events: eventLanes.counts,
    deliveries: deliveryLanes.counts,
    timers: clock.waiting,
  })
  return {
    metrics: metrics.text,
    async close() {
      watch.close()
      const lanes = [eventLanes.close(), deliveryLanes.close()]
      await Promise.all([mappings.close(), clock.close(), ...lanes])
      destinations.close()
    },
  }
}
