// Deliveries: what became of an event or a batch, on its way to a destination or a dead-letter
// queue, one at a time and each at most a few seconds long. Who asks keeps the delivery until it is
// told how this went, and decides whether to try again; nothing is remembered here but clients.

import type { Announce } from '@hearth/bus/announcements'
import type { Delivery } from '@hearth/bus/messages'
import type { AsyncEvent } from '@hearth/core/async-event'
import { type Target, targetOf } from '@hearth/core/destination'
import type { Functions } from '@hearth/store/functions'
import type { AwsAccess } from '../sources/source.ts'
import { failureOf } from './failure.ts'

/** `permanent`: trying again cannot help. */
export type Delivered = 'delivered' | { failed: string; permanent: boolean }

/** Where webhooks may go, and how they are signed. */
export interface WebhookRules {
  /** As Standard Webhooks writes them; several while one replaces another. None: not signed. */
  secrets: readonly string[]
  /** Private networks and plain HTTP that an operator allows. */
  allow: readonly { host: string; port?: number }[]
  /** Certificates of authorities to trust beside the usual ones, in PEM. */
  authorities?: string
}

export interface DestinationParts {
  aws: AwsAccess
  /** As store/events puts one: of several with one request id the first is kept. */
  enqueue(event: AsyncEvent, payload: Uint8Array): Promise<void>
  functions: Pick<Functions, 'cached'>
  announce: Announce
  webhooks: WebhookRules
}

/** Delivers to one kind of target. Whatever it throws is a failure of this try. */
export interface Deliverer<Kind extends Target['kind']> {
  deliver(delivery: Delivery, target: Extract<Target, { kind: Kind }>): Promise<Delivered>
  close?(): void
}

export interface Destinations {
  /** Never throws. May be called concurrently, also for one delivery. */
  deliver(delivery: Delivery): Promise<Delivered>
  close(): void
}

type Openers = { [Kind in Target['kind']]: (parts: DestinationParts) => Promise<Deliverer<Kind>> }

/** Each kind is loaded when it is first wanted: AWS's clients are large, and few want them all. */
const OPENERS: Openers = {
  events: async ({ aws }) => (await import('./event-bus.ts')).openEventBuses(aws),
  lambda: async (parts) => (await import('./function.ts')).openFunctions(parts),
  s3: async ({ aws }) => (await import('./bucket.ts')).openBuckets(aws),
  sns: async ({ aws }) => (await import('./topic.ts')).openTopics(aws),
  sqs: async ({ aws }) => (await import('./queue.ts')).openQueues(aws),
  subject: async (parts) => (await import('./subject.ts')).openSubjects(parts),
  webhook: async ({ webhooks }) => (await import('./webhook.ts')).openWebhooks(webhooks),
}

export function openDestinations(parts: DestinationParts): Destinations {
  const opened = new Map<Target['kind'], Promise<Deliverer<Target['kind']>>>()
  const delivererOf = (kind: Target['kind']) => {
    const known = opened.get(kind)
    if (known) return known
    const opening = OPENERS[kind](parts) as Promise<Deliverer<Target['kind']>>
    opened.set(kind, opening)
    return opening
  }
  let isClosed = false
  return {
    async deliver(delivery) {
      const target = targetOf(delivery.target)
      if (!target) return never(`${delivery.target} is no destination that Hearth knows.`)
      if (isClosed) return { failed: 'Hearth is stopping.', permanent: false }
      try {
        return await (await delivererOf(target.kind)).deliver(delivery, target)
      } catch (error) {
        return failureOf(error)
      }
    },
    close() {
      isClosed = true
      for (const opening of opened.values()) void opening.then((one) => one.close?.())
    },
  }
}

/** Trying again cannot help. */
export const never = (failed: string): Delivered => ({ failed, permanent: true })
