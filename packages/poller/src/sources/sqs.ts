// Amazon SQS, standard and FIFO, or any server that speaks it. Records are AWS's to the byte. What
// failed comes back when the queue's own visibility timeout says, and goes to the queue's own
// dead-letter queue by its own redrive policy; nothing here counts attempts or deletes unasked.

import { setTimeout as sleep } from 'node:timers/promises'
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type Message,
  type QueueAttributeName,
  QueueDoesNotExist,
  ReceiveMessageCommand,
  SQSClient,
  SQSServiceException,
} from '@aws-sdk/client-sqs'
import type { SourceAnswer } from '@hearth/bus/messages'
import { placeOf } from './aws-source.ts'
import { filterDataOf } from './filter-data.ts'
import { type QueueRecord, type QueueSource, refusal, type SourceOptions } from './source.ts'

/** SQS's own limit for every batch action. */
const BATCH_MAX = 10
/**
 * A poll is never cut off, because some servers would go on and hand out messages to nobody; so it
 * is short enough to wait for when the work is handed on. SQS allows 20.
 */
const WAIT_SECONDS_MAX = 5
/** SQS's own limit; with it a message can be kept away for twelve hours in all. */
const VISIBILITY_SECONDS_MAX = 43_200
const CONNECT_MS = 5_000
const ANSWER_MS = (WAIT_SECONDS_MAX + 10) * 1000
/** Lanes poll at the same time, and each wants a connection. */
const CONNECTIONS_MAX = 1_100
const ATTRIBUTES_KEPT_MS = 30_000
const DELETE_ATTEMPTS = 4
const AGAIN_MS = 100

export async function openSqs(options: SourceOptions): Promise<QueueSource> {
  const client = createClient(options)
  try {
    return await openQueue(client, options)
  } catch (error) {
    client.destroy()
    throw error
  }
}

/** Whether the queue can be read, in AWS's own words where it cannot. */
export async function judgeSqs(options: SourceOptions): Promise<SourceAnswer> {
  const client = createClient(options)
  try {
    const queueUrl = await findQueue(client, options.mapping.sourceArn ?? '')
    await client.send(
      new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['QueueArn'] }),
    )
    return { usable: true }
  } catch (error) {
    if (!(error instanceof SQSServiceException)) return { unknown: `SQS does not answer: ${error}` }
    const [code, message] =
      error instanceof QueueDoesNotExist
        ? ['AWS.SimpleQueueService.NonExistentQueue', 'The specified queue does not exist.']
        : [error.name, error.message]
    return refusal(
      `Error occurred while ReceiveMessage. SQS Error Code: ${code}. SQS Error Message: ${message}`,
    )
  } finally {
    client.destroy()
  }
}

function createClient(options: SourceOptions): SQSClient {
  const place = placeOf(options, 'sqs')
  return new SQSClient({
    ...place,
    // A server of one's own may name its queues by an address that only it understands.
    ...('endpoint' in place && { useQueueUrlAsEndpoint: false }),
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      requestTimeout: ANSWER_MS,
      httpAgent: { maxSockets: CONNECTIONS_MAX },
      httpsAgent: { maxSockets: CONNECTIONS_MAX },
    },
  })
}

async function findQueue(client: SQSClient, arn: string): Promise<string> {
  const [, , , , account, name] = arn.split(':')
  const { QueueUrl } = await client.send(
    new GetQueueUrlCommand({
      QueueName: name,
      ...(account && { QueueOwnerAWSAccountId: account }),
    }),
  )
  if (QueueUrl === undefined) throw new Error(`SQS names no address of ${arn}`)
  return QueueUrl
}

interface Queue {
  QueueUrl: string
}

async function openQueue(client: SQSClient, options: SourceOptions): Promise<QueueSource> {
  const arn = options.mapping.sourceArn ?? ''
  const queue = { QueueUrl: await findQueue(client, arn) }
  const attribute = async (name: QueueAttributeName) => {
    const { Attributes } = await client.send(
      new GetQueueAttributesCommand({ ...queue, AttributeNames: [name] }),
    )
    return Number(Attributes?.[name] ?? 0)
  }
  const visibility = kept(() => attribute('VisibilityTimeout'))
  await visibility()
  const hiding = createHiding(client, queue, visibility)
  return {
    async receive({ max, waitMs, signal }) {
      if (signal.aborted) return []
      const askedAt = Date.now()
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({
          ...queue,
          MaxNumberOfMessages: Math.min(max, BATCH_MAX),
          WaitTimeSeconds: Math.min(Math.floor(waitMs / 1000), WAIT_SECONDS_MAX),
          // The newer name and the older: servers other than AWS's may know one of them.
          MessageSystemAttributeNames: ['All'],
          AttributeNames: ['All'],
          MessageAttributeNames: ['All'],
        }),
      )
      await hiding.begin(Messages, askedAt)
      return Messages.map((message) => recordOf(message, arn))
    },

    async settle(records) {
      hiding.forget(records)
      await Promise.all(chunksOf(records).map((chunk) => deleteChunk(client, queue, chunk)))
    },

    async release(records, why) {
      await hiding.end(records, why)
      hiding.forget(records)
    },

    extend: hiding.extend,
    backlog: () => attribute('ApproximateNumberOfMessages'),
    close: async () => client.destroy(),
  }
}

