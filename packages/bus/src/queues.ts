// Work queues in JetStream: what is enqueued is on the disk when enqueue() resolves, and stays
// until somebody has done it. Each subject of a stream is a lane of its own, so nobody waits
// behind another's backlog. Messages that wait for the same stream are stored together, in one
// turn of the disk. Whoever takes one may die: it is handed out again.

import { ServiceError } from '@hearth/core/error'
import {
  AckPolicy,
  type Consumer,
  DiscardPolicy,
  JetStreamApiError,
  type JsMsg,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream'
import { type Bus, requireConnected } from './connect.ts'
import { Crowded, openGroupCommit } from './group-commit.ts'

export interface QueueOptions {
  name: string
  subjects: string
  bytesMax: number
  /** So many may wait on one subject; the next is refused. */
  perSubjectMax: number
}

/** One message in our hands. */
export interface Taken {
  subject: string
  data: Uint8Array
  /** 1 the first time; more when somebody before us did not finish. */
  deliveries: number
  /** It is done: resolves when nobody will be handed it again. */
  done(): Promise<void>
  /** Still at it: keeps it from being handed to others for half a minute more. */
  working(): void
  /** For somebody else, at once. */
  giveBack(): void
  /** Whether nobody else can have been handed it meanwhile, as far as our own clock knows. */
  isOurs(): boolean
}

export interface Lane {
  /** Up to `max` messages as they come, for about a second. */
  take(max: number): AsyncIterable<Taken>
}

export interface Queues {
  /** Makes the queue, or brings its limits up to date. */
  open(options: QueueOptions): Promise<void>
  /**
   * Resolves once the disk has it; of several with the same id within ten minutes one is kept.
   * @throws ServiceError TooManyRequestsException when the subject is full, or too much waits for
   * the disk in this process, ServiceUnavailableException when the queue is full, or nobody can
   * know whether it was stored.
   */
  enqueue(stream: string, message: { subject: string; data: Uint8Array; id: string }): Promise<void>
  /** How many callers wait for the stream's disk at this moment. */
  waiting(stream: string): number
  /** Made when it is first wanted; the server forgets it ten minutes after its last use. */
  lane(stream: string, subject: string): Promise<Lane>
  /** What waits, and what is in somebody's hands. */
  backlog(stream: string): Promise<Backlog>
}

export interface Backlog {
  /** How many messages each subject has. */
  subjects: Record<string, number>
  /** When the oldest of them was stored, in milliseconds since the epoch. */
  oldestAt?: number
}

const NANOSECONDS_PER_MS = 1_000_000
const DUPLICATES_MS = 600_000
const ACK_WAIT_MS = 30_000
const INACTIVE_MS = 600_000
/** Messages of one lane in all hands together. */
const IN_HAND_MAX = 2_000
/** The client's least time for one request. */
const TAKE_MS = 1_000
const DONE_WITHIN_MS = 30_000
const SUBJECT_FULL = /maximum messages per subject/
const STORE_RETRIES = 2

export async function createQueues(bus: Bus): Promise<Queues> {
  const manager = await bus.jetstream.jetstreamManager()
  const commits = openGroupCommit(bus.jetstream)
  return {
    async open({ name, subjects, bytesMax, perSubjectMax }) {
      const config = {
        name,
        subjects: [subjects],
        retention: RetentionPolicy.Workqueue,
        storage: StorageType.File,
        discard: DiscardPolicy.New,
        discard_new_per_subject: true,
        max_msgs_per_subject: perSubjectMax,
        max_bytes: bytesMax,
        duplicate_window: DUPLICATES_MS * NANOSECONDS_PER_MS,
        allow_atomic: true,
      }
      const existing = await manager.streams.info(name).catch(() => undefined)
      if (existing) await manager.streams.update(name, config)
      else await manager.streams.add(config)
    },

    async enqueue(stream, message) {
      requireConnected(bus)
      for (let left = STORE_RETRIES; ; left -= 1) {
        try {
          return await commits.store(stream, message)
        } catch (error) {
          // Without an answer nobody knows: the same id again is safe, and a refusal would not be.
          const isRefused = error instanceof JetStreamApiError || error instanceof Crowded
          if (isRefused || left === 0) throw refusal(error)
          requireConnected(bus)
        }
      }
    },

    waiting: commits.waiting,

    async lane(stream, subject) {
      const name = `lane-${subject.replaceAll('.', '-')}`
      await manager.consumers.add(stream, {
        durable_name: name,
        filter_subject: subject,
        ack_policy: AckPolicy.Explicit,
        ack_wait: ACK_WAIT_MS * NANOSECONDS_PER_MS,
        max_ack_pending: IN_HAND_MAX,
        inactive_threshold: INACTIVE_MS * NANOSECONDS_PER_MS,
      })
      const consumer = await bus.jetstream.consumers.get(stream, name)
      return { take: (max) => take(bus, consumer, max) }
    },

    async backlog(stream) {
      const { state } = await manager.streams.info(stream, { subjects_filter: '>' })
      const { subjects = {}, messages, first_ts: oldest } = state
      return { subjects, ...(messages > 0 && { oldestAt: Date.parse(oldest) }) }
    },
  }
}

async function* take(bus: Bus, consumer: Consumer, max: number): AsyncGenerator<Taken> {
  const messages = await consumer.fetch({ max_messages: max, expires: TAKE_MS })
  try {
    for await (const message of messages) yield taken(bus, message)
  } finally {
    messages.stop()
  }
}

function taken(bus: Bus, message: JsMsg): Taken {
  let renewedAt = performance.now()
  return {
    subject: message.subject,
    data: message.data,
    deliveries: message.info.deliveryCount,
    done: async () => void (await message.ackAck({ timeout: DONE_WITHIN_MS })),
    working() {
      message.working()
      // What is said while NATS is away is not heard in time.
      if (bus.connected()) renewedAt = performance.now()
    },
    giveBack: () => message.nak(),
    isOurs: () => performance.now() < renewedAt + ACK_WAIT_MS,
  }
}

function refusal(cause: unknown): ServiceError {
  const isFull = cause instanceof JetStreamApiError && SUBJECT_FULL.test(cause.message)
  if (isFull || cause instanceof Crowded) {
    return new ServiceError('TooManyRequestsException', 'Rate Exceeded.', {
      cause,
      members: { Reason: 'FunctionInvocationRateLimitExceeded' },
    })
  }
  return new ServiceError(
    'ServiceUnavailableException',
    'Service is unavailable: the queue did not take it.',
    { cause },
  )
}
