// InvokeWithResponseStream: as Invoke, but the answer leaves as events while the function makes it.
// Whatever is wrong before the first event is an ordinary API error; afterwards InvokeComplete
// tells, so that a stream never ends silently. A function that does not stream is one chunk.

import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { InvocationRequest, Start } from '@hearth/core/invocation'
import { EVENT_STREAM_TYPE, invokeComplete, outcomeOf, payloadChunk } from '../event-stream.ts'
import { send, splitUrl } from '../http.ts'
import { type Passed, passOn } from '../pass-on.ts'
import { renderError } from '../wire-errors.ts'
import { type InvokeParts, readInvocation, requireInvokable, startHeader } from './invoke.ts'

const PATH = /^\/2021-11-15\/functions\/[^/]+\/response-streaming-invocations\/?$/
const LOST = invokeComplete({
  ErrorCode: 'ServiceException',
  ErrorDetails: JSON.stringify({
    errorType: 'ServiceException',
    errorMessage: 'The scheduler was lost while the function ran.',
  }),
})

/** Whether a request is for this route. */
export function isStreamingInvoke(request: IncomingMessage): boolean {
  return request.method === 'POST' && PATH.test(splitUrl(request.url ?? '').path)
}

export async function handleStreamingInvoke(
  request: IncomingMessage,
  response: ServerResponse,
  parts: InvokeParts,
): Promise<void> {
  const requestId = randomUUID()
  try {
    const { invocation, type } = await readInvocation(request, requestId, parts)
    if (type !== 'DryRun') return await stream(response, invocation, parts)
    requireInvokable(invocation, parts)
    send(response, { status: 204, headers: { 'x-amzn-requestid': requestId }, body: '' })
  } catch (error) {
    parts.refused(error)
    if (response.headersSent) response.destroy()
    else send(response, renderError(error, requestId))
  }
}

async function stream(
  response: ServerResponse,
  invocation: InvocationRequest,
  parts: InvokeParts,
): Promise<void> {
  const begin = (executedVersion: string, start: Start) => {
    const own = { 'x-amz-executed-version': executedVersion, ...startHeader(start) }
    begun(response, invocation, own)
  }
  let source: Readable | undefined
  let passing: Promise<Passed> | undefined
  try {
    const result = await parts.door.invoke({ ...invocation, kind: 'stream' }, (head, body) => {
      begin(head.executedVersion, head)
      source = body
      passing = passOn(body, response, payloadChunk)
    })
    if (!passing) {
      begin(result.executedVersion, result.report)
      if (!result.functionError) response.write(payloadChunk(result.payload))
    }
    const passed = await passing
    response.end(passed === 'broken' ? LOST : invokeComplete(outcomeOf(result)))
  } catch (error) {
    if (!passing) throw error
    source?.destroy()
    await passing
    response.end(LOST)
  }
}

function begun(
  response: ServerResponse,
  { requestId, traceId }: InvocationRequest,
  headers: Record<string, string>,
): void {
  response.writeHead(200, {
    'content-type': EVENT_STREAM_TYPE,
    'x-amzn-requestid': requestId,
    ...headers,
    ...(traceId !== undefined && { 'x-amzn-trace-id': traceId }),
  })
  response.flushHeaders()
}
