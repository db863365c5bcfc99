// Event buses of EventBridge as targets: the record is the detail of an event, and rules match on
// its members. PutEvents answers 200 even where it took nothing, and says so inside.

import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge'
import { eventEntry } from '@hearth/core/destination'
import type { AwsAccess } from '../sources/source.ts'
import { byRegion, clientOptions, withinTime } from './aws-client.ts'
import { notForDeadLetters } from './dead-letter.ts'
import { type Deliverer, never } from './destination.ts'

/** What EventBridge says of an entry that it may take another time. */
const PASSING = new Set(['InternalFailure', 'InternalException', 'ThrottlingException'])

export function openEventBuses(aws: AwsAccess): Deliverer<'events'> {
  const clients = byRegion((region) => new EventBridgeClient(clientOptions(aws, 'events', region)))
  return {
    async deliver(delivery, { arn, region }) {
      const refusal = notForDeadLetters(delivery, 'an event bus')
      if (refusal) return never(refusal)
      const { body, functionArn, condition, traceId } = delivery
      const entry = {
        ...eventEntry(body, { busArn: arn, functionArn, condition }),
        ...(traceId !== undefined && { TraceHeader: traceId }),
      }
      const answer = await clients
        .of(region)
        .send(new PutEventsCommand({ Entries: [entry] }), withinTime())
      if (!answer.FailedEntryCount) return 'delivered'
      const { ErrorCode: code = 'unknown', ErrorMessage: why = '' } = answer.Entries?.[0] ?? {}
      return { failed: `${code}: ${why}`, permanent: !PASSING.has(code) }
    },
    close: clients.close,
  }
}
