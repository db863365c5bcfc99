// Function URLs in the mode RESPONSE_STREAM: status, headers and cookies come from the function's
// prelude, if it sends one, and the body leaves as it is made. A failure before the head is a 502;
// one in the midst cuts the connection, which is all that HTTP has left to say.

import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { InvocationRequest } from '@hearth/core/invocation'
import type { Room } from '../body-room.ts'
import { send, sendAnswer } from '../http.ts'
import { badGateway, type HttpHead } from '../http-event.ts'
import { type Passed, passOn } from '../pass-on.ts'
import { afterPrelude, PRELUDE_TYPE } from '../prelude.ts'
import { withOwn } from '../url-headers.ts'
import { type InvokeParts, startHeader } from './invoke.ts'

/**
 * Runs the invocation and answers; `headers` are added to whatever the function sets. @throws as
 * the door does while nothing has been answered.
 */
export async function streamAnswer(
  response: ServerResponse,
  work: {
    invocation: InvocationRequest
    headers: Record<string, string>
    parts: InvokeParts
    room: Room
  },
): Promise<void> {
  let { headers } = work
  const begin = (head: HttpHead) => {
    response.writeHead(head.status, withOwn(head.headers, headers))
    response.flushHeaders()
  }
  let source: Readable | undefined
  let passing: Promise<Passed> | undefined
  try {
    const result = await work.parts.door.invoke(work.invocation, (head, body) => {
      source = body
      headers = { ...headers, ...startHeader(head) }
      if (head.contentType === PRELUDE_TYPE) {
        passing = passOn(afterPrelude(body, begin), response)
      } else {
        begin(plain(head.contentType))
        passing = passOn(body, response)
      }
    })
    headers = { ...headers, ...startHeader(result.report) }
    if (!passing && !result.functionError) {
      // As AWS has it: what a function returns in this mode is the body, whatever it looks like.
      const head = plain('application/json')
      const whole = { ...head, headers: { ...head.headers, ...headers }, body: result.payload }
      return sendAnswer(response, whole, work.room)
    }
    const passed = await passing
    if (passed === 'whole' && !result.functionError) response.end()
    else fail(response, headers)
  } catch (error) {
    source?.destroy()
    await passing
    if (!response.headersSent) throw error
    response.destroy()
  }
}

function fail(response: ServerResponse, headers: HttpHead['headers']): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const answer = badGateway()
  send(response, { ...answer, headers: { ...answer.headers, ...headers } })
}

/** A header value of the runtime's own making may hold anything. */
function plain(contentType: string): HttpHead {
  const isClean = /^[\x20-\x7e]{1,256}$/.test(contentType)
  return {
    status: 200,
    headers: { 'content-type': isClean ? contentType : 'application/octet-stream' },
  }
}
