// Topics of SNS as targets. A record that is too large loses its payloads, as on AWS; an event that
// is too large cannot be a dead letter here.

import { PublishCommand, SNSClient } from '@aws-sdk/client-sns'
import { withoutPayloads } from '@hearth/core/destination'
import type { AwsAccess } from '../sources/source.ts'
import { byRegion, clientOptions, withinTime } from './aws-client.ts'
import { attributesOf, sizeOf } from './dead-letter.ts'
import { type Deliverer, never } from './destination.ts'

/** SNS quotas: a message with its attributes, in bytes. */
const MESSAGE_BYTES_MAX = 262_144

export function openTopics(aws: AwsAccess): Deliverer<'sns'> {
  const clients = byRegion((region) => new SNSClient(clientOptions(aws, 'sns', region)))
  return {
    async deliver(delivery, topic) {
      if (topic.isFifo) return never('Lambda delivers to standard topics, and this is FIFO.')
      const attributes = attributesOf(delivery)
      const room = MESSAGE_BYTES_MAX - sizeOf(attributes)
      const fits = (text: string) => Buffer.byteLength(text) <= room
      const isRecord = delivery.as === 'destination'
      const { body } = delivery
      const message = !fits(body) && isRecord ? withoutPayloads(body) : body
      if (!fits(message)) return never(`A message of SNS has ${MESSAGE_BYTES_MAX} bytes at most.`)
      await clients.of(topic.region).send(
        new PublishCommand({
          TopicArn: topic.arn,
          Message: message,
          MessageAttributes: attributes,
        }),
        withinTime(),
      )
      return 'delivered'
    },
    close: clients.close,
  }
}
