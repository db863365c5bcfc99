// NATS JetStream streams of the operator's, on Hearth's own servers or on others: a durable pull
// consumer for each mapping, every record acknowledged by itself. It works on streams of limits,
// of interest and of work; Hearth's own streams are refused. The record's shape is Hearth's:
// `{ eventSource: 'hearth:jetstream', eventSourceARN, awsRegion, stream, subject, sequence, time,
// headers, data, deliveryCount }`, with data in base64.

import { isOwnStream, type SourceAnswer } from '@hearth/bus/messages'
import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
} from '@nats-io/jetstream'
import { connect, createInbox, type Msg, type NatsConnection } from '@nats-io/transport-node'
import { filterDataOf } from './filter-data.ts'
import { type QueueRecord, type QueueSource, refusal, type SourceOptions } from './source.ts'

/** Time after which a record that nobody speaks of is handed out again. */
const ACK_WAIT_MS = 30_000
const ACKS_PENDING_MAX = 20_000
const ACK_TIMEOUT_MS = 10_000
/** What an answer may take on top of the time that it was to wait. */
const ANSWER_MS = 5_000
const AGAIN_MS = 1_000
const AGAIN_MS_MAX = 60_000
const RECONNECT_WAIT_MS = 500
const NANOSECONDS = 1_000_000
/** What the server says when a pull is over, as statuses of HTTP: nothing there, or time is up. */
const NOTHING_THERE = [404, 408]
const CONFLICT = 409
/** JetStream's code. */
const STREAM_NOT_FOUND = 10059

/** `arn:aws-hearth:jetstream:<region>:<account>:<STREAM>[/<subject filter>]`, or a topic's name. */
function placeOf({ mapping, natsUrl }: SourceOptions) {
  const own = mapping.selfManaged
  const resource = mapping.sourceArn?.split(':').slice(5).join(':') ?? own?.topics[0] ?? ''
  const slash = resource.indexOf('/')
  const servers = own?.endpoints.NATS_SERVERS
  return {
    stream: slash < 0 ? resource : resource.slice(0, slash),
    filter: slash < 0 ? undefined : resource.slice(slash + 1),
    consumer: own?.consumerGroupId ?? `hearth-${mapping.uuid}`,
    servers: servers ?? natsUrl.split(','),
    isHearths: servers === undefined,
  }
}

/** Whether the stream can be read. */
export async function judgeJetStream(options: SourceOptions): Promise<SourceAnswer> {
  const { stream, filter, consumer, isHearths } = placeOf(options)
  if (isHearths && isOwnStream(stream)) return refusal(ownStream(stream))
  try {
    return await withManager(options, async (manager) => {
      const info = await manager.streams.info(stream).catch(unlessMissing)
      if (!info) return refusal(`Stream not found: ${options.mapping.sourceArn ?? stream}`)
      if (info.config.retention !== RetentionPolicy.Workqueue) return { usable: true }
      const others = await manager.consumers.list(stream).next()
      const rival = others.find(
        ({ name, config }) =>
          name !== consumer && (filter === undefined || config.filter_subject === undefined),
      )
      return rival
        ? refusal(`The work-queue stream ${stream} already has the consumer ${rival.name}.`)
        : { usable: true }
    })
  } catch (error) {
    return { unknown: `NATS does not answer: ${error}` }
  }
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND) return undefined
  throw error
}

const ownStream = (stream: string) =>
  `The stream ${stream} is Hearth's own and cannot be an event source.`

/** Removes what the mapping left on the server, so that a stream keeps nothing for it. */
export async function removeJetStream(options: SourceOptions): Promise<void> {
  const { stream, consumer } = placeOf(options)
  await withManager(options, async (manager) => {
    const names = await manager.streams.info(stream).then(
      () => manager.consumers.list(stream).next(),
      () => [],
    )
    if (names.some(({ name }) => name === consumer))
      await manager.consumers.delete(stream, consumer)
  })
}

