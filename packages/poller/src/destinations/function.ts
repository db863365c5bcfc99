// Functions as targets: the record becomes an asynchronous event of another function, on the queue
// of this Hearth. Its request id follows from the delivery, so that a second try is not a second
// event; its trace goes on, so that functions which feed each other are found out, and so does its
// tenant, where the target keeps tenants apart, too.

import { notForDeadLetters } from './dead-letter.ts'
import { uuidOf } from './delivery-id.ts'
import { type Deliverer, type DestinationParts, never } from './destination.ts'

/** Lambda quotas: the payload of an asynchronous invocation, in bytes. */
const EVENT_BYTES_MAX = 1_048_576

export function openFunctions({ enqueue, functions }: DestinationParts): Deliverer<'lambda'> {
  return {
    async deliver(delivery, { account, name, qualifier }) {
      const refusal = notForDeadLetters(delivery, 'a function')
      if (refusal) return never(refusal)
      const payload = Buffer.from(delivery.body)
      if (payload.length > EVENT_BYTES_MAX) {
        return never(`An event has ${EVENT_BYTES_MAX} bytes at most.`)
      }
      const { tenancy } = functions.cached(account, name)?.latest.configuration ?? {}
      const event = {
        requestId: uuidOf(delivery.id),
        account,
        functionName: name,
        invokedArn: delivery.target,
        acceptedAt: Date.now(),
        attempt: 1,
        ...(qualifier !== undefined && { qualifier }),
        ...(delivery.traceId !== undefined && { traceId: delivery.traceId }),
        ...(tenancy && delivery.tenantId !== undefined && { tenantId: delivery.tenantId }),
      }
      await enqueue(event, payload)
      return 'delivered'
    },
  }
}
