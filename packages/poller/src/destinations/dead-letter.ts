// What AWS tells of a dead letter beside the event itself: three attributes, by which whoever finds
// it can find its logs. Also who may hold dead letters at all.

import type { Delivery } from '@hearth/bus/messages'

export interface Attribute {
  DataType: 'Number' | 'String'
  StringValue: string
}

/** Lambda guide, "dead-letter queue message attributes": the first 1 KB of the error message. */
const MESSAGE_BYTES_MAX = 1024

/** AWS's attributes of a dead letter; none of a destination's record. */
export function attributesOf(delivery: Delivery): Record<string, Attribute> {
  if (delivery.as === 'destination') return {}
  const { requestId, errorCode, errorMessage } = delivery
  return {
    RequestID: { DataType: 'String', StringValue: requestId },
    ...(errorCode !== undefined && {
      ErrorCode: { DataType: 'Number', StringValue: String(errorCode) },
    }),
    // Queues refuse an attribute without a value.
    ...(errorMessage && {
      ErrorMessage: { DataType: 'String', StringValue: head(errorMessage, MESSAGE_BYTES_MAX) },
    }),
  }
}

/** Bytes of all attributes, as queues and topics count them. */
export function sizeOf(attributes: Record<string, Attribute>): number {
  const texts = Object.entries(attributes).flatMap(([name, { DataType, StringValue }]) => [
    name,
    DataType,
    StringValue,
  ])
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
}

/** As much of a text as so many bytes hold, without half a character at its end. */
function head(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= bytesMax) return text
  let end = bytesMax
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}

/** Why this kind of target cannot hold a dead letter, if it cannot. */
export const notForDeadLetters = (delivery: Delivery, what: string): string | undefined =>
  delivery.as === 'dead letter'
    ? `A dead-letter queue is an SQS queue, an SNS topic or a JetStream subject, not ${what}.`
    : undefined
