// What is told of an event: AWS's record for a destination, the bare event for a dead-letter queue.
// Pure; who delivers it, and when, is not decided here.

import type { Delivery } from '@hearth/bus/messages'
import { functionArn } from '@hearth/core/arn'
import type { AsyncEvent, GivenUp } from '@hearth/core/async-event'
import { eventRecord } from '@hearth/core/destination'
import type { InvocationResult } from '@hearth/core/invocation'
import { withInvocation } from '@hearth/core/recursion'
import type { EventInHand } from './event-work.ts'

/** What the invocation answered, of a function that failed, too; a dead letter's ErrorCode. */
const STATUS_CODE = 200

/** @returns undefined where the function has no such destination. */
export function destinationOf(
  { region }: { region: string },
  { event, payload, config }: EventInHand,
  { condition, result }: { condition: GivenUp | 'Success'; result?: InvocationResult | undefined },
): Delivery | undefined {
  const isSuccess = condition === 'Success'
  const target = isSuccess ? config?.onSuccess : config?.onFailure
  if (target === undefined) return undefined
  const arn = qualifiedArn(region, event)
  const record = eventRecord(
    {
      requestId: event.requestId,
      functionArn: arn,
      condition,
      // Whoever is given up before an attempt has had one less than it was to have.
      invokeCount: result ? event.attempt : event.attempt - 1,
      requestPayload: text(payload),
      ...(result && {
        response: {
          statusCode: STATUS_CODE,
          executedVersion: result.executedVersion,
          ...(result.functionError && { functionError: result.functionError }),
          payload: text(result.payload),
        },
      }),
    },
    Date.now(),
  )
  return {
    ...parcel(event, isSuccess ? 'ok' : 'failed'),
    target,
    as: 'destination',
    condition: isSuccess ? 'Success' : 'Failure',
    functionArn: arn,
    body: record,
  }
}

/** @returns undefined where the function has no dead-letter queue. */
export function deadLetterOf(
  { region }: { region: string },
  { event, payload, version }: EventInHand,
  { condition, result }: { condition: GivenUp; result?: InvocationResult | undefined },
): Delivery | undefined {
  const target = version?.configuration.deadLetterArn
  if (target === undefined) return undefined
  const errorMessage = result && errorMessageOf(text(result.payload))
  return {
    ...parcel(event, 'dead'),
    target,
    as: 'dead letter',
    condition: 'Failure',
    functionArn: qualifiedArn(region, event),
    body: text(payload),
    errorCode: STATUS_CODE,
    errorMessage: errorMessage ?? condition,
  }
}

function parcel(event: AsyncEvent, what: string) {
  return {
    id: `${event.requestId}.${what}`,
    account: event.account,
    functionName: event.functionName,
    requestId: event.requestId,
    createdAt: Date.now(),
    ...(event.tenantId !== undefined && { tenantId: event.tenantId }),
    // Whoever is told stands behind this function in the chain.
    ...(event.traceId !== undefined && {
      traceId: withInvocation(event.traceId, event.invokedArn),
    }),
  }
}

function errorMessageOf(payload: string): string | undefined {
  try {
    const { errorMessage } = JSON.parse(payload) as { errorMessage?: unknown }
    return typeof errorMessage === 'string' ? errorMessage : undefined
  } catch {
    return undefined
  }
}

const qualifiedArn = (region: string, event: AsyncEvent) =>
  functionArn({ account: event.account, region }, event.functionName, event.qualifier ?? '$LATEST')

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
