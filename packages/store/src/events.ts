// The queue of asynchronous events: an event that was put here stays until somebody is done with
// it. Each function has a lane of its own on one of several streams, so that a flood of one delays
// no other, and one disk's turn serves many.

import { encode } from '@hearth/bus/envelope'
import { eventSubject, STREAMS, SUBJECTS } from '@hearth/bus/messages'
import type { Queues } from '@hearth/bus/queues'
import type { Requests } from '@hearth/bus/requests'
import type { AsyncEvent } from '@hearth/core/async-event'
import { laneKey } from './lane-key.ts'

export interface Events {
  /**
   * Resolves once the disk has it.
   * @throws ServiceError TooManyRequestsException when too many events of this function wait,
   * ServiceUnavailableException when the queue cannot take it.
   */
  put(event: AsyncEvent, payload: Uint8Array): Promise<void>
  /** How many wait or are being worked on, by lane; not those that wait for a retry. */
  waiting(): Promise<Record<string, number>>
  /** The streams on which events wait. */
  streams: readonly string[]
}

const SHARDS = 8
const BYTES_MAX = 512 * 1024 * 1024
/** Events of one function that may wait; the next is refused. */
const PER_FUNCTION_MAX = 100_000

export async function openEvents(
  queues: Queues,
  requests: Pick<Requests, 'publish'>,
): Promise<Events> {
  const shards = Array.from({ length: SHARDS }, (_, shard) => STREAMS.events(shard))
  const limits = { bytesMax: BYTES_MAX, perSubjectMax: PER_FUNCTION_MAX }
  await Promise.all(shards.map((stream) => queues.open({ ...stream, ...limits })))
  return {
    async put(event, payload) {
      const lane = laneKey(event.account, event.functionName)
      const shard = Number.parseInt(lane.slice(0, 4), 16) % SHARDS
      const { name: stream } = STREAMS.events(shard)
      const subject = eventSubject(shard, lane)
      const id = `${event.requestId}#${event.attempt}`
      await queues.enqueue(stream, { subject, data: encode(event, payload), id })
      requests.publish(SUBJECTS.bell, { stream, subject })
    },
    async waiting() {
      const backlogs = await Promise.all(shards.map(({ name }) => queues.backlog(name)))
      const counts = backlogs.flatMap(({ subjects }) => Object.entries(subjects))
      return Object.fromEntries(
        counts.map(([subject, count]) => [subject.split('.')[2] ?? '', count]),
      )
    },
    streams: shards.map(({ name }) => name),
  }
}