async function withManager<R>(
  options: SourceOptions,
  use: (manager: JetStreamManager) => Promise<R>,
): Promise<R> {
  const connection = await dial(options, 5)
  try {
    return await use(await jetstreamManager(connection))
  } finally {
    await connection.close()
  }
}

/** @param attempts -1 is without end. */
function dial(options: SourceOptions, attempts: number): Promise<NatsConnection> {
  const { servers } = placeOf(options)
  const urls = servers.map((server) => new URL(/:\/\//.test(server) ? server : `nats://${server}`))
  const [{ username = '', password = '' } = {}] = urls
  return connect({
    servers: urls.map(({ protocol, host }) => `${protocol}//${host}`),
    name: `hearth-source-${options.mapping.uuid}`,
    ...(username && { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
    maxReconnectAttempts: attempts,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    noAsyncTraces: true,
  })
}

export async function openJetStream(options: SourceOptions): Promise<QueueSource> {
  const place = placeOf(options)
  if (place.isHearths && isOwnStream(place.stream)) {
    throw new Error(ownStream(place.stream))
  }
  const connection = await dial(options, -1)
  try {
    const manager = await jetstreamManager(connection)
    await openConsumer(manager, options)
    return sourceOf(connection, manager, options)
  } catch (error) {
    await connection.close()
    throw error
  }
}

async function openConsumer(manager: JetStreamManager, options: SourceOptions): Promise<void> {
  const { stream, filter, consumer } = placeOf(options)
  const settings = {
    ack_wait: ACK_WAIT_MS * NANOSECONDS,
    max_ack_pending: ACKS_PENDING_MAX,
    ...(filter !== undefined && { filter_subject: filter }),
  }
  const existing = await manager.consumers.info(stream, consumer).catch(() => undefined)
  if (existing) {
    await manager.consumers.update(stream, consumer, settings)
    return
  }
  const { config } = await manager.streams.info(stream)
  await manager.consumers.add(stream, {
    ...settings,
    durable_name: consumer,
    ack_policy: AckPolicy.Explicit,
    // A stream of work hands out all that is there: the server takes no other beginning.
    ...(config.retention === RetentionPolicy.Workqueue
      ? { deliver_policy: DeliverPolicy.All }
      : beginning(options)),
  })
}

function beginning({ mapping }: SourceOptions) {
  if (mapping.startingPosition === 'LATEST') return { deliver_policy: DeliverPolicy.New }
  if (mapping.startingPosition !== 'AT_TIMESTAMP') return { deliver_policy: DeliverPolicy.All }
  return {
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: new Date(mapping.startingTimestamp ?? 0).toISOString(),
  }
}

function sourceOf(
  connection: NatsConnection,
  manager: JetStreamManager,
  options: SourceOptions,
): QueueSource {
  const { stream, consumer } = placeOf(options)
  const next = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`
  const ask = (request: PullRequest, signal: AbortSignal) =>
    pull(connection, { subject: next, request, signal })
  return {
    async receive({ max, waitMs, signal }) {
      const ready = await ask({ batch: max, no_wait: true }, signal)
      if (ready.length > 0 || signal.aborted || waitMs <= 0) return ready.map(read)
      const [first] = await ask({ batch: 1, expires: Math.ceil(waitMs) * NANOSECONDS }, signal)
      if (!first) return []
      const more = max > 1 ? await ask({ batch: max - 1, no_wait: true }, signal) : []
      return [first, ...more].map(read)
    },
    async settle(records) {
      const acks = await Promise.allSettled(
        records.map(({ handle }) =>
          connection.request(handle, '+ACK', { timeout: ACK_TIMEOUT_MS }),
        ),
      )
      const failed = acks.filter(({ status }) => status === 'rejected')
      if (failed.length > 0) throw new Error(`NATS did not take ${failed.length} acknowledgements`)
    },
    async release(records, why) {
      for (const { handle } of records) {
        const delay = why === 'untried' ? 0 : againMs(delivery(handle).count)
        const how = delay > 0 ? ` ${JSON.stringify({ delay: delay * NANOSECONDS })}` : ''
        connection.publish(handle, `-NAK${how}`)
      }
      await connection.flush()
    },
    async extend(records) {
      for (const { handle } of records) connection.publish(handle, '+WPI')
      await connection.flush()
    },
    backlog: async () => (await manager.consumers.info(stream, consumer)).num_pending,
    close: () => connection.close(),
  }

  function read(message: Msg): QueueRecord {
    return recordOf(message, options)
  }
}

interface PullRequest {
  batch: number
  no_wait?: true
  /** Nanoseconds. */
  expires?: number
}

/**
 * One pull, to its end. When it is given up the server sees that nobody listens any more, and hands
 * nothing out. @throws Error when the consumer is gone.
 */
function pull(
  connection: NatsConnection,
  { subject, request, signal }: { subject: string; request: PullRequest; signal: AbortSignal },
): Promise<Msg[]> {
  return new Promise((resolve, reject) => {
    const taken: Msg[] = []
    const reply = createInbox()
    const finish = (error?: Error) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abandon)
      subscription.unsubscribe()
      if (error && taken.length === 0) reject(error)
      else resolve(taken)
    }
    const abandon = () => finish()
    const subscription = connection.subscribe(reply, {
      callback: (error, message) => {
        if (error) return finish(error)
        const code = message.headers?.code ?? 0
        if (code === 0 || message.reply?.startsWith('$JS.ACK')) taken.push(message)
        else if (NOTHING_THERE.includes(code)) return finish()
        else if (code >= CONFLICT) return finish(conflict(message))
        if (taken.length >= request.batch) finish()
      },
    })
    const timer = setTimeout(finish, (request.expires ?? 0) / NANOSECONDS + ANSWER_MS)
    signal.addEventListener('abort', abandon)
    if (signal.aborted) return finish()
    connection.publish(subject, JSON.stringify(request), { reply })
  })
}

/** Too many records without an answer is a reason to wait; everything else is one to begin anew. */
function conflict({ headers }: Msg): Error | undefined {
  const words = headers?.description ?? ''
  if (/MaxAckPending|Leadership|Shutdown/i.test(words)) return undefined
  return new Error(`JetStream: ${headers?.code} ${words}`)
}

/** What the reply subject of a record says, in either of its two forms. */
function delivery(reply: string) {
  const parts = reply.split('.')
  const at = parts.length > 9 ? 6 : 4
  return {
    count: Number(parts[at]),
    sequence: parts[at + 1] ?? '',
    timeMs: Math.floor(Number(BigInt(parts[at + 3] ?? '0') / BigInt(NANOSECONDS))),
  }
}

const againMs = (deliveries: number) =>
  Math.min(AGAIN_MS * 2 ** Math.min(deliveries - 1, 10), AGAIN_MS_MAX)

function recordOf(message: Msg, options: SourceOptions): QueueRecord {
  const { mapping, region } = options
  const handle = message.reply ?? ''
  const { count, sequence, timeMs } = delivery(handle)
  const headers = message.headers
  const event = {
    eventSource: 'hearth:jetstream',
    ...(mapping.sourceArn !== undefined && { eventSourceARN: mapping.sourceArn }),
    awsRegion: region,
    stream: placeOf(options).stream,
    subject: message.subject,
    sequence: Number(sequence),
    time: new Date(timeMs).toISOString(),
    headers: Object.fromEntries(
      (headers?.keys() ?? []).map((name) => [name, headers?.values(name) ?? []]),
    ),
    data: Buffer.from(message.data).toString('base64'),
    deliveryCount: count,
  }
  return {
    id: sequence,
    handle,
    event,
    filtered: { ...event, data: filterDataOf(Buffer.from(message.data).toString()) },
    size: Buffer.byteLength(JSON.stringify(event)),
  }
}
