// The API as whoever is signed in may use it: the same validation, the same question to
// authorisation and the same routes as for a signed request. The console reads and changes nothing
// but through this.

import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Bill } from '@hearth/core/bill'
import { ServiceError } from '@hearth/core/error'
import type { FunctionDocument } from '@hearth/core/function'
import {
  ASYNC_PAYLOAD_BYTES_MAX,
  type InvocationResult,
  SYNC_PAYLOAD_BYTES_MAX,
} from '@hearth/core/invocation'
import { type Asker, requireAccess, requireOperation, requireTarget } from '../access.ts'
import type { AppParts } from '../app.ts'
import { gatherEnvironments } from '../census.ts'
import { OPERATIONS } from '../contract.ts'
import { gatherThrottles, withThrottles } from '../door-throttles.ts'
import { gatherHistory } from '../history.ts'
import { gatherProgress } from '../mapping-progress.ts'
import { getBill } from '../routes/bill.ts'
import { listBudgets } from '../routes/budgets.ts'
import {
  countDeadLetters,
  listDeadLetters,
  type Redrive,
  redriveDeadLetters,
} from '../routes/dead-letters.ts'
import { resetEventSourceMapping } from '../routes/event-source-mappings.ts'
import { accept, askedOf, requireInvokable, tooLarge } from '../routes/invoke.ts'
import type { LogsCaller } from '../routes/logs/input.ts'
import type { Caller } from '../routes/route.ts'
import { ROUTES } from '../routes/table.ts'
import { validate } from '../validation.ts'
import type { Answered } from './elements.ts'

export type ConsoleParts = AppParts

export interface Invoked {
  requestId: string
  result?: InvocationResult
}

type Input = Record<string, unknown>
type Start = Parameters<typeof resetEventSourceMapping>[1]

export type Client = ReturnType<typeof openClient>

export function openClient(
  parts: ConsoleParts,
  asker: Asker & { request: IncomingMessage },
  origin: string,
) {
  const { place } = asker
  const caller = (): Caller => ({ place, origin, requestId: randomUUID() })
  const requireOwn = (action: string) =>
    requireAccess(asker, { action: `hearth:${action}`, resource: '*' })
  return {
    asker,
    /** One operation of Lambda's API. @throws ServiceError as it answers a request. */
    async call<Output>(name: string, input: Input): Promise<Output> {
      const operation = OPERATIONS.get(name)
      const route = ROUTES.get(name)
      if (!operation || !route) throw new Error(`there is no route of ${name}`)
      validate(operation, input, parts.limits)
      requireOperation(asker, name, { ...parts, input })
      return (await route(input as never, caller(), parts)) as Output
    },

    /** All, as ListFunctions may give them, and at once: its route has a page of them at a time. */
    async functions(): Promise<FunctionDocument[]> {
      requireOperation(asker, 'ListFunctions', { ...parts, input: {} })
      return parts.functions.list(place.account)
    },

    /** A queued event has no result. @throws ServiceError as Invoke answers a request. */
    async invoke(input: Input, event: string): Promise<Invoked> {
      try {
        return await invoke(parts, asker, { input, event })
      } catch (error) {
        parts.refused(error)
        throw error
      }
    },

    /** What an operation of CloudWatch Logs is called with, if it may be. */
    logs(operation: string, input: Input): LogsCaller {
      requireTarget(asker, { service: 'logs', operation, input })
      requireNats(parts)
      return { ...caller(), logs: parts.logs }
    },

    ...ownQuestions(parts, requireOwn),

    async reset(uuid: string, start: Start) {
      requireOwn('ResetEventSourceMapping')
      return resetEventSourceMapping(uuid, start, caller(), parts)
    },
  }
}

async function invoke(
  parts: ConsoleParts,
  asker: Asker & { request: IncomingMessage },
  { input, event }: { input: Input; event: string },
): Promise<Invoked> {
  const operation = OPERATIONS.get('Invoke')
  if (!operation) throw new Error('the contract has no Invoke')
  validate(operation, input, parts.limits)
  const isQueued = input.InvocationType === 'Event'
  const most = isQueued ? ASYNC_PAYLOAD_BYTES_MAX : SYNC_PAYLOAD_BYTES_MAX
  const body = Buffer.from(event)
  if (body.length > most) throw tooLarge('InvokeFunction', most)
  const requestId = randomUUID()
  const { invocation } = askedOf(input, body, { asker, requestId, parts })
  const isDry = input.InvocationType === 'DryRun'
  if (!isQueued && !isDry) return { requestId, result: await parts.door.invoke(invocation) }
  requireInvokable(invocation, parts)
  if (isQueued) await accept(invocation, parts)
  return { requestId }
}

/** What AWS has no API for, each an action of its own. */
function ownQuestions(parts: ConsoleParts, requireOwn: (action: string) => void) {
  const { requests, schedulers } = parts
  return {
    async environments() {
      requireOwn('ListEnvironments')
      return gatherEnvironments(requests, schedulers.live())
    },
    async history(functionName?: string) {
      requireOwn('ListEnvironments')
      const question = functionName === undefined ? {} : { functionName }
      const [hour, throttles] = await Promise.all([
        gatherHistory(requests, schedulers.live(), question),
        gatherThrottles(requests, question),
      ])
      return withThrottles(hour, throttles)
    },
    /** For whoever may list mappings; it tells nothing of others. */
    progress: () => gatherProgress(requests),

    async deadLetters() {
      requireOwn('ListDeadLetters')
      requireNats(parts)
      return countDeadLetters(parts)
    },
    async lettersOf(question: { functionName: string; fromSequence?: number; limit: number }) {
      requireOwn('ListDeadLetters')
      requireNats(parts)
      return listDeadLetters(parts, question)
    },
    async redrive(wish: Redrive) {
      requireOwn('RedriveDeadLetters')
      requireNats(parts)
      return redriveDeadLetters(parts, wish)
    },
    /** Events on each lane; beside dead letters, because both are what waits. */
    async waiting() {
      requireOwn('ListDeadLetters')
      requireNats(parts)
      return parts.events.waiting()
    },
    /** Of this month where none is named; by day, with its days. */
    async bill(question: { month: string; by: 'day' } | Record<string, never>): Promise<Bill> {
      requireOwn('GetBill')
      const { body } = await getBill(parts, question)
      return JSON.parse(Buffer.from(body).toString()) as Bill
    },
    async budgets() {
      requireOwn('ListBudgets')
      return listBudgets(parts).budgets
    },
  }
}

function requireNats({ connected }: Pick<ConsoleParts, 'connected'>): void {
  if (connected()) return
  throw new ServiceError(
    'ServiceUnavailableException',
    'Service is unavailable: NATS is out of reach.',
  )
}

/** A refusal is an answer of its own kind; whatever else goes wrong is ours. */
export async function ask<T>(work: Promise<T>): Promise<Answered<T>> {
  try {
    return { value: await work }
  } catch (refusal) {
    if (refusal instanceof ServiceError) return { refusal }
    throw refusal
  }
}

export const granted = <T>(answered: Answered<T>): T | undefined =>
  'value' in answered ? answered.value : undefined
