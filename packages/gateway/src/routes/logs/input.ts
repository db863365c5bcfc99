// What requests to CloudWatch Logs say, member by member, refused in AWS's words where it cannot
// be; and which log group they mean, by its name or an ARN that ends in it.

import type { Place } from '@hearth/core/arn'
import { ServiceError } from '@hearth/core/error'
import type { LogGroup } from '@hearth/store/log-groups'
import type { LogPlace } from '@hearth/store/log-lines'
import type { Logs } from '@hearth/store/logs'

export type Input = Readonly<Record<string, unknown>>

export interface LogsCaller {
  place: Place
  requestId: string
  logs: Logs
}

/** What AWS's service model asks of a text. */
export interface TextRule {
  least?: number
  most?: number
  pattern?: RegExp
  /** AWS's own spelling of the pattern. */
  spelled?: string
  values?: readonly string[]
}

export const GROUP_NAME: TextRule = {
  least: 1,
  most: 512,
  pattern: /^[.\-_/#A-Za-z0-9]+$/,
  spelled: '[\\.\\-_/#A-Za-z0-9]+',
}
export const STREAM_NAME: TextRule = {
  least: 1,
  most: 512,
  pattern: /^[^:*]*$/,
  spelled: '[^:*]*',
}
export const IDENTIFIER: TextRule = {
  least: 1,
  most: 2_048,
  pattern: /^[\w#+=/:,.@-]*$/,
  spelled: '[\\w#+=/:,.@-]*',
}

export const refuse = (message: string) => new ServiceError('InvalidParameterException', message)

export function violation(member: string, value: unknown, rule: string): ServiceError {
  const shown = value === null ? 'null' : `'${value}'`
  return refuse(
    `1 validation error detected: Value ${shown} at '${member}' failed to satisfy constraint: ${rule}`,
  )
}

/** @throws ServiceError for what is no text, or not as the rule wants it. */
export function readText(input: Input, member: string, rule: TextRule = {}): string | undefined {
  const value = input[member]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') {
    throw new ServiceError('SerializationException', `${member} is not a string.`)
  }
  checkText(member, value, rule)
  return value
}

export function checkText(member: string, value: string, rule: TextRule): void {
  const fails = (text: string) => violation(member, value, text)
  if (value.length < (rule.least ?? 0)) {
    throw fails(`Member must have length greater than or equal to ${rule.least}`)
  }
  if (value.length > (rule.most ?? Number.POSITIVE_INFINITY)) {
    throw fails(`Member must have length less than or equal to ${rule.most}`)
  }
  if (rule.pattern && !rule.pattern.test(value)) {
    throw fails(`Member must satisfy regular expression pattern: ${rule.spelled}`)
  }
  if (rule.values && !rule.values.includes(value)) {
    throw fails(`Member must satisfy enum value set: [${rule.values.join(', ')}]`)
  }
}

export function requireText(input: Input, member: string, rule: TextRule = {}): string {
  const value = readText(input, member, rule)
  if (value === undefined) throw violation(member, null, 'Member must not be null')
  return value
}

/** @throws ServiceError for what is no whole number of the range. */
export function readInteger(
  input: Input,
  member: string,
  [least, most]: readonly [number, number],
): number | undefined {
  const value = input[member]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw new ServiceError('SerializationException', `${member} is not an integer.`)
  }
  const side = value < least ? `greater than or equal to ${least}` : `less than or equal to ${most}`
  if (value < least || value > most) {
    throw violation(member, value, `Member must have value ${side}`)
  }
  return value
}

/** A time in milliseconds since the epoch. */
export const readTime = (input: Input, member: string) =>
  readInteger(input, member, [0, Number.MAX_SAFE_INTEGER])

