// For tests of deliveries: AWS's services as moto plays them, JetStream, and one delivery with what
// is said of it changed.

import {
  CreateQueueCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { createAnnounce } from '@hearth/bus/announcements'
import { type Bus, connectBus } from '@hearth/bus/connect'
import type { Delivery } from '@hearth/bus/messages'
import type { AsyncEvent } from '@hearth/core/async-event'
import { eventRecord } from '@hearth/core/destination'
import type { AwsAccess } from '../sources/source.ts'
import { type Delivered, type Destinations, openDestinations } from './destination.ts'

export const ACCOUNT = '123456789012'
export const arn = (service: string, rest: string) =>
  `arn:aws:${service}:us-east-1:${ACCOUNT}:${rest}`
export const subjectArn = (name: string) =>
  `arn:aws-hearth:jetstream-subject:us-east-1:${ACCOUNT}:${name}`
export const FUNCTION = arn('lambda', 'function:f:$LATEST')
export const TRACE = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0'

/** What is said of a dead letter; its error message is longer than AWS tells. */
export const LETTER: Partial<Delivery> = {
  as: 'dead letter',
  body: '{"the": "event"}',
  errorCode: 200,
  errorMessage: `${'é'.repeat(511)}a€`,
}
/** The first 1 KB of the message, without half of its last character. */
export const ATTRIBUTES = {
  RequestID: ['String', 'request'],
  ErrorCode: ['Number', '200'],
  ErrorMessage: ['String', `${'é'.repeat(511)}a`],
}

/** The record of an event that was given up, of this payload and answer. */
export const record = (payload = '{"a":1}') =>
  eventRecord(
    {
      requestId: 'request',
      functionArn: FUNCTION,
      condition: 'RetriesExhausted',
      invokeCount: 3,
      requestPayload: payload,
      response: { statusCode: 200, executedVersion: '$LATEST', payload },
    },
    0,
  )

export interface Neighbourhood {
  bus: Bus
  destinations: Destinations
  /** Events that were put on the queue of a function. */
  enqueued: { event: AsyncEvent; payload: string }[]
  /** What clients of the services are made with. */
  options: {
    region: string
    endpoint: string
    credentials: { accessKeyId: string; secretAccessKey: string }
  }
  deliver(target: string, about?: Partial<Delivery>): Promise<Delivered>
  /** @returns its address. */
  makeQueue(name: string, attributes?: Record<string, string>): Promise<string>
  /** All that a queue has. */
  read(queue: string): Promise<Message[]>
  close(): Promise<void>
}

export async function openNeighbourhood(
  moto: { url: string },
  nats: { url: string; monitorUrl: string },
): Promise<Neighbourhood> {
  const bus = await connectBus({ url: nats.url, monitorUrl: nats.monitorUrl })
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const options = { region: 'us-east-1', endpoint: moto.url, credentials }
  const aws: AwsAccess = { region: 'us-east-1', endpoint: () => moto.url, credentials }
  const enqueued: Neighbourhood['enqueued'] = []
  const destinations = openDestinations({
    aws,
    announce: createAnnounce(bus),
    enqueue: async (event, payload) => {
      enqueued.push({ event, payload: Buffer.from(payload).toString() })
    },
    functions: { cached: () => undefined },
    webhooks: { secrets: [], allow: [] },
  })
  let made = 0
  return {
    bus,
    destinations,
    enqueued,
    options,
    ...queuesOf(new SQSClient(options)),
    deliver(target, about = {}) {
      made += 1
      return destinations.deliver({
        id: `request-${made}.failed`,
        account: ACCOUNT,
        target,
        as: 'destination',
        condition: 'Failure',
        functionName: 'f',
        functionArn: FUNCTION,
        body: record(),
        requestId: 'request',
        createdAt: Date.UTC(2026, 1, 3, 4, 5, 6, 789),
        ...about,
      })
    },
    async close() {
      destinations.close()
      await bus.close()
    },
  }
}

function queuesOf(sqs: SQSClient): Pick<Neighbourhood, 'makeQueue' | 'read'> {
  const read = async (QueueUrl: string): Promise<Message[]> => {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['All'],
      }),
    )
    return Messages.length === 0 ? [] : [...Messages, ...(await read(QueueUrl))]
  }
  return {
    read,
    async makeQueue(QueueName, Attributes = {}) {
      const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))
      return QueueUrl ?? ''
    },
  }
}
