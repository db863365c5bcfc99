// Whether an invocation's payload is JSON, with AWS's words when it is not. The words are those of
// the parser that AWS uses; where ours cannot know them it says where the fault is in the same
// form.

import { isUtf8 } from 'node:buffer'
import { ServiceError } from '@hearth/core/error'

const EMPTY_EVENT = Buffer.from('{}')
const VALUE_WORDS =
  "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"

/** The payload, or `{}` when there is none. @throws ServiceError InvalidRequestContentException. */
export function requireJson(payload: Uint8Array): Uint8Array {
  if (payload.length === 0) return EMPTY_EVENT
  if (!isUtf8(payload)) throw refuse(badByte(payload))
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('utf8')
  try {
    JSON.parse(text)
    return payload
  } catch {
    throw refuse(explain(text))
  }
}

interface Fault {
  what: string
  line: number
  column: number
}

function badByte(payload: Uint8Array): Fault {
  const index = firstBadByte(payload)
  const byte = payload[index] ?? 0
  const { line, column } = place(Buffer.from(payload.subarray(0, index)).toString('latin1'))
  return { what: `Invalid UTF-8 start byte 0x${byte.toString(16)}`, line, column }
}

function firstBadByte(payload: Uint8Array): number {
  let low = 0
  let high = payload.length
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (isUtf8(payload.subarray(0, middle))) low = middle
    else high = middle
  }
  return low
}

function explain(text: string): Fault {
  const { at, expected } = firstFault(text)
  const { line, column } = place(text.slice(0, at))
  const character = text[at]
  if (character === undefined) return { what: 'Unexpected end-of-input', line, column }
  const code = character.charCodeAt(0)
  const isControl = code < 32 || (code > 126 && code < 160)
  const shown = isControl ? `(CTRL-CHAR, code ${code})` : `'${character}' (code ${code})`
  return { what: `Unexpected character (${shown}): ${expected}`, line, column }
}

/** A mark, a string or another scalar, after any white space. */
const TOKEN =
  /[\s]*(?:([{}[\],:])|("(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null))/uy

type Place = 'after value' | 'colon' | 'key' | 'key or end' | 'value' | 'value or end'

/** Where a text stops being JSON: walks its tokens with the brackets that are open. */
function firstFault(text: string): { at: number; expected: string } {
  const open: string[] = []
  let want: Place = 'value'
  for (let at = 0; ; ) {
    TOKEN.lastIndex = at
    const found = TOKEN.exec(text)
    const start = at + (/^\s*/.exec(text.slice(at, at + 1000))?.[0].length ?? 0)
    const [, mark, string] = found ?? []
    const next: Place | undefined | null =
      found && step(want, mark ?? (string === undefined ? 'scalar' : 'string'), open)
    if (!next) return { at: start, expected: wordsFor(want) }
    want = next
    at = TOKEN.lastIndex
  }
}

/** The next place after a token, or undefined when the token may not stand here. */
function step(want: Place, token: string, open: string[]): Place | undefined {
  if (want === 'colon') return token === ':' ? 'value' : undefined
  if (want === 'key' || want === 'key or end') {
    if (token === 'string') return 'colon'
    return want === 'key or end' && token === '}' ? close(open) : undefined
  }
  if (want === 'after value') {
    const inside = open.at(-1)
    if (token === ',' && inside) return inside === '{' ? 'key' : 'value'
    const closes = (token === '}' && inside === '{') || (token === ']' && inside === '[')
    return closes ? close(open) : undefined
  }
  if (token === '{' || token === '[') {
    open.push(token)
    return token === '{' ? 'key or end' : 'value or end'
  }
  if (token === ']' && want === 'value or end') return close(open)
  return token === 'string' || token === 'scalar' ? 'after value' : undefined
}

function close(open: string[]): Place {
  open.pop()
  return 'after value'
}

function wordsFor(want: Place): string {
  if (want === 'key' || want === 'key or end')
    return 'was expecting double-quote to start field name'
  if (want === 'colon') return 'was expecting a colon to separate field name and value'
  if (want === 'after value') return 'was expecting comma to separate entries'
  return VALUE_WORDS
}

function place(before: string): { line: number; column: number } {
  const lines = before.split('\n')
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 }
}

function refuse({ what, line, column }: Fault): ServiceError {
  return new ServiceError(
    'InvalidRequestContentException',
    'Could not parse request body into json: Could not parse payload into json: ' +
      `${what}\n at [Source: REDACTED (\`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION\` disabled); ` +
      `line: ${line}, column: ${column}]`,
  )
}
