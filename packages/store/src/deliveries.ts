// What is on its way to destinations and dead-letter queues: put here before its event is done
// with, and kept until the destination has it. Each destination has a lane of its own, so that one
// that is down keeps nothing from the others.

import { decode, encode } from '@hearth/bus/envelope'
import { type Delivery, deliverySubject, STREAMS, SUBJECTS } from '@hearth/bus/messages'
import type { Queues } from '@hearth/bus/queues'
import type { Requests } from '@hearth/bus/requests'
import { withoutPayloads } from '@hearth/core/destination'
import { laneKey } from './lane-key.ts'

export interface Deliveries {
  /** Resolves once the disk has it. @throws ServiceError when the queue cannot take it. */
  put(delivery: Delivery): Promise<void>
  streams: readonly string[]
}

const BYTES_MAX = 1024 * 1024 * 1024
const PER_DESTINATION_MAX = 100_000
/** A message of NATS has 8 MB (deploy/nats.conf), and a delivery's head goes with it. */
const BODY_BYTES_MAX = 8_000_000

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
      const data = parcelOf(delivery)
      await queues.enqueue(stream, { subject, data, id: delivery.id })
      requests.publish(SUBJECTS.bell, { stream, subject })
    },
    streams: [stream],
  }
}

/** As a delivery is kept; a record that NATS would refuse goes without its payloads. */
function parcelOf({ body, ...head }: Delivery): Uint8Array {
  const bytes = Buffer.from(body)
  return encode(head, bytes.length <= BODY_BYTES_MAX ? bytes : Buffer.from(withoutPayloads(body)))
}

/** The reverse. */
export function readDelivery(data: Uint8Array): Delivery {
  const { meta, body } = decode<Omit<Delivery, 'body'>>(data)
  return { ...meta, body: Buffer.from(body).toString() }
}
