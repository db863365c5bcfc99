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
  /** Milliseconds since the epoch at which it was accepted. */
  acceptedAt: number
  /** From 1. */
  attempt: number
  /** This attempt may have been made before, because whoever made it died. */
  again?: true
}

/** Why an event is given up, in the words of AWS's records. */
export type GivenUp = 'EventAgeExceeded' | 'RecursiveInvocation' | 'RetriesExhausted'

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

/** What follows an attempt that the function answered, well or badly. */
export function settle(
  event: AsyncEvent,
  facts: {
    failed: boolean
    config: EventInvokeConfig | undefined
    retrySeconds?: readonly number[]
  },
): Sequel {
  if (!facts.failed) return { next: 'done' }
  const retries = facts.config?.retriesMax ?? RETRIES
  if (event.attempt > retries) return { next: 'give up', condition: 'RetriesExhausted' }
  const waits = facts.retrySeconds ?? RETRY_SECONDS
  return { next: 'retry', afterSeconds: waits[event.attempt - 1] ?? waits.at(-1) ?? 0 }
}
