// What is done with one asynchronous event: it goes through the one door, and what follows by the
// law of core/async-event is written down before the event is done with. So whoever dies in between
// leaves work to be repeated, and none lost.

import { decode } from '@hearth/bus/envelope'
import type { Taken } from '@hearth/bus/queues'
import { type AsyncEvent, expiryOf, type GivenUp, settle } from '@hearth/core/async-event'
import { ServiceError } from '@hearth/core/error'
import type { EventInvokeConfig } from '@hearth/core/event-invoke-config'
import { type FunctionVersion, versionOf as numbered } from '@hearth/core/function'
import type { InvocationResult } from '@hearth/core/invocation'
import { isRecursive, withInvocation } from '@hearth/core/recursion'
import type { Door } from '@hearth/invocation/invoke'
import type { DeadLetters } from '@hearth/store/dead-letters'
import type { Deliveries } from '@hearth/store/deliveries'
import type { Functions } from '@hearth/store/functions'
import type { Timers } from '@hearth/store/timers'
import { deadLetterOf, destinationOf } from './event-tellings.ts'
import type { Handled } from './lane.ts'

export interface EventWorkParts {
  region: string
  door: Pick<Door, 'invoke' | 'resolve'>
  functions: Pick<Functions, 'cached'>
  timers: Pick<Timers, 'set'>
  deliveries: Pick<Deliveries, 'put'>
  deadLetters: Pick<DeadLetters, 'bury'>
  /** Seconds before the first retry, the second, and so on. */
  retrySeconds: readonly number[]
  /** Told of everything that becomes of an event. */
  counted(what: EventCount, event: AsyncEvent, why?: Dropped): void
  /** The first attempt at an event begins, so many milliseconds after it was accepted. */
  waited(milliseconds: number): void
  report(problem: string): void
}

export type EventCount = 'given up' | 'refused' | 'retried' | 'succeeded'
/** Why an event was given up: by the law, refused for good, or handed out again and again. */
export type Dropped = GivenUp | 'Refused' | 'Unfinished'

/** One event in hand. */
export interface EventInHand {
  event: AsyncEvent
  payload: Uint8Array
  config: EventInvokeConfig | undefined
  version: FunctionVersion | undefined
}

/** Refusals that say nothing of the event: it waits, and no attempt is used up. */
const FOR_NOW = new Set([
  'ResourceConflictException',
  'ServiceException',
  'ServiceUnavailableException',
  'TooManyRequestsException',
])
/** What a gateway knows as it accepts, the others hear within a heartbeat; more is no accident. */
const HEARD_MS_MAX = 10_000
/** A message that nobody could finish so many times is put aside, lest it kill us for ever. */
const DELIVERIES_MAX = 50
const UNFINISHED = 'nobody could finish it'
const STORE_AGAIN_MS = 1_000

export function openEventWork(parts: EventWorkParts): (taken: Taken) => Promise<Handled> {
  /** Events that a scheduler was lost with: they may have run. */
  const uncertain = new WeakSet<Taken>()
  return async (taken) => {
    const { meta, body } = decode<AsyncEvent>(taken.data)
    const isAgain = meta.again || taken.deliveries > 1 || uncertain.has(taken)
    const event: AsyncEvent = { ...meta, ...(isAgain && { again: true }) }
    const document = parts.functions.cached(event.account, event.functionName)
    const config = document?.eventInvoke?.[event.qualifier ?? '$LATEST']
    const hand = { event, payload: body, config, version: versionOf(parts, event) }
    if (taken.deliveries > DELIVERIES_MAX) return bury(parts, hand, { why: 'Unfinished' })
    if (Date.now() >= expiryOf(event, config)) return giveUp(parts, hand, 'EventAgeExceeded')
    if (!document?.allowsLoops && isRecursive(event.traceId, event.invokedArn)) {
      return giveUp(parts, hand, 'RecursiveInvocation')
    }
    if (document?.concurrency?.reserved === 0 && isTold(hand)) {
      return giveUp(parts, hand, 'ZeroReservedConcurrency')
    }
    if (event.attempt === 1) parts.waited(Math.max(Date.now() - event.acceptedAt, 0))
    try {
      const result = await parts.door.invoke(requestOf(event, body))
      // An alias may have given it to its second version.
      const ran = document && numbered(document, result.executedVersion)
      return await follow(parts, { ...hand, version: ran ?? hand.version }, result)
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error
      if (error.code === 'ServiceException') uncertain.add(taken)
      const isForNow = FOR_NOW.has(error.code) || mayBeUnheard(error, event)
      if (!isForNow) {
        return bury(parts, hand, { why: 'Refused', reason: `${error.code}: ${error.message}` })
      }
      parts.counted('refused', event)
      return { later: true, until: expiryOf(event, config) }
    }
  }
}

