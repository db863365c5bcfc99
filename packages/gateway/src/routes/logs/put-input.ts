// The events of PutLogEvents: AWS's limits on a batch, and which of its events are told back as too
// old, expired or too new instead of being kept (PutLogEvents, "constraints"). Pure.

import type { LogEvent } from '@hearth/bus/messages'
import { ServiceError } from '@hearth/core/error'
import { type Input, refuse, violation } from './input.ts'

/** AWS's indices: of the old ones the first that is not, of the new ones the first that is. */
export interface Rejected {
  tooNewLogEventStartIndex?: number
  tooOldLogEventEndIndex?: number
  expiredLogEventEndIndex?: number
}

const EVENTS_MAX = 10_000
const BYTES_MAX = 1_048_576
const DAY_MS = 86_400_000
const AHEAD_MS_MAX = 2 * 3_600_000
const AGE_MS_MAX = 14 * DAY_MS

/** @throws ServiceError for a batch that AWS refuses whole. */
export function readEvents(input: Input, overheadBytes: number): LogEvent[] {
  const given = input.logEvents ?? null
  if (given === null) throw violation('logEvents', null, 'Member must not be null')
  if (!Array.isArray(given)) {
    throw new ServiceError('SerializationException', 'logEvents is not a list.')
  }
  if (given.length === 0) {
    throw violation('logEvents', '[]', 'Member must have length greater than or equal to 1')
  }
  if (given.length > EVENTS_MAX) {
    const text = `Member must have length less than or equal to ${EVENTS_MAX}`
    throw violation('logEvents', `[${given.length} events]`, text)
  }
  const events = given.map(readEvent)
  const bytes = events.reduce((sum, one) => sum + Buffer.byteLength(one.message), 0)
  const all = bytes + overheadBytes * events.length
  if (all > BYTES_MAX) {
    throw refuse(`Upload too large: ${all} bytes exceeds limit of ${BYTES_MAX}`)
  }
  requireOrder(events)
  return events
}

function readEvent(given: unknown, index: number): LogEvent {
  const { timestamp = null, message = null } = (given ?? {}) as Record<string, unknown>
  const at = `logEvents.${index + 1}.member`
  if (timestamp === null) throw violation(`${at}.timestamp`, null, 'Member must not be null')
  if (message === null) throw violation(`${at}.message`, null, 'Member must not be null')
  if (typeof timestamp !== 'number' || typeof message !== 'string') {
    throw new ServiceError('SerializationException', `${at} is not a log event.`)
  }
  if (timestamp < 0) {
    const text = 'Member must have value greater than or equal to 0'
    throw violation(`${at}.timestamp`, timestamp, text)
  }
  if (message === '') {
    const text = 'Member must have length greater than or equal to 1'
    throw violation(`${at}.message`, message, text)
  }
  return { timestamp: Math.trunc(timestamp), message }
}

function requireOrder(events: readonly LogEvent[]): void {
  const times = events.map(({ timestamp }) => timestamp)
  if (times.some((time, index) => time < (times[index - 1] ?? 0))) {
    throw refuse('Log events in a single PutLogEvents request must be in chronological order.')
  }
  if ((times.at(-1) ?? 0) - (times[0] ?? 0) > DAY_MS) {
    throw refuse(
      'The batch of log events in a single PutLogEvents request cannot span more than 24 hours.',
    )
  }
}

/** Events are in the order of their times: the old ones come first, the new ones last. */
export function sortOut(
  events: readonly LogEvent[],
  { now, expiredBefore }: { now: number; expiredBefore: number },
): { accepted: LogEvent[]; rejected?: Rejected } {
  const countBefore = (time: number) => {
    const found = events.findIndex(({ timestamp }) => timestamp >= time)
    return found < 0 ? events.length : found
  }
  const tooOld = countBefore(now - AGE_MS_MAX)
  const expired = countBefore(expiredBefore)
  const tooNew = countBefore(now + AHEAD_MS_MAX + 1)
  const accepted = events.slice(Math.max(tooOld, expired), tooNew)
  if (accepted.length === events.length) return { accepted }
  const rejected = {
    ...(tooNew < events.length && { tooNewLogEventStartIndex: tooNew }),
    ...(tooOld > 0 && { tooOldLogEventEndIndex: tooOld }),
    ...(expired > 0 && { expiredLogEventEndIndex: expired }),
  }
  return { accepted, rejected }
}
