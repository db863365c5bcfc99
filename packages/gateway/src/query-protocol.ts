// AWS's query protocol, which IAM and STS speak: a form names the action, the answer is XML. Only
// bytes in and out; what an action does is in routes/identity-queries.

import { type ErrorCode, ServiceError } from '@hearth/core/error'
import type { WireAnswer } from './contract.ts'
import { statusOf } from './wire-errors.ts'

/** What is asked of which service, which its API's version tells. */
export interface Query {
  action: string
  service: 'iam' | 'sts'
  form: URLSearchParams
}

/** A list's members, or text, or what is inside; undefined is left out. */
export type Xml = string | number | boolean | undefined | readonly Xml[] | { [name: string]: Xml }

const NAMESPACES = {
  iam: 'https://iam.amazonaws.com/doc/2010-05-08/',
  sts: 'https://sts.amazonaws.com/doc/2011-06-15/',
} as const
const VERSIONS: ReadonlyMap<string, Query['service']> = new Map([
  ['2010-05-08', 'iam'],
  ['2011-06-15', 'sts'],
])
/** Refusals whose names this protocol has otherwise. */
const NAMES: Readonly<Partial<Record<ErrorCode, string>>> = {
  InvalidParameterValueException: 'InvalidInput',
  InvalidSignatureException: 'SignatureDoesNotMatch',
  ServiceException: 'ServiceFailure',
  UnknownOperationException: 'InvalidAction',
  UnrecognizedClientException: 'InvalidClientTokenId',
  ValidationException: 'ValidationError',
}
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: a refusal may show what a caller sent.
const NOT_IN_XML = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/gu

export const isQuery = (contentType: string | undefined) =>
  contentType?.startsWith('application/x-www-form-urlencoded') ?? false

/** @throws ServiceError for what is no query of a service that Hearth has. */
export function readQuery(body: Uint8Array): Query {
  const form = new URLSearchParams(Buffer.from(body).toString())
  const action = form.get('Action') ?? ''
  const version = form.get('Version') ?? ''
  const service = VERSIONS.get(version)
  if (service && action) return { action, service, form }
  throw new ServiceError(
    'UnknownOperationException',
    `Could not find operation ${action} for version ${version || 'NO_VERSION_SPECIFIED'}`,
  )
}

/** `Name.member.1`, `Name.member.2` and so on, each with its parts where it has some. */
export function readMembers(form: URLSearchParams, name: string): Record<string, string>[] {
  const members: Record<string, string>[] = []
  for (const [key, value] of form) {
    const [, index, part = ''] =
      new RegExp(`^${name}\\.member\\.(\\d{1,3})(?:\\.(\\w+))?$`).exec(key) ?? []
    if (index === undefined) continue
    members[Number(index)] = { ...members[Number(index)], [part]: value }
  }
  return members.filter((member) => member !== undefined)
}

/** `result` is absent where an action has nothing to say. */
export function renderQuery(
  { action, service }: Query,
  result: Xml | undefined,
  requestId: string,
): WireAnswer {
  const inside = {
    ...(result !== undefined && { [`${action}Result`]: result }),
    ResponseMetadata: { RequestId: requestId },
  }
  const body = `<${action}Response xmlns="${NAMESPACES[service]}">${write(inside)}</${action}Response>`
  return { status: 200, headers: { 'content-type': 'text/xml' }, body }
}

/** Never throws; anything but a ServiceError becomes a 500 that tells nothing. */
export function renderQueryError(error: unknown, requestId: string): WireAnswer {
  if (!(error instanceof ServiceError)) console.error(`request ${requestId} failed:`, error)
  const { code, message } =
    error instanceof ServiceError
      ? error
      : new ServiceError('ServiceException', 'Service encountered an internal error.')
  const status = statusOf(code)
  const inside = {
    Error: {
      Type: status < 500 ? 'Sender' : 'Receiver',
      Code: NAMES[code] ?? code.replace(/Exception$/, ''),
      Message: message,
    },
    RequestId: requestId,
  }
  const body = `<ErrorResponse xmlns="${NAMESPACES.iam}">${write(inside)}</ErrorResponse>`
  const headers = { 'content-type': 'text/xml', 'x-amzn-requestid': requestId }
  return { status, headers, body }
}

function write(value: Xml): string {
  if (value === undefined) return ''
  if (isList(value)) return value.map((one) => `<member>${write(one)}</member>`).join('')
  if (typeof value !== 'object') {
    return String(value)
      .replaceAll(NOT_IN_XML, '\ufffd')
      .replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? '')
  }
  return Object.entries(value)
    .filter(([, inside]) => inside !== undefined)
    .map(([name, inside]) => `<${name}>${write(inside)}</${name}>`)
    .join('')
}

/** Array.isArray does not tell a read-only list from what is none. */
const isList = (value: Xml): value is readonly Xml[] => Array.isArray(value)