export function readList(
  input: Input,
  member: string,
  rule: TextRule & { countMax: number },
): string[] | undefined {
  const value = input[member]
  if (value === undefined || value === null) return undefined
  if (!Array.isArray(value) || value.some((one) => typeof one !== 'string')) {
    throw new ServiceError('SerializationException', `${member} is not a list of strings.`)
  }
  const shown = `[${value.join(', ')}]`
  if (value.length === 0) {
    throw violation(member, shown, 'Member must have length greater than or equal to 1')
  }
  if (value.length > rule.countMax) {
    const text = `Member must have length less than or equal to ${rule.countMax}`
    throw violation(member, shown, text)
  }
  for (const one of value) checkText(member, one, rule)
  return value
}

/** The name in an ARN, or the name. */
export const nameOf = (identifier: string) =>
  identifier.replace(/^arn:[^:]*:logs:[^:]*:\d*:log-group:/, '').replace(/:\*$/, '')

/** @throws ServiceError when the request names none, or one that is not there. */
export async function findGroup(input: Input, caller: LogsCaller): Promise<LogGroup> {
  const name = readText(input, 'logGroupName', GROUP_NAME)
  const identifier = readText(input, 'logGroupIdentifier', IDENTIFIER)
  if (name !== undefined && identifier !== undefined) {
    throw refuse('Only one of logGroupName and logGroupIdentifier can be specified.')
  }
  const given = name ?? (identifier && nameOf(identifier))
  if (given === undefined) throw violation('logGroupName', null, 'Member must not be null')
  return requireGroup(given, caller)
}

export async function requireGroup(name: string, { logs, place }: LogsCaller): Promise<LogGroup> {
  const group = await logs.groups.find(place.account, name)
  if (group) return group
  throw noSuchGroup()
}

export const noSuchGroup = () =>
  new ServiceError('ResourceNotFoundException', 'The specified log group does not exist.')

export const noSuchStream = () =>
  new ServiceError('ResourceNotFoundException', 'The specified log stream does not exist.')

export const arnOf = ({ account, region }: Place, group: string) =>
  `arn:aws:logs:${region}:${account}:log-group:${group}`

const SEQUENCE_DIGITS = 40
const INDEX_DIGITS = 16

/** A place as 56 digits, the way that AWS's ids of events look; they sort as places do. */
export const showPlace = ({ sequence, index }: LogPlace) =>
  String(sequence).padStart(SEQUENCE_DIGITS, '0') + String(index).padStart(INDEX_DIGITS, '0')

/** @throws ServiceError for what this file has not written. */
export function readPlace(token: string): LogPlace {
  if (!/^\d{56}$/.test(token)) throw refuse('The specified nextToken is invalid.')
  const sequence = Number(token.slice(0, SEQUENCE_DIGITS))
  const index = Number(token.slice(SEQUENCE_DIGITS))
  if (!Number.isSafeInteger(sequence) || !Number.isSafeInteger(index)) {
    throw refuse('The specified nextToken is invalid.')
  }
  return { sequence, index }
}

/** One page of things that have names, and a token for the next. */
export function pageOf<T>(
  all: readonly T[],
  nameOf: (one: T) => string,
  { limit, token }: { limit: number; token: string | undefined },
): { page: T[]; nextToken?: string } {
  const from = token === undefined ? 0 : startOf(all, nameOf, token)
  const page = all.slice(from, from + limit)
  const last = page.at(-1)
  if (last === undefined || from + limit >= all.length) return { page }
  const nextToken = Buffer.from(JSON.stringify([from + limit, nameOf(last)])).toString('base64url')
  return { page, nextToken }
}

/** Behind the last one of the page before; where that is gone, at its place. */
function startOf<T>(all: readonly T[], nameOf: (one: T) => string, token: string): number {
  try {
    const [offset, name] = JSON.parse(Buffer.from(token, 'base64url').toString())
    const at = all.findIndex((one) => nameOf(one) === name)
    if (Number.isInteger(offset)) return at < 0 ? offset : at + 1
  } catch {
    // As of any other text that is no token.
  }
  throw refuse('The specified nextToken is invalid.')
}
