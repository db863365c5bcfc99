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
import { filterInTurns } from '../in-turns.ts'

export interface DeadLetterParts {
  account: string
  functions: Pick<Functions, 'list'>
  deadLetters: DeadLetters
  deliveries: Pick<Deliveries, 'put'>
  events: Pick<Events, 'put' | 'waiting'>
}

/** One dead letter as operators see it; times in ISO form. */
export interface DeadLetterView {
  sequence: number
  requestId: string
  functionName: string
  qualifier?: string
  tenantId?: string
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
  const countOf = (name: string) => counts[laneKey(parts.account, name)] ?? 0
  const names = parts.functions.list(parts.account).map(({ name }) => name)
  const found = await filterInTurns(names, (name) => countOf(name) > 0)
  const functions = found.map((functionName) => ({ functionName, count: countOf(functionName) }))
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0)
  const named = functions.reduce((sum, { count }) => sum + count, 0)
  return { functions, ofDeletedFunctions: all - named }
}

/** Oldest first, a thousand unless fewer are wanted; `next` is the sequence at which to go on. */
export async function listDeadLetters(
  parts: DeadLetterParts,
  query: { functionName: string; fromSequence?: number; limit?: number },
): Promise<{ letters: DeadLetterView[]; next?: number }> {
  const { functionName, fromSequence, limit = PAGE_MAX } = query
  const of = { account: parts.account, functionName }
  const page = { limit, ...(fromSequence !== undefined && { fromSequence }) }
  const found = await parts.deadLetters.list(of, page)
  const last = found.at(-1)
  const isFull = found.length === limit
  return { letters: found.map(view), ...(isFull && last && { next: last.sequence + 1 }) }
}

/**
 * Puts letters back: each event anew and under a request id of its own, each delivery once more.
 * @throws ServiceError when a queue cannot take one; those before it are on their way. And when
 * there is no such function, nor anything that one of this name left behind.
 */
export async function redriveDeadLetters(
  parts: DeadLetterParts,
  { functionName, requestIds }: Redrive,
): Promise<{ redriven: number }> {
  if (typeof functionName !== 'string' || functionName === '') {
    throw new ServiceError('InvalidParameterValueException', 'functionName must name a function.')
  }
  if (requestIds !== undefined && !Array.isArray(requestIds)) {
    throw new ServiceError('InvalidParameterValueException', 'requestIds must be a list of ids.')
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
    if (last && found.length === PAGE_MAX) {
      from = last.sequence + 1
      continue
    }
    if (!last && from === 0) requireKnown(parts, functionName)
    return { redriven }
  }
}

function requireKnown({ functions, account }: DeadLetterParts, name: string): void {
  if (functions.list(account).some((one) => one.name === name)) return
  const message = `There is no function ${name}, and nothing of one was given up.`
  throw new ServiceError('ResourceNotFoundException', message)
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
    ...(event.tenantId !== undefined && { tenantId: event.tenantId }),
    reason,
    attempts: event.attempt,
    acceptedAt: new Date(event.acceptedAt).toISOString(),
    givenUpAt: new Date(at).toISOString(),
    ...(delivery ? { target: delivery.target } : { payload: Buffer.from(payload).toString() }),
  }
}
