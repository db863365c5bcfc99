// The Extensions API 2020-01-01, the Telemetry API 2022-07-01 and the Logs API 2020-08-15, as
// extensions speak them on the same address as the Runtime API: paths, headers, bodies and answers.
// What they mean to an environment is extension-gate's affair.

import type { ExtensionEvent, Extensions } from './extensions.ts'
import { isRefusal, type Refusal } from './extensions.ts'
import type { RequestHead } from './http-request-reader.ts'
import { readSubscription, type Subscription } from './telemetry-subscription.ts'

/** A request as far as these APIs look at it. */
export interface ApiRequest {
  operation: Operation
  head: RequestHead
  body: Buffer | undefined
}

export interface ApiAnswer {
  status: string
  headers?: Readonly<Record<string, string>>
  body: unknown
}

type Operation = 'exit error' | 'init error' | 'logs' | 'next' | 'register' | 'telemetry'

/** Who answers, and for which function. */
export interface ApiParts {
  extensions: Extensions
  account: string
  functionName: string
  version: string
  handler: string
  /** @returns why the subscription cannot be. */
  subscribe(name: string, subscription: Subscription): Refusal | undefined
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  'POST /2020-01-01/extension/register': 'register',
  'GET /2020-01-01/extension/event/next': 'next',
  'POST /2020-01-01/extension/init/error': 'init error',
  'POST /2020-01-01/extension/exit/error': 'exit error',
  'PUT /2022-07-01/telemetry': 'telemetry',
  'PUT /2020-08-15/logs': 'logs',
}
const ACCEPTED: ApiAnswer = { status: '202 Accepted', body: { status: 'OK' } }
/** Registrations and subscriptions are small, and errors are a few stack traces. */
export const API_BODY_BYTES_MAX = 256 * 1024

/** Which operation a request is, if it is one of these APIs'. */
export function matchExtensionsApi({ method, path }: RequestHead): Operation | undefined {
  return OPERATIONS[`${method} ${path.replace(/\/$/, '')}`]
}

/** Answers by `go`, for `event/next` as late as there is an event. */
export function answerExtensionsApi(
  parts: ApiParts,
  { operation, head, body }: ApiRequest,
  go: (answer: ApiAnswer) => void,
): void {
  if (operation === 'register') return go(register(parts, head, body))
  const { extensions } = parts
  const extension = extensions.identify(head.extension?.identifier)
  if (isRefusal(extension)) return go(forbidden(extension))
  switch (operation) {
    case 'next': {
      const refused = extensions.next(extension.id, (event) => go(eventAnswer(event)))
      return refused && go(forbidden(refused))
    }
    case 'init error':
    case 'exit error': {
      const state = operation === 'init error' ? 'InitError' : 'ExitError'
      const refused = extensions.fail(extension.id, state, head.extension?.errorType ?? '')
      return go(refused ? forbidden(refused) : ACCEPTED)
    }
    case 'telemetry':
    case 'logs': {
      const subscription = readSubscription(operation, body)
      if ('errorType' in subscription) return go({ status: '400 Bad Request', body: subscription })
      const refused = parts.subscribe(extension.name, subscription)
      return go(refused ? forbidden(refused) : { status: '200 OK', body: 'OK' })
    }
  }
}

function register(parts: ApiParts, head: RequestHead, body: Buffer | undefined): ApiAnswer {
  const { extensions, account, functionName, version, handler } = parts
  const name = head.extension?.name ?? ''
  const events = name === '' ? [] : readEvents(body)
  if (typeof events === 'string') {
    return forbidden({ errorType: 'InvalidRequestFormat', errorMessage: events })
  }
  const extension = extensions.register(name, events)
  if (isRefusal(extension)) return forbidden(extension)
  const features = (head.extension?.acceptFeature ?? '').split(',').map((one) => one.trim())
  return {
    status: '200 OK',
    headers: { 'Lambda-Extension-Identifier': extension.id },
    body: {
      ...(features.includes('accountId') && { accountId: account }),
      functionName,
      functionVersion: version,
      handler,
    },
  }
}

/** @returns the events that are wanted, or why the body is none. */
function readEvents(body: Buffer | undefined): string[] | string {
  try {
    const { events = [], configurationKeys } = JSON.parse(String(body)) as Record<string, unknown>
    if (Array.isArray(configurationKeys) && configurationKeys.length > 0) {
      return 'configurationKeys are deprecated; use environment variables instead'
    }
    if (Array.isArray(events) && events.every((one) => typeof one === 'string')) return events
    return 'events must be a list of strings'
  } catch (error) {
    return (error as Error).message
  }
}

function eventAnswer(event: ExtensionEvent): ApiAnswer {
  return {
    status: '200 OK',
    headers: { 'Lambda-Extension-Event-Identifier': crypto.randomUUID() },
    body: event,
  }
}

const forbidden = (refusal: Refusal): ApiAnswer => ({ status: '403 Forbidden', body: refusal })
