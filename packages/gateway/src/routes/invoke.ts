// Invoke: the hot route. Reads the request without any framework, goes through the door, and
// answers with AWS's headers. It decides nothing about running; a function that failed is still a
// 200.

import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { functionArn, parseFunctionName } from '@hearth/core/arn'
import { ServiceError } from '@hearth/core/error'
import {
  ASYNC_PAYLOAD_BYTES_MAX,
  type InvocationRequest,
  type InvocationResult,
  type Start,
  SYNC_PAYLOAD_BYTES_MAX,
} from '@hearth/core/invocation'
import { tenantFault } from '@hearth/core/tenancy'
import type { Events } from '@hearth/store/events'
import { type Asker, requireInvoke } from '../access.ts'
import type { BodyRoom } from '../body-room.ts'
import { match, parse, type WireAnswer } from '../contract.ts'
import { isLarge, readBody, send, sendAnswer, splitUrl } from '../http.ts'
import { requireJson } from '../json-payload.ts'
import type { RequestTraces } from '../request-traces.ts'
import type { Verify } from '../sigv4.ts'
import { counted } from '../trace.ts'
import { validate } from '../validation.ts'
import { renderError } from '../wire-errors.ts'
import type { Caller, Parts } from './route.ts'

export interface InvokeParts extends Parts {
  account: string
  /** Where asynchronous events wait. */
  events: Pick<Events, 'put' | 'waiting'>
  verify: Verify
  bodies: Pick<BodyRoom, 'signed' | 'unsigned'>
  traces: Pick<RequestTraces, 'of'>
  /** For the metrics. */
  refused(error: unknown): void
}

const ACCEPTED_HEADERS = { 'x-amzn-remapped-content-length': '0' }
const PATH = /^\/2015-03-31\/functions\/[^/]+\/invocations\/?$/
/** InvokeAsync's, which is Invoke with the type Event under an older name. */
const OLD_PATH = /^\/2014-11-13\/functions\/[^/]+\/invoke-async\/?$/
/** Base64 of at most 3,583 bytes of client context (Lambda API, Invoke). */
const CLIENT_CONTEXT_BYTES_MAX = 3583

/** Whether a request is for this route. */
export function isInvoke(request: IncomingMessage): boolean {
  const { path } = splitUrl(request.url ?? '')
  return request.method === 'POST' && (PATH.test(path) || OLD_PATH.test(path))
}

export async function handleInvoke(
  request: IncomingMessage,
  response: ServerResponse,
  parts: InvokeParts,
): Promise<void> {
  const requestId = randomUUID()
  try {
    const { invocation, type } = await readInvocation(request, requestId, parts)
    if (type !== 'RequestResponse') {
      requireInvokable(invocation, parts)
      if (type === 'Event') await accept(invocation, parts)
      const headers = { 'x-amzn-requestid': requestId, ...(type === 'Event' && ACCEPTED_HEADERS) }
      // The older operation says its status in the body, too.
      const body = OLD_PATH.test(splitUrl(request.url ?? '').path) ? '{"Status":202}' : ''
      return send(response, { status: type === 'Event' ? 202 : 204, headers, body })
    }
    const made = answer(await parts.door.invoke(invocation), invocation)
    sendAnswer(response, made, parts.bodies.signed)
  } catch (error) {
    parts.refused(error)
    send(response, renderError(error, requestId))
  }
}

/** What a request to invoke asks for, whichever of the operations it is. */
export interface Asked {
  invocation: InvocationRequest
  type: InvocationType
}

type InvocationType = 'DryRun' | 'Event' | 'RequestResponse'

/** What can be known without running it. @throws ServiceError as the door would. */
export function requireInvokable(
  { account, functionName, qualifier, tenantId }: InvocationRequest,
  { door }: Pick<InvokeParts, 'door'>,
): void {
  const { version } = door.resolve(account, functionName, qualifier)
  const fault = tenantFault(version, tenantId)
  if (fault) throw fault
}

/** On the disk when this resolves. @throws ServiceError when the queue cannot take it. */
export function accept(
  invocation: InvocationRequest,
  { events }: Pick<InvokeParts, 'events'>,
): Promise<void> {
  const { payload, wantsLogTail: _, ...event } = invocation
  return events.put({ ...event, acceptedAt: Date.now(), attempt: 1 }, payload)
}

