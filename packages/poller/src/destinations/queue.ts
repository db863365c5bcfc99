// Queues of SQS as targets: the record, or the event of a dead letter, is the message's body. A
// standard queue cannot tell a second try from a second message, so a try whose answer was lost may
// leave two; AWS delivers to standard queues alone, and so does this.

import { GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { Target } from '@hearth/core/destination'
import type { AwsAccess } from '../sources/source.ts'
import { byRegion, clientOptions, withinTime } from './aws-client.ts'
import { attributesOf, sizeOf } from './dead-letter.ts'
import { type Deliverer, never } from './destination.ts'

type Queue = Extract<Target, { kind: 'sqs' }>

/** SQS quotas: a message with its attributes, in bytes. */
const MESSAGE_BYTES_MAX = 1_048_576
const ADDRESSES_MAX = 1_000

export function openQueues(aws: AwsAccess): Deliverer<'sqs'> {
  const isElsewhere = aws.endpoint('sqs') !== undefined
  const clients = byRegion(
    (region) =>
      new SQSClient({
        ...clientOptions(aws, 'sqs', region),
        // A compatible server may name its queues by a host that only it can reach.
        useQueueUrlAsEndpoint: !isElsewhere,
      }),
  )
  const addresses = new Map<string, string>()

  const addressOf = async ({ arn, region, account, name }: Queue): Promise<string> => {
    const known = addresses.get(arn)
    if (known) return known
    const { QueueUrl = '' } = await clients
      .of(region)
      .send(
        new GetQueueUrlCommand({ QueueName: name, QueueOwnerAWSAccountId: account }),
        withinTime(),
      )
    if (addresses.size >= ADDRESSES_MAX) addresses.clear()
    addresses.set(arn, QueueUrl)
    return QueueUrl
  }

  return {
    async deliver(delivery, queue) {
      if (queue.isFifo) return never('Lambda delivers to standard queues, and this is FIFO.')
      const { body, traceId } = delivery
      const attributes = attributesOf(delivery)
      if (Buffer.byteLength(body) + sizeOf(attributes) > MESSAGE_BYTES_MAX) {
        return never(`A message of SQS has ${MESSAGE_BYTES_MAX} bytes at most.`)
      }
      const message = new SendMessageCommand({
        QueueUrl: await addressOf(queue),
        MessageBody: body,
        MessageAttributes: attributes,
        // A function that reads the queue is part of the same chain.
        ...(traceId !== undefined && {
          MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: traceId } },
        }),
      })
      try {
        await clients.of(queue.region).send(message, withinTime())
      } catch (error) {
        // It may have been deleted and made anew elsewhere.
        addresses.delete(queue.arn)
        throw error
      }
      return 'delivered'
    },
    close: clients.close,
  }
}
