// Whether an invocation's payload is JSON, with AWS's words when it is not. The words are those of
// the parser that AWS uses; where ours cannot know them it says where the fault is in the same
// form.

import { isUtf8 } from 'node:buffer'
import { ServiceError } from '@hearth/core/error'

const EMPTY_EVENT = Buffer.from('{}')
const START_OF_VALUE = /[\s{["\-0-9tfn]/

/** The payload, or `{}` when there is none. @throws ServiceError InvalidRequestContentException. */
export function requireJson(payload: Uint8Array): Uint8Array {
  if (payload.length === 0) return EMPTY_EVENT
  if (!isUtf8(payload)) throw refuse(badByte(payload))
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('utf8')
  try {
    JSON.parse(text)
    return payload
  } catch (error) {
    throw refuse(explain(text, String(error)))
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
  return { what: `Invalid UTF-8 start byte 0x${byte.toString(16)}`, line, column: column + 1 }
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

function explain(text: string, message: string): Fault {
  const at = Number(/position (\d+)/.exec(message)?.[1] ?? text.length)
  const character = text[at]
  const { line, column } = place(text.slice(0, at))
  if (character === undefined) {
    return { what: 'Unexpected end-of-input', line, column: column + 1 }
  }
  const code = character.charCodeAt(0)
  const shown =
    code < 32 || (code > 126 && code < 160)
      ? `CTRL-CHAR, code ${code}`
      : `'${character}' (code ${code})`
  const expected = START_OF_VALUE.test(character)
    ? 'was expecting comma to separate entries'
    : "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
  return {
    what: `Unexpected character (${shown.startsWith("'") ? shown : `(${shown})`}): ${expected}`,
    line,
    column: column + 1,
  }
}

function place(before: string): { line: number; column: number } {
  const lines = before.split('\n')
  return { line: lines.length, column: lines.at(-1)?.length ?? 0 }
}

function refuse({ what, line, column }: Fault): ServiceError {
  return new ServiceError(
    'InvalidRequestContentException',
    'Could not parse request body into json: Could not parse payload into json: ' +
      `${what}\n at [Source: REDACTED (\`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION\` disabled); ` +
      `line: ${line}, column: ${column}]`,
  )
}
