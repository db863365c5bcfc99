// CloudWatch Logs' filter patterns: what FilterLogEvents and Live Tail show of a log. Pure. Four
// forms: terms (all, ?any, -none, in quotes what has blanks), %regular expressions%, `{ ... }` for
// lines of JSON, and `[a, b = 5*, ...]` for lines of fields (AWS's "Filter pattern syntax").

import { ServiceError } from './error.ts'
import { Cursor, PatternFault, parseExpression } from './log-expression.ts'
import { parseFields } from './log-fields.ts'
import { parseRegex } from './log-regex.ts'

/** Whether a message is asked for. */
export type LogPattern = (message: string) => boolean

/** Characters that a pattern may have (CloudWatch Logs API, "FilterPattern"). */
const LENGTH_MAX = 1_024

/** @throws ServiceError InvalidParameterException for whatever is no pattern. */
export function parseLogPattern(text: string): LogPattern {
  try {
    if (text.length > LENGTH_MAX) throw new PatternFault('too long')
    const pattern = text.trim()
    if (pattern.startsWith('{')) return jsonPattern(pattern)
    if (pattern.startsWith('[')) return parseFields(pattern)
    return termsPattern(pattern)
  } catch (cause) {
    if (!(cause instanceof PatternFault)) throw cause
    const text = `Invalid filter pattern: ${cause.message}`
    throw new ServiceError('InvalidParameterException', text, { cause })
  }
}

/** A sign, and then a phrase, a regular expression or a word. */
const TERM = /\s*([?-]?)(?:"((?:\\.|[^"\\])*)"|%((?:\\.|[^%\\])+)%|([^\s"%?-]\S*))(?=\s|$)/y

/**
 * All that is plain must be there, and nothing that is excluded. Terms with a question mark count
 * only where there are no others, as on AWS.
 */
function termsPattern(pattern: string): LogPattern {
  const terms: Record<string, LogPattern[]> = { '': [], '?': [], '-': [] }
  TERM.lastIndex = 0
  while (TERM.lastIndex < pattern.length) {
    const at = TERM.lastIndex
    const [, sign = '', phrase, regex, word] = TERM.exec(pattern) ?? []
    if (TERM.lastIndex <= at) throw new PatternFault(`what is at ${at} is no term`)
    const text = phrase?.replace(/\\(.)/g, '$1') ?? word ?? ''
    terms[sign]?.push(regex === undefined ? (message) => message.includes(text) : parseRegex(regex))
  }
  const { '': all = [], '?': any = [], '-': none = [] } = terms
  if (all.length + none.length === 0 && any.length > 0) {
    return (message) => any.some((fits) => fits(message))
  }
  return (message) => all.every((fits) => fits(message)) && !none.some((fits) => fits(message))
}

function jsonPattern(pattern: string): LogPattern {
  const cursor = new Cursor(pattern)
  cursor.expect('{')
  const fits = parseExpression(cursor, selector)
  cursor.expect('}')
  cursor.end()
  return (message) => {
    const value = readJson(message)
    return value !== undefined && fits(value)
  }
}

/** Most lines are no JSON; a look at the first character is cheaper than an exception. */
function readJson(message: string): unknown {
  if (!/^\s*[{[]/.test(message)) return undefined
  try {
    return JSON.parse(message)
  } catch {
    return undefined
  }
}

const KEY = /\.([^\s.[\]=!<>()&|{}]+)|\[\s*(?:"([^"]*)"|'([^']*)'|(\d+)|(\*))\s*\]/y

/** `$.a.b[0]["c.d"][*].e`: the values that are there, none where one of the way is not. */
function selector(cursor: Cursor): (event: unknown) => unknown[] {
  cursor.expect('$')
  const keys: string[] = []
  for (let found = cursor.take(KEY); found; found = cursor.take(KEY)) {
    keys.push(found.slice(1).find((part) => part !== undefined) ?? '')
  }
  if (keys.length === 0) throw new PatternFault('a selector without a property')
  return (event) => keys.reduce<unknown[]>((values, key) => values.flatMap(below(key)), [event])
}

const below =
  (key: string) =>
  (value: unknown): unknown[] => {
    if (typeof value !== 'object' || value === null) return []
    if (key === '*' && Array.isArray(value)) return value
    return Object.hasOwn(value, key) ? [(value as Record<string, unknown>)[key]] : []
  }
