// What the Runtime API answers, byte for byte: events, acceptances and refusals in AWS's shapes.
// Pure; when each is said is runtime-api's affair.

import type { Attempt } from './attempt.ts'
import type { ApiAnswer } from './extensions-api.ts'

export const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n')
export const ACCEPTED = render('202 Accepted', '{"status":"OK"}\n')
export const RESTORED = render('200 OK', '{}')

export const REFUSED_PATH = refusal('404 Not Found', 'InvalidRequest', 'No such path')
export const REFUSED_SYNTAX = refusal(
  '400 Bad Request',
  'InvalidRequest',
  'The request is not valid HTTP/1.1',
)
export const REFUSED_ID = refusal('400 Bad Request', 'InvalidRequestID', 'Invalid request ID')
export const REFUSED_NOW = refusal(
  '403 Forbidden',
  'InvalidStateTransition',
  'The runtime may not do this now',
)

export function refusedSize(bytesMax: number): Buffer {
  const message = `Exceeded maximum allowed payload size (${bytesMax} bytes).`
  return refusal('413 Payload Too Large', 'RequestEntityTooLarge', message)
}

export const specialised = (environment: Record<string, string>): Buffer =>
  render('200 OK', JSON.stringify({ environment }))

export const fromExtensionsApi = ({ status, headers, body }: ApiAnswer): Buffer =>
  render(status, JSON.stringify(body), headers)

/** What comes before an event's payload; `deadline` in milliseconds since the epoch. */
export function eventHead({ message, payload }: Attempt, deadline: number): Buffer {
  const { traceId, clientContext, tenantId } = message
  return Buffer.from(
    'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n' +
      `Content-Length: ${payload.length}\r\n` +
      `Lambda-Runtime-Aws-Request-Id: ${message.requestId}\r\n` +
      `Lambda-Runtime-Deadline-Ms: ${deadline}\r\n` +
      `Lambda-Runtime-Invoked-Function-Arn: ${oneLine(message.invokedArn)}\r\n` +
      (traceId ? `Lambda-Runtime-Trace-Id: ${oneLine(traceId)}\r\n` : '') +
      (tenantId ? `Lambda-Runtime-Aws-Tenant-Id: ${oneLine(tenantId)}\r\n` : '') +
      (clientContext ? `Lambda-Runtime-Client-Context: ${oneLine(clientContext)}\r\n` : '') +
      '\r\n',
  )
}

function refusal(status: string, errorType: string, errorMessage: string): Buffer {
  return render(status, JSON.stringify({ errorMessage, errorType }))
}

function render(
  status: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Buffer {
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\n${more.join('')}` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

/** Header values carry no line ends; the client context is JSON, where they mean nothing. */
function oneLine(text: string): string {
  return /[\r\n\0]/.test(text) ? text.replaceAll(/[\r\n\0]/g, ' ') : text
}
