// What a process refused, and what it took in, at its doors: throttles by AWS's reason, wherever
// the invocation came from, and events that were accepted. It wraps what others open, changes
// nothing that passes, and knows no metrics library. Whoever asks on the bus hears of the last
// hour.

import { randomUUID } from 'node:crypto'
import type { DoorThrottles, ThrottleQuestion } from '@hearth/bus/figures'
import { SUBJECTS } from '@hearth/bus/messages'
import type { Requests, Subscription } from '@hearth/bus/requests'
import { ServiceError, THROTTLE_REASONS } from '@hearth/core/error'
import type { Events } from '@hearth/store/events'
import { type FunctionCount, FunctionCounts, OTHER } from './function-counts.ts'
import type { Door } from './invoke.ts'
import { ThrottleHour } from './throttle-hour.ts'

export interface DoorCounts {
  /** The same door, whose throttles are counted. */
  watch(door: Door): Door
  /** The same queue, what it takes and what it throttles counted. */
  watchEvents(events: Events): Events
  /** `now` in milliseconds. */
  throttles(now: number): FunctionCount<'kind' | 'reason'>[]
  events(now: number): FunctionCount<never>[]
  /** The throttles of the last hour. */
  hour(question: ThrottleQuestion, now: number): Omit<DoorThrottles, 'doorId'>
}

export function createDoorCounts(isThere?: (functionName: string) => boolean): DoorCounts {
  const there = isThere && { isThere }
  const throttles = new FunctionCounts({ labels: ['kind', 'reason'] as const, ...there })
  const events = new FunctionCounts<never>({ labels: [], ...there })
  // A count that rises from nothing to one is no rise to whoever had not seen the nothing.
  for (const reason of THROTTLE_REASONS) throttles.add(OTHER, { kind: 'sync', reason }, 0)
  events.add(OTHER, {}, 0)
  const hour = new ThrottleHour()
  const count = (error: unknown, functionName: string, kind: string) => {
    const reason = error instanceof ServiceError && error.members.Reason
    if (!reason) return error
    throttles.add(functionName, { kind, reason })
    hour.add(functionName, Date.now())
    return error
  }
  return {
    watch: (door) => ({
      ...door,
      async invoke(request, listener) {
        try {
          return await door.invoke(request, listener)
        } catch (error) {
          throw count(error, request.functionName, request.kind ?? 'sync')
        }
      },
    }),
    watchEvents: (queue) => ({
      ...queue,
      async put(event, payload) {
        try {
          await queue.put(event, payload)
          events.add(event.functionName, {})
        } catch (error) {
          throw count(error, event.functionName, 'async')
        }
      },
    }),
    throttles: (now) => throttles.list(now),
    events: (now) => events.list(now),
    hour: (question, now) => hour.answer(question, now),
  }
}

/** Tells whoever asks what was throttled here in the last hour. */
export function answerThrottles(
  requests: Pick<Requests, 'publish' | 'subscribe'>,
  { hour }: Pick<DoorCounts, 'hour'>,
): Subscription {
  const doorId = randomUUID()
  return requests.subscribe<ThrottleQuestion>(SUBJECTS.throttlesWanted, (question) => {
    const answer: DoorThrottles = { doorId, ...hour(question, Date.now()) }
    requests.publish(SUBJECTS.throttles, answer)
  })
}