/** Verifies, parses and validates. @throws ServiceError for whatever AWS refuses. */
export async function readInvocation(
  request: IncomingMessage,
  requestId: string,
  parts: InvokeParts,
): Promise<Asked> {
  const { path, query: text } = splitUrl(request.url ?? '')
  const query = new URLSearchParams(text)
  const matched = match('POST', path, query)
  if (!matched) throw new ServiceError('UnknownOperationException', 'Unknown operation.')
  const { operation, labels } = matched
  const { headers } = request
  const isOld = operation.name === 'InvokeAsync'
  const isEvent = isOld || headers['x-amz-invocation-type'] === 'Event'
  const bytesMax = isEvent ? ASYNC_PAYLOAD_BYTES_MAX : SYNC_PAYLOAD_BYTES_MAX
  const head = { method: 'POST', path, query: text, headers }
  if (isLarge(request)) parts.verify.head(head, Date.now())
  const body = await readBody(request, bytesMax, parts.bodies.signed)
  if (!body) {
    throw tooLarge(operation.name === 'Invoke' ? 'InvokeFunction' : operation.name, bytesMax)
  }
  const identity = parts.verify({ ...head, body }, Date.now())
  const input = parse(operation, { labels, query, headers, body })
  if (isOld) input.InvocationType = 'Event'
  validate(operation, input, parts.limits)
  const place = { account: parts.account, region: parts.region }
  return askedOf(input, body, { asker: { identity, place, request }, requestId, parts })
}

/** What an input asks for, if its asker may. @throws ServiceError for whatever AWS refuses. */
export function askedOf(
  input: Record<string, unknown>,
  body: Uint8Array,
  by: {
    asker: Asker & { request: IncomingMessage }
    requestId: string
    parts: Pick<InvokeParts, 'functions' | 'traces'>
  },
): Asked {
  const { asker, requestId, parts } = by
  const { place, request } = asker
  const wish = readWish(input, { place, requestId, origin: '' })
  const trace = parts.traces.of(request, Date.now())
  const invokedArn = functionArn(place, wish.name, wish.qualifier)
  const document = parts.functions.cached(wish.account, wish.name)
  const { qualifier } = wish
  requireInvoke(asker, { arn: invokedArn, document, qualifier })
  const invocation = {
    requestId,
    account: wish.account,
    functionName: wish.name,
    invokedArn,
    payload: requireJson(body),
    // The queue of events counts for itself, each attempt from the trace that came.
    traceId: wish.type === 'Event' ? trace : counted(trace, invokedArn, document),
    wantsLogTail: wish.tail,
    ...(qualifier !== undefined && { qualifier }),
    ...(wish.clientContext !== undefined && { clientContext: wish.clientContext }),
    ...(wish.tenantId !== undefined && { tenantId: wish.tenantId }),
  }
  return { invocation, type: wish.type }
}

interface Wish {
  account: string
  name: string
  qualifier?: string
  type: InvocationType
  tail: boolean
  clientContext?: string
  tenantId?: string
}

function readWish(input: Record<string, unknown>, caller: Caller): Wish {
  if (input.DurableExecutionName !== undefined) throw notYet('durable functions')
  const reference = parseFunctionName(
    String(input.FunctionName),
    input.Qualifier as string | undefined,
    caller.place,
  )
  return {
    ...reference,
    type: (input.InvocationType as InvocationType | undefined) ?? 'RequestResponse',
    tail: input.LogType === 'Tail',
    ...(input.ClientContext !== undefined && {
      clientContext: readClientContext(String(input.ClientContext)),
    }),
    ...(input.TenantId !== undefined && { tenantId: String(input.TenantId) }),
  }
}

function readClientContext(encoded: string): string {
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  try {
    JSON.parse(text)
  } catch (cause) {
    throw new ServiceError(
      'InvalidRequestContentException',
      'Client context must be a valid Base64-encoded JSON object.',
      { cause },
    )
  }
  if (encoded.length <= CLIENT_CONTEXT_BYTES_MAX) return text
  throw new ServiceError(
    'InvalidRequestContentException',
    `Client context must not be larger than ${CLIENT_CONTEXT_BYTES_MAX} bytes.`,
  )
}

function answer(result: InvocationResult, { requestId, traceId }: InvocationRequest): WireAnswer {
  return {
    status: 200,
    headers: {
      'content-type': 'application/json',
      'x-amzn-requestid': requestId,
      'x-amzn-remapped-content-length': '0',
      'x-amz-executed-version': result.executedVersion,
      ...startHeader(result.report),
      ...(traceId !== undefined && { 'x-amzn-trace-id': traceId }),
      ...(result.functionError && { 'x-amz-function-error': result.functionError }),
      ...(result.logTail !== undefined && {
        'x-amz-log-result': Buffer.from(result.logTail).toString('base64'),
      }),
    },
    body: result.payload,
  }
}

/** How the invocation found its environment, and why: `stem; reason="first invocation"`. */
export const startHeader = ({ start, coldReason }: Start) => ({
  'x-hearth-start': coldReason ? `${start}; reason="${coldReason}"` : start,
})

const notYet = (what: string) =>
  new ServiceError('NotImplementedException', `Hearth does not have ${what} yet.`)

export const tooLarge = (operation: string, bytesMax: number) =>
  new ServiceError(
    'RequestEntityTooLargeException',
    `Request must be smaller than ${bytesMax} bytes for the ${operation} operation`,
  )
