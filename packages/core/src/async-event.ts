// The asynchronous event and its law: how often it is tried, how long it may wait, and what follows
// an attempt. Pure: the poller hands in what happened and the time, and obeys.

import type { EventInvokeConfig } from './event-invoke-config.ts'

/** One event on the queue, beside its payload. */
export interface AsyncEvent {
  /** The same for each attempt. */
  requestId: string
  account: string
  functionName: string
  qualifier?: string
  /** The ARN as the caller addressed the function. */
  invokedArn: string
  clientContext?: string
  traceId?: string
  /** The same for each attempt. */
  tenantId?: string
  /** Milliseconds since the epoch at which it was accepted. */
  acceptedAt: number
  /** From 1. */
  attempt: number
  /** This attempt may have been made before, because whoever made it died. */
  again?: true
}

/** Why an event is given up, in the words of AWS's records. */
export type GivenUp =
  | 'EventAgeExceeded'
  | 'RecursiveInvocation'
  | 'RetriesExhausted'
  | 'ZeroReservedConcurrency'

/** What follows an attempt that ran. */
export type Sequel =
  | { next: 'done' }
  | { next: 'retry'; afterSeconds: number }
  | { next: 'give up'; condition: GivenUp }

/** What applies where nothing was configured (Lambda guide, "asynchronous invocation"). */
const RETRIES = 2
const AGE_SECONDS_MAX = 21_600
/** Before the first and the second retry (Lambda guide). */
export const RETRY_SECONDS: readonly number[] = [60, 120]

/** When an event may wait no longer, in milliseconds since the epoch. */
export function expiryOf(event: AsyncEvent, config: EventInvokeConfig | undefined): number {
  return event.acceptedAt + (config?.ageSecondsMax ?? AGE_SECONDS_MAX) * 1000
}

/**
 * What follows an attempt that the function answered, well or badly. A retry that would come too
 * late is not waited for, so that the record of the end has the last attempt's answer (recorded).
 */
export function settle(
  event: AsyncEvent,
  facts: {
    failed: boolean
    config: EventInvokeConfig | undefined
    /** Milliseconds since the epoch. */
    now: number
    retrySeconds?: readonly number[]
  },
): Sequel {
  const { config, now, retrySeconds: waits = RETRY_SECONDS } = facts
  if (!facts.failed) return { next: 'done' }
  const retries = config?.retriesMax ?? RETRIES
  if (event.attempt > retries) return { next: 'give up', condition: 'RetriesExhausted' }
  const afterSeconds = waits[event.attempt - 1] ?? waits.at(-1) ?? 0
  if (now + afterSeconds * 1000 >= expiryOf(event, config)) {
    return { next: 'give up', condition: 'EventAgeExceeded' }
  }
  return { next: 'retry', afterSeconds }
}
