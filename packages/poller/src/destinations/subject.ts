// Subjects of JetStream as targets. The delivery's id is the message's, so that JetStream stores a
// second try once. A dead letter's attributes are headers.

import { attributesOf } from './dead-letter.ts'
import type { Deliverer, DestinationParts } from './destination.ts'

export function openSubjects({ announce }: DestinationParts): Deliverer<'subject'> {
  return {
    async deliver(delivery, { subject }) {
      const { id, body, functionArn, condition, traceId } = delivery
      const attributes = Object.entries(attributesOf(delivery))
      await announce({
        subject,
        data: Buffer.from(body),
        id,
        headers: {
          'Hearth-Function-Arn': functionArn,
          'Hearth-Condition': condition,
          ...(traceId !== undefined && { 'X-Amzn-Trace-Id': oneLine(traceId) }),
          ...Object.fromEntries(
            attributes.map(([name, { StringValue }]) => [name, oneLine(StringValue)]),
          ),
        },
      })
      return 'delivered'
    },
  }
}

/** A header is a line of its own. */
const oneLine = (text: string) => text.replaceAll(/[\r\n\0]+/g, ' ').trim()
