// What is done with one delivery: it is tried until its destination has it, a second apart at
// first and five minutes at last. One that can never arrive, or could not for a day, is kept with
// the dead letters.

import type { DeadLetter, Delivery } from '@hearth/bus/messages'
import type { Taken } from '@hearth/bus/queues'
import type { DeadLetters } from '@hearth/store/dead-letters'
import { readDelivery } from '@hearth/store/deliveries'
import type { Destinations } from './destinations/destination.ts'
import type { Handled } from './lane.ts'

export interface DeliveryWorkParts {
  destinations: Pick<Destinations, 'deliver'>
  deadLetters: Pick<DeadLetters, 'bury'>
  counted(what: DeliveryCount, as: Delivery['as']): void
  report(problem: string): void
}

export type DeliveryCount = 'delivered' | 'postponed' | 'undeliverable'

const TRIED_MS_MAX = 24 * 3_600_000

export function openDeliveryWork(parts: DeliveryWorkParts): (taken: Taken) => Promise<Handled> {
  return async (taken) => {
    const delivery = readDelivery(taken.data)
    const outcome = await parts.destinations.deliver(delivery)
    if (outcome === 'delivered') {
      parts.counted('delivered', delivery.as)
      return 'done'
    }
    const giveUpAt = delivery.createdAt + TRIED_MS_MAX
    if (!outcome.permanent && Date.now() < giveUpAt) {
      parts.counted('postponed', delivery.as)
      return { later: true, until: giveUpAt }
    }
    parts.report(
      `${shown(delivery.target)} could not be told of ${delivery.requestId}: ${outcome.failed}`,
    )
    const letter = letterOf(delivery, outcome.failed)
    await parts.deadLetters.bury(letter, Buffer.from(delivery.body))
    parts.counted('undeliverable', delivery.as)
    return 'done'
  }
}

/** A webhook's path may hold its key, and a log is no place for one. */
const shown = (target: string) => (target.startsWith('http') ? new URL(target).origin : target)

function letterOf(delivery: Delivery, failed: string): DeadLetter {
  const { body: _, ...told } = delivery
  const { account, functionName, requestId, functionArn: invokedArn, createdAt } = told
  return {
    event: { requestId, account, functionName, invokedArn, acceptedAt: createdAt, attempt: 1 },
    delivery: told,
    reason: `${shown(delivery.target)} could not be told: ${failed}`,
    at: Date.now(),
  }
}
