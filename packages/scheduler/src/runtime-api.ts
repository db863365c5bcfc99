// The Lambda Runtime API, version 2018-06-01, as one execution environment offers it to its own runtime. The
// code on the other side is hostile by assumption: paths are matched, bodies are capped, and what does not fit
// the moment is refused with AWS's error shapes.

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { RESPONSE_BYTES_MAX } from '@hearth/core/invocation'

/** What one invocation looks like to the runtime. */
export interface RuntimeInvocation {
  requestId: string
  payload: Uint8Array
  invokedArn: string
  /** Milliseconds since the epoch. */
  deadline: number
  traceId?: string
  clientContext?: string
}

/** Hands an invocation to a runtime that waits for it. */
export type Parked = (invocation: RuntimeInvocation) => void

/** What the environment makes of the runtime's requests. */
export interface RuntimeSide {
  /** The runtime asks for work. @returns false when it may not, such as twice at a time. */
  next(parked: Parked): boolean
  /** @returns false when no such invocation runs (any more). */
  respond(requestId: string, body: Buffer): boolean
  fail(requestId: string, body: Buffer): boolean
  respondTooLarge(requestId: string): boolean
  initFailed(body: Buffer): boolean
}

const PREFIX = '/2018-06-01/runtime'
const NEXT = `${PREFIX}/invocation/next`
const INIT_ERROR = `${PREFIX}/init/error`
const ANSWER = /^\/2018-06-01\/runtime\/invocation\/([0-9a-zA-Z-]{1,64})\/(response|error)$/
const ACCEPTED = Buffer.from('{"status":"OK"}\n')
/** An error report is a few stack traces; more is not read. */
const ERROR_BYTES_MAX = 256 * 1024

/** One environment's listener; it keeps requests in order. */
export function runtimeApi(side: RuntimeSide): RequestListener {
  // A bootstrap sends its answer and the request for more together, and node:http announces the second before it
  // has delivered the first one's body.
  let answering = 0
  let parked: (() => void) | undefined
  const answered = () => {
    answering -= 1
    if (answering > 0 || !parked) return
    parked()
    parked = undefined
  }
  return (request, response) => {
    const path = request.url ?? ''
    if (request.method === 'GET' && path === NEXT) {
      if (answering === 0) return next(side, request, response)
      if (parked) return refuse(response, 403, 'InvalidStateTransition')
      parked = () => next(side, request, response)
      return
    }
    if (request.method !== 'POST') return refuse(response, 404, 'InvalidRequest')
    answering += 1
    request.once('close', answered)
    if (path === INIT_ERROR) {
      return collect(request, ERROR_BYTES_MAX, (body) => {
        settle(response, side.initFailed(body ?? Buffer.alloc(0)))
      })
    }
    const match = ANSWER.exec(path)
    if (!match?.[1]) return refuse(response, 404, 'InvalidRequest')
    answer(side, { requestId: match[1], isError: match[2] === 'error', request, response })
  }
}

function next(side: RuntimeSide, request: IncomingMessage, response: ServerResponse): void {
  request.resume()
  const parked = side.next((invocation) => {
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Content-Length': invocation.payload.length,
      'Lambda-Runtime-Aws-Request-Id': invocation.requestId,
      'Lambda-Runtime-Deadline-Ms': invocation.deadline,
      'Lambda-Runtime-Invoked-Function-Arn': invocation.invokedArn,
      ...(invocation.traceId && { 'Lambda-Runtime-Trace-Id': invocation.traceId }),
      ...(invocation.clientContext && {
        'Lambda-Runtime-Client-Context': oneLine(invocation.clientContext),
      }),
    })
    response.end(invocation.payload)
  })
  if (!parked) refuse(response, 403, 'InvalidStateTransition')
}

function answer(
  side: RuntimeSide,
  post: {
    requestId: string
    isError: boolean
    request: IncomingMessage
    response: ServerResponse
  },
): void {
  const { requestId, isError, request, response } = post
  collect(request, RESPONSE_BYTES_MAX, (body) => {
    if (!body) {
      const known = side.respondTooLarge(requestId)
      if (!known) return refuse(response, 400, 'InvalidRequestID')
      const message = `Exceeded maximum allowed payload size (${RESPONSE_BYTES_MAX} bytes).`
      return refuse(response, 413, 'RequestEntityTooLarge', message)
    }
    const known = isError ? side.fail(requestId, body) : side.respond(requestId, body)
    if (known) accept(response)
    else refuse(response, 400, 'InvalidRequestID')
  })
}

/** Reads a body; gives undefined when it is larger than `bytesMax`, after reading it to its end. */
function collect(
  request: IncomingMessage,
  bytesMax: number,
  take: (body: Buffer | undefined) => void,
): void {
  const chunks: Buffer[] = []
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= bytesMax) chunks.push(chunk)
    else chunks.length = 0
  })
  request.on('end', () => {
    if (bytes > bytesMax) take(undefined)
    else take(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks))
  })
}

function settle(response: ServerResponse, known: boolean): void {
  if (known) accept(response)
  else refuse(response, 403, 'InvalidStateTransition')
}

function accept(response: ServerResponse): void {
  response.writeHead(202, {
    'Content-Type': 'application/json',
    'Content-Length': ACCEPTED.length,
  })
  response.end(ACCEPTED)
}

function refuse(
  response: ServerResponse,
  status: number,
  errorType: string,
  errorMessage = errorType,
): void {
  const body = Buffer.from(JSON.stringify({ errorMessage, errorType }))
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length })
  response.end(body)
}

/** Header values carry no line ends; the client context is JSON, where they mean nothing. */
function oneLine(text: string): string {
  return Buffer.from(text.replaceAll(/[\r\n]/g, ' ')).toString('latin1')
}
