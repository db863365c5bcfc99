// Dead letters for their operator: how many each function has, what they are, and the way back onto
// the queue. AWS has no operations for these, because it drops such events. A letter is removed
// only when what it holds is on a queue's disk again.

import { createHash } from 'node:crypto'
import { ServiceError } from '@hearth/core/error'
import type { DeadLetters, StoredDeadLetter } from '@hearth/store/dead-letters'
import type { Deliveries } from '@hearth/store/deliveries'
import type { Events } from '@hearth/store/events'
import type { Functions } from '@hearth/store/functions'
import { laneKey } from '@hearth/store/lane-key'

export interface DeadLetterParts {
  account: string
  functions: Pick<Functions, 'list'>
  deadLetters: DeadLetters
  deliveries: Pick<Deliveries, 'put'>
  events: Pick<Events, 'put'>
}

/** One dead letter as operators see it; times in ISO form. */
export interface DeadLetterView {
  sequence: number
  requestId: string
  functionName: string
  qualifier?: string
  reason: string
  attempts: number
  acceptedAt: string
  givenUpAt: string
  /** The event; absent where not the event failed, but what was to be told of it. */
  payload?: string
  /** Whom it could not be told. */
  target?: string
}

export interface Redrive {
  functionName: string
  /** All of the function's when absent. */
  requestIds?: string[]
}

const PAGE_MAX = 1_000

/** How many letters each function has; those of functions that are gone have no name any more. */
export async function countDeadLetters(parts: DeadLetterParts) {
  const counts = await parts.deadLetters.counts()
  const named = parts.functions.list(parts.account).flatMap(({ account, name }) => {
    const lane = laneKey(account, name)
    const count = counts[lane] ?? 0
    delete counts[lane]
    return count > 0 ? [{ functionName: name, count }] : []
  })
  const rest = Object.values(counts).reduce((sum, count) => sum + count, 0)
  return { functions: named, ofDeletedFunctions: rest }
}

/** Oldest first, at most a thousand; `next` is the sequence at which to go on. */
export async function listDeadLetters(
  parts: DeadLetterParts,
  query: { functionName: string; fromSequence?: number },
): Promise<{ letters: DeadLetterView[]; next?: number }> {
  const { functionName, fromSequence } = query
  const of = { account: parts.account, functionName }
  const page = { limit: PAGE_MAX, ...(fromSequence !== undefined && { fromSequence }) }
  const found = await parts.deadLetters.list(of, page)
  const last = found.at(-1)
  const isFull = found.length === PAGE_MAX
  return { letters: found.map(view), ...(isFull && last && { next: last.sequence + 1 }) }
}

/**
 * Puts letters back: each event anew and under a request id of its own, each delivery once more.
 * @throws ServiceError when a queue cannot take one; those before it are on their way.
 */
export async function redriveDeadLetters(
  parts: DeadLetterParts,
  { functionName, requestIds }: Redrive,
): Promise<{ redriven: number }> {
  if (typeof functionName !== 'string' || functionName === '') {
    throw new ServiceError('InvalidParameterValueException', 'functionName must name a function.')
  }
  const wanted = requestIds && new Set(requestIds)
  const of = { account: parts.account, functionName }
  let redriven = 0
  for (let from = 0; ; ) {
    const found = await parts.deadLetters.list(of, { fromSequence: from, limit: PAGE_MAX })
    for (const letter of found) {
      if (wanted && !wanted.has(letter.event.requestId)) continue
      await putBack(parts, letter)
      await parts.deadLetters.remove(letter)
      redriven += 1
    }
    const last = found.at(-1)
    if (!last || found.length < PAGE_MAX) return { redriven }
    from = last.sequence + 1
  }
}

async function putBack(parts: DeadLetterParts, letter: StoredDeadLetter): Promise<void> {
  const now = Date.now()
  if (letter.delivery) {
    const id = `${letter.delivery.id}.${letter.at}`
    const body = Buffer.from(letter.payload).toString()
    return parts.deliveries.put({ ...letter.delivery, id, body, createdAt: now })
  }
  const { again: _, ...event } = letter.event
  const requestId = idAfter(event.requestId, letter.at)
  return parts.events.put({ ...event, requestId, acceptedAt: now, attempt: 1 }, letter.payload)
}

/** The same for the same letter, so that one that is put back twice runs once. */
function idAfter(requestId: string, at: number): string {
  const hex = createHash('sha256').update(`${requestId} ${at}`).digest('hex')
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
  ]
  return [...parts, hex.slice(20, 32)].join('-')
}

function view({ event, delivery, reason, at, sequence, payload }: StoredDeadLetter) {
  return {
    sequence,
    requestId: event.requestId,
    functionName: event.functionName,
    ...(event.qualifier !== undefined && { qualifier: event.qualifier }),
    reason,
    attempts: event.attempt,
    acceptedAt: new Date(event.acceptedAt).toISOString(),
    givenUpAt: new Date(at).toISOString(),
    ...(delivery ? { target: delivery.target } : { payload: Buffer.from(payload).toString() }),
  }
}
