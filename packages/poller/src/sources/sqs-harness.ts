// Queues on a server that speaks SQS, for tests: made, filled and looked into, each of its own name
// unless a test says which.

import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  SQSClient,
} from '@aws-sdk/client-sqs'

export const REGION = 'eu-central-1'
export const ACCOUNT = '123456789012'
export const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' }

const SEND_MAX = 10

export interface TestQueue {
  url: string
  arn: string
  send(bodies: readonly string[], group?: string): Promise<void>
  /** Bodies that are there at this moment, ten at most. */
  bodies(): Promise<string[]>
  /** Messages that are there or held by somebody. */
  count(): Promise<number>
}

export interface TestSqs {
  client: SQSClient
  create(attributes?: Record<string, string>, name?: string): Promise<TestQueue>
}

export function openTestSqs(endpoint: string): TestSqs {
  const client = new SQSClient({ region: REGION, endpoint, credentials: CREDENTIALS })
  return {
    client,
    async create(attributes = {}, name = `q-${crypto.randomUUID()}`) {
      const suffix = attributes.FifoQueue ? '.fifo' : ''
      const QueueName = `${name}${suffix}`
      const { QueueUrl = '' } = await client.send(
        new CreateQueueCommand({ QueueName, Attributes: attributes }),
      )
      const attributesNow = async () => {
        const { Attributes = {} } = await client.send(
          new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
        )
        return Attributes
      }
      return {
        url: QueueUrl,
        arn: (await attributesNow()).QueueArn ?? '',
        async send(bodies, group) {
          for (let at = 0; at < bodies.length; at += SEND_MAX) {
            const Entries = bodies.slice(at, at + SEND_MAX).map((body, index) => ({
              Id: String(index),
              MessageBody: body,
              ...(group !== undefined && grouped(group)),
            }))
            await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }))
          }
        },
        async bodies() {
          const { Messages = [] } = await client.send(
            new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: SEND_MAX }),
          )
          return Messages.map(({ Body = '' }) => Body)
        },
        async count() {
          const now = await attributesNow()
          return (
            Number(now.ApproximateNumberOfMessages) +
            Number(now.ApproximateNumberOfMessagesNotVisible)
          )
        },
      }
    },
  }
}

const grouped = (group: string): Partial<SendMessageBatchRequestEntry> => ({
  MessageGroupId: group,
  MessageDeduplicationId: crypto.randomUUID(),
})
