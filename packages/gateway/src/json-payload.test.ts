// Payloads that are no JSON, in AWS's words.

import { expect, test } from 'vitest'
import { requireJson } from './json-payload.ts'

const WHERE =
  'at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column:'

test('nothing is an empty event', () => {
  expect(Buffer.from(requireJson(new Uint8Array(0))).toString()).toBe('{}')
})

test.each(['{}', ' [1, "ü"] ', 'null', '3.5', '"x"', 'true'])(
  '%s is handed on as it is',
  (text) => {
    const payload = Buffer.from(text)
    expect(requireJson(payload)).toBe(payload)
  },
)

test.each([
  [Buffer.from([0x6e, 0x2d, 0x87]), `Invalid UTF-8 start byte 0x87\n ${WHERE} 3]`],
  [
    Buffer.from('\u0099'),
    `Unexpected character ((CTRL-CHAR, code 153)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')\n ${WHERE} 1]`,
  ],
])('%j is refused as it was recorded', (payload, words) => {
  expect(() => requireJson(payload)).toThrow(
    `Could not parse request body into json: Could not parse payload into json: ${words}`,
  )
})

test.each(['{', '{"a"', '{"a":}', '[1,]', 'nul', '{"a":1}}', "{'a':1}"])(
  '%s is refused',
  (text) => {
    expect(() => requireJson(Buffer.from(text))).toThrow(/^Could not parse request body into json/)
  },
)

test.each([
  ['{"a":1,}', 8, 'double-quote to start field name'],
  ['{"a" 1}', 6, 'colon'],
  ['[1 2]', 4, 'comma'],
  ['[1,]', 4, 'valid value'],
  ['{} x', 4, 'comma'],
])('%s says where', (text, column, expected) => {
  const said = new RegExp(`${expected}.*column: ${column}\\]$`, 's')
  expect(() => requireJson(Buffer.from(text))).toThrow(said)
})