/** For how long messages that are held stay hidden, so that SQS is told only what it must be. */
function createHiding(client: SQSClient, queue: Queue, visibility: () => Promise<number>) {
  /** When each was received and comes back by itself, by its handle. */
  const held = new Map<string, { receivedAt: number; hiddenUntil: number }>()
  const hide = async (records: readonly QueueRecord[], secondsOf: (handle: string) => number) => {
    for (const chunk of chunksOf(records)) {
      const Entries = chunk.map(({ handle }, index) => ({
        Id: String(index),
        ReceiptHandle: handle,
        VisibilityTimeout: Math.min(secondsOf(handle), VISIBILITY_SECONDS_MAX),
      }))
      // What has come back already cannot be hidden any more; it is handed out again.
      await client.send(new ChangeMessageVisibilityBatchCommand({ ...queue, Entries }))
      const now = Date.now()
      for (const { ReceiptHandle, VisibilityTimeout } of Entries) {
        const entry = held.get(ReceiptHandle)
        if (entry) entry.hiddenUntil = now + VisibilityTimeout * 1000
      }
    }
  }
  return {
    async begin(messages: readonly Message[], askedAt: number): Promise<void> {
      if (messages.length === 0) return
      const seconds = await visibility()
      // Taken a little too early, for what comes back later than we think is hidden needlessly.
      const receivedAt = Math.max(askedAt, Date.now() - 1000)
      for (const { ReceiptHandle = '' } of messages) {
        held.set(ReceiptHandle, { receivedAt, hiddenUntil: receivedAt + seconds * 1000 })
      }
    },

    async extend(records: readonly QueueRecord[], seconds: number): Promise<void> {
      const until = Date.now() + (seconds * 1000 * 2) / 3
      const short = records.filter(({ handle }) => (held.get(handle)?.hiddenUntil ?? 0) < until)
      await hide(short, () => seconds)
    },

    /** Back when the queue would have had it back, or at once. */
    async end(records: readonly QueueRecord[], why: 'failed' | 'untried'): Promise<void> {
      const [now, seconds] = [Date.now(), await visibility()]
      const blocked = new Set<string>()
      const due = new Map<string, number>()
      for (const { handle, group } of records) {
        const entry = held.get(handle)
        // One that waits holds up its group; those behind it need not wait by themselves, and
        // would come first on servers that look at each message alone.
        const waits = why === 'failed' && !(group !== undefined && blocked.has(group))
        if (group !== undefined) blocked.add(group)
        const wanted = waits && entry ? entry.receivedAt + seconds * 1000 : now
        if (!entry || Math.abs(entry.hiddenUntil - wanted) <= 1000) continue
        due.set(handle, Math.max(0, Math.ceil((wanted - now) / 1000)))
      }
      const late = records.filter(({ handle }) => due.has(handle))
      await hide(late, (handle) => due.get(handle) ?? 0)
    },

    forget(records: readonly QueueRecord[]): void {
      for (const { handle } of records) held.delete(handle)
    },
  }
}

async function deleteChunk(
  client: SQSClient,
  queue: Queue,
  records: readonly QueueRecord[],
): Promise<void> {
  let left = records
  for (let attempt = 1; ; attempt += 1) {
    const { Failed = [] } = await client.send(
      new DeleteMessageBatchCommand({
        ...queue,
        Entries: left.map(({ handle }, index) => ({ Id: String(index), ReceiptHandle: handle })),
      }),
    )
    if (Failed.length === 0) return
    const failed = new Set(Failed.map(({ Id }) => Number(Id)))
    left = left.filter((_, index) => failed.has(index))
    if (attempt === DELETE_ATTEMPTS || Failed.every(({ SenderFault }) => SenderFault)) {
      throw new Error(`SQS did not delete ${left.length} messages: ${Failed[0]?.Message}`)
    }
    await sleep(AGAIN_MS * 2 ** attempt)
  }
}

/** AWS's record of a message (docs: with-sqs). */
function recordOf(message: Message, arn: string): QueueRecord {
  const { Attributes = {}, Body = '', MessageId = '', ReceiptHandle = '' } = message
  const [, , , awsRegion = ''] = arn.split(':')
  // Servers other than AWS's may name an attribute that the message does not have.
  const attributes = Object.fromEntries(
    Object.entries(Attributes).filter(([, value]) => typeof value === 'string'),
  )
  const event = {
    messageId: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body,
    attributes,
    messageAttributes: attributesOf(message),
    md5OfMessageAttributes: message.MD5OfMessageAttributes ?? null,
    md5OfBody: message.MD5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN: arn,
    awsRegion,
  }
  const group = attributes.MessageGroupId
  return {
    id: MessageId,
    handle: ReceiptHandle,
    event,
    filtered: { ...event, body: filterDataOf(Body) },
    size: Buffer.byteLength(JSON.stringify(event)),
    ...(arn.endsWith('.fifo') && group !== undefined && { group }),
  }
}

function attributesOf({ MessageAttributes = {} }: Message): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(MessageAttributes).map(([name, value]) => [
      name,
      {
        ...(value.StringValue !== undefined && { stringValue: value.StringValue }),
        ...(value.BinaryValue !== undefined && {
          binaryValue: Buffer.from(value.BinaryValue).toString('base64'),
        }),
        stringListValues: [],
        binaryListValues: [],
        dataType: value.DataType,
      },
    ]),
  )
}

function chunksOf<T>(items: readonly T[]): T[][] {
  const chunks: T[][] = []
  for (let at = 0; at < items.length; at += BATCH_MAX) chunks.push(items.slice(at, at + BATCH_MAX))
  return chunks
}

/**
 * The last answer, asked for anew when it is old, since an operator may change a queue at any time;
 * an old one is better than none.
 */
function kept(ask: () => Promise<number>): () => Promise<number> {
  let answer: { at: number; value: number } | undefined
  return async () => {
    if (!answer || performance.now() - answer.at > ATTRIBUTES_KEPT_MS) {
      const value = await ask().catch((error) => {
        if (answer) return answer.value
        throw error
      })
      answer = { value, at: performance.now() }
    }
    return answer.value
  }
}
