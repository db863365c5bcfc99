// Messages for subjects that are not Hearth's own, whose streams others made and others read. One
// is told as stored only when such a stream has it, and the stream knows a repetition by its id.

import { ServiceError } from '@hearth/core/error'
import { headers } from '@nats-io/transport-node'
import { type Bus, requireConnected } from './connect.ts'

export interface Announcement {
  subject: string
  data: Uint8Array
  /** Of several with one id a stream keeps the first, for as long as its own window says. */
  id: string
  headers: Readonly<Record<string, string>>
}

/** @throws ServiceError ServiceUnavailableException while NATS is away or no stream takes it. */
export type Announce = (message: Announcement) => Promise<void>

export function createAnnounce(bus: Bus): Announce {
  return async ({ subject, data, id, headers: texts }) => {
    requireConnected(bus)
    const lines = headers()
    for (const [name, text] of Object.entries(texts)) lines.set(name, text)
    try {
      await bus.jetstream.publish(subject, data, { msgID: id, headers: lines })
    } catch (cause) {
      // The client's word, by a class that it does not give out, for a subject without a stream.
      if ((cause as Error).name !== 'JetStreamNotEnabled') throw cause
      throw new ServiceError(
        'ServiceUnavailableException',
        `No stream of JetStream keeps the subject ${subject}.`,
        { cause },
      )
    }
  }
}