/**
 * Whether somebody hears of an event's end: AWS tells of a function that is turned off at once.
 * Where nobody does, the event waits for it to be turned on.
 */
const isTold = ({ config, version }: EventInHand) =>
  config?.onFailure !== undefined || version?.configuration.deadLetterArn !== undefined

/** The function or its version may be so new that this poller has not heard of it yet. */
const mayBeUnheard = ({ code }: ServiceError, { acceptedAt }: AsyncEvent) =>
  code === 'ResourceNotFoundException' && Date.now() < acceptedAt + HEARD_MS_MAX

function versionOf(parts: EventWorkParts, event: AsyncEvent): FunctionVersion | undefined {
  try {
    return parts.door.resolve(event.account, event.functionName, event.qualifier).version
  } catch {
    return undefined
  }
}

function requestOf(event: AsyncEvent, payload: Uint8Array) {
  const { acceptedAt, again, traceId, ...request } = event
  return {
    ...request,
    kind: 'async' as const,
    payload,
    wantsLogTail: false,
    ...(traceId !== undefined && { traceId: withInvocation(traceId, event.invokedArn) }),
    ...(again && { againSince: acceptedAt }),
  }
}

async function follow(
  parts: EventWorkParts,
  hand: EventInHand,
  result: InvocationResult,
): Promise<Handled> {
  const failed = result.functionError !== undefined
  const { config, event, payload } = hand
  const now = Date.now()
  const sequel = settle(event, { failed, config, now, retrySeconds: parts.retrySeconds })
  if (sequel.next === 'give up') return giveUp(parts, hand, sequel.condition, result)
  if (sequel.next === 'retry') {
    // What may have run before may have been retried before, too: `again` goes along.
    const next = { ...event, attempt: event.attempt + 1 }
    const dueAt = now + sequel.afterSeconds * 1000
    await untilStored(parts, () => parts.timers.set(next, payload, dueAt))
    parts.counted('retried', event)
    return 'done'
  }
  const delivery = destinationOf(parts, hand, { condition: 'Success', result })
  if (delivery) await untilStored(parts, () => parts.deliveries.put(delivery))
  parts.counted('succeeded', event)
  return 'done'
}

/** The function's destination and its dead-letter queue are told; where it has neither, we keep it. */
async function giveUp(
  parts: EventWorkParts,
  hand: EventInHand,
  condition: GivenUp,
  result?: InvocationResult,
): Promise<Handled> {
  const deliveries = [destinationOf, deadLetterOf].flatMap(
    (tell) => tell(parts, hand, { condition, result }) ?? [],
  )
  for (const delivery of deliveries) {
    await untilStored(parts, () => parts.deliveries.put(delivery))
  }
  if (deliveries.length === 0) return bury(parts, hand, { why: condition })
  parts.counted('given up', hand.event, condition)
  return 'done'
}

async function bury(
  parts: EventWorkParts,
  hand: EventInHand,
  { why, reason = why === 'Unfinished' ? UNFINISHED : why }: { why: Dropped; reason?: string },
): Promise<Handled> {
  const letter = { event: hand.event, reason, at: Date.now() }
  await untilStored(parts, () => parts.deadLetters.bury(letter, hand.payload))
  parts.counted('given up', hand.event, why)
  return 'done'
}

/** The function has run: what follows must be written down, however long that takes. */
async function untilStored(parts: EventWorkParts, store: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await store()
    } catch (error) {
      parts.report(`what follows an event could not be stored yet: ${error}`)
      await new Promise((resolve) => setTimeout(resolve, STORE_AGAIN_MS))
    }
  }
}
