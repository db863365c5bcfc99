// What is on its way to destinations and dead-letter queues: put here before its event is done
// with, and kept until the destination has it. Each destination has a lane of its own, so that one
// that is down keeps nothing from the others.

import { type Delivery, deliverySubject, STREAMS, SUBJECTS } from '@hearth/bus/messages'
import type { Queues } from '@hearth/bus/queues'
import type { Requests } from '@hearth/bus/requests'
import { laneKey } from './lane-key.ts'

export interface Deliveries {
  /** Resolves once the disk has it. @throws ServiceError when the queue cannot take it. */
  put(delivery: Delivery): Promise<void>
  streams: readonly string[]
}

const BYTES_MAX = 1024 * 1024 * 1024
const PER_DESTINATION_MAX = 100_000

export async function openDeliveries(
  queues: Queues,
  requests: Pick<Requests, 'publish'>,
): Promise<Deliveries> {
  const { name: stream } = STREAMS.deliveries
  await queues.open({
    ...STREAMS.deliveries,
    bytesMax: BYTES_MAX,
    perSubjectMax: PER_DESTINATION_MAX,
  })
  return {
    async put(delivery) {
      const subject = deliverySubject(laneKey(delivery.account, delivery.target))
      const data = Buffer.from(JSON.stringify(delivery))
      await queues.enqueue(stream, { subject, data, id: delivery.id })
      requests.publish(SUBJECTS.bell, { stream, subject })
    },
    streams: [stream],
  }
}
