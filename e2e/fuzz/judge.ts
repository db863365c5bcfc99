// What is wrong with an answer, whatever was asked: a 5xx, a refusal that no SDK could read, a code
// that AWS does not have, a success that is not what the model says. Pure.

import * as sdk from '@aws-sdk/client-lambda'
import { NormalizedSchema } from '@smithy/core/schema'
import type { OPERATIONS } from '../../packages/gateway/src/contract.ts'
import type { Asked } from './requests.ts'

export interface Answered {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}

type Operation = typeof OPERATIONS extends ReadonlyMap<string, infer O> ? O : never

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** Lambda's own, as its SDK knows them, and those that AWS's front has for every service. */
const CODES = new Set([
  ...Object.keys(sdk).filter((name) => name.endsWith('Exception')),
  ...['AccessDeniedException', 'ExpiredTokenException', 'IncompleteSignatureException'],
  ...['InvalidSignatureException', 'MissingAuthenticationTokenException', 'ValidationException'],
  ...['SerializationException', 'UnknownOperationException', 'UnrecognizedClientException'],
  ...['NotImplementedException', 'ServiceUnavailableException', 'RequestEntityTooLargeException'],
  // Of CloudWatch Logs and Application Auto Scaling.
  ...['InvalidParameterException', 'ResourceAlreadyExistsException', 'LimitExceededException'],
  ...['ObjectNotFoundException', 'TooManyTagsException'],
  // Of IAM and STS, in whose protocol they have no `Exception`.
  ...['AccessDenied', 'DeleteConflict', 'EntityAlreadyExists', 'InvalidAction', 'InvalidInput'],
  ...['LimitExceeded', 'MalformedPolicyDocument', 'NoSuchEntity', 'NotImplemented'],
  ...['SignatureDoesNotMatch', 'ValidationError'],
])
/** Nobody who could tell is there: the source is nowhere (pools), and that is said. */
const MAY_BE_UNAVAILABLE = ['CreateEventSourceMapping', 'UpdateEventSourceMapping']
const NO_BUCKETS = /Error occurred while GetObject\. S3 did not answer/
/** A head may have 16 KB, its lines that are not of the request's own making included. */
const LONG_HEAD_BYTES = 15 * 1024
/** Node's own answer, before anybody has read a request. */
const HEAD_TOO_LARGE = 431
/** AWS answers 204 although its model says 200. */
const BODILESS = 204
// biome-ignore lint/suspicious/noControlCharactersInRegex: XML has no place for these.
const NO_XML = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/

export function faultsOf(asked: Asked, answer: Answered, operation?: Operation): string[] {
  const { status } = answer
  if (status === HEAD_TOO_LARGE && headBytes(asked) > LONG_HEAD_BYTES) return []
  const id = answer.headers['x-amzn-requestid']
  const faults = UUID.test(String(id)) ? [] : ['no x-amzn-RequestId']
  if (status >= 400) return [...faults, ...refusalFaults(asked, answer)]
  if (status < 200 || status >= 300) return [...faults, `status ${status}`]
  if (asked.service === 'iam' || asked.service === 'sts') return [...faults, ...xmlFaults(answer)]
  if (!operation || status === BODILESS) return faults
  return [...faults, ...outputFaults(operation, answer)]
}

function headBytes({ path, query, headers }: Asked): number {
  const texts = [...query, ...Object.entries(headers)].flat()
  return texts.reduce((sum, text) => sum + encodeURIComponent(text).length, path.length)
}

function refusalFaults(asked: Asked, answer: Answered): string[] {
  const { status, body } = answer
  const text = body.toString()
  const isXml = asked.service === 'iam' || asked.service === 'sts'
  const code = isXml
    ? /<Code>([^<]+)<\/Code>/.exec(text)?.[1]
    : String(answer.headers['x-amzn-errortype'] ?? '')
  const faults = isXml ? xmlFaults(answer) : messageFaults(text)
  if (!code || !CODES.has(code)) faults.push(`code ${code}`)
  const isHonest =
    (status === 501 && code?.startsWith('NotImplemented')) ||
    (status === 503 && (MAY_BE_UNAVAILABLE.includes(asked.operation) || NO_BUCKETS.test(text)))
  if (status >= 500 && !isHonest) faults.push(`status ${status}: ${text.slice(0, 200)}`)
  return faults
}

function messageFaults(text: string): string[] {
  try {
    const { message, Message } = JSON.parse(text)
    return typeof (message ?? Message) === 'string' ? [] : ['no message']
  } catch {
    return [`no JSON: ${text.slice(0, 100)}`]
  }
}

function xmlFaults({ body }: Answered): string[] {
  const text = body.toString()
  if (NO_XML.test(text)) return ['characters that XML does not have']
  return /^<(\w+)[ >][\s\S]*<\/\1>$/.test(text) && !/undefined|\[object/.test(text)
    ? []
    : [`no XML: ${text.slice(0, 200)}`]
}

function outputFaults({ output, status }: Operation, answer: Answered): string[] {
  const schema = NormalizedSchema.of(output)
  const members = schema.isStructSchema() ? [...schema.structIterator()] : []
  const traits = members.map(([, member]) => member.getMergedTraits())
  const faults =
    answer.status === status || traits.some(({ httpResponseCode }) => httpResponseCode)
      ? []
      : [`status ${answer.status} in the place of ${status}`]
  if (traits.some(({ httpPayload }) => httpPayload)) return faults
  try {
    return [...faults, ...misfits(schema, JSON.parse(answer.body.toString() || '{}'), '')]
  } catch {
    return [...faults, 'no JSON']
  }
}

/** Where a value is not of the kind that the model says. */
export function misfits(schema: NormalizedSchema, value: unknown, at: string): string[] {
  const wrong = [`${at || 'the body'} is ${JSON.stringify(value)?.slice(0, 50)}`]
  if (schema.isStructSchema()) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong
    const given = value as Record<string, unknown>
    return [...schema.structIterator()].flatMap(([name, member]) =>
      Object.hasOwn(given, name) ? misfits(member, given[name], `${at}.${name}`) : [],
    )
  }
  if (schema.isListSchema()) {
    if (!Array.isArray(value)) return wrong
    return value.flatMap((one, index) => misfits(schema.getValueSchema(), one, `${at}[${index}]`))
  }
  if (schema.isMapSchema()) {
    if (typeof value !== 'object' || value === null) return wrong
    return Object.entries(value).flatMap(([key, one]) =>
      misfits(schema.getValueSchema(), one, `${at}.${key}`),
    )
  }
  if (schema.isBooleanSchema()) return typeof value === 'boolean' ? [] : wrong
  const isNumber = schema.isNumericSchema() || schema.isTimestampSchema()
  // Lambda's own dates are text where the model says so.
  if (isNumber) return typeof value === 'number' ? [] : wrong
  return typeof value === 'string' ? [] : wrong
}
