// What a failed try means: whether the target can never take this delivery, or only not now. An
// operator can mend permissions and keys while a delivery waits, so those count as not now.

import { ServiceError } from '@hearth/core/error'
import type { Delivered } from './destination.ts'

/** Statuses of clients' faults that pass by themselves, or by an operator's hand. */
const PASSING = new Set([401, 403, 407, 408, 409, 423, 425, 429])
const THROTTLED = /Throttl|TooManyRequests|LimitExceeded|SlowDown|RequestTimeout/
/** How a signal's end looks, by who notices it. */
const UNANSWERED = new Set(['AbortError', 'TimeoutError'])
const TEXT_LENGTH_MAX = 500

/** Whether an HTTP status says that the same request will be refused again. */
export const isFinal = (status: number): boolean =>
  status >= 300 && status < 500 && !PASSING.has(status)

/** What somebody threw, as a failure of this try. */
export function failureOf(error: unknown): Delivered {
  const failed = describe(error).slice(0, TEXT_LENGTH_MAX)
  if (error instanceof ServiceError) {
    return { failed, permanent: error.code === 'ResourceNotFoundException' }
  }
  const { $metadata, name } = error as { $metadata?: { httpStatusCode?: number }; name?: string }
  const status = $metadata?.httpStatusCode ?? 0
  return { failed, permanent: isFinal(status) && !THROTTLED.test(name ?? '') }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (UNANSWERED.has(error.name)) return 'It did not answer in time.'
  // Node gathers what happened to each address of a name, and says nothing itself.
  if (error instanceof AggregateError && error.message === '') return error.errors.join('; ')
  return error.name === 'Error' ? error.message : `${error.name}: ${error.message}`
}
