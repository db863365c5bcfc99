// The events as AWS's own decoder reads them, and what InvokeComplete says of each kind of result.

import type { InvocationResult } from '@hearth/core/invocation'
import { EventStreamCodec } from '@smithy/core/event-streams'
import { expect, test } from 'vitest'
import { invokeComplete, outcomeOf, payloadChunk } from './event-stream.ts'

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes).toString(),
  (text) => Buffer.from(text),
)

function decode(frame: Uint8Array) {
  const { headers, body } = codec.decode(frame)
  const values = Object.entries(headers).map(([name, { value }]) => [name, value])
  return { ...Object.fromEntries(values), body: Buffer.from(body).toString() }
}

const result = (changes: Partial<InvocationResult>): InvocationResult => ({
  requestId: 'id',
  executedVersion: '1',
  payload: Buffer.from(''),
  report: { start: 'warm', outcome: 'success', durationMs: 1, billedMs: 1, maxMemoryMb: 1 },
  ...changes,
})
const failed = (body: string) =>
  outcomeOf(result({ functionError: 'Unhandled', payload: Buffer.from(body) }))

test('a chunk is its bytes, and the end is JSON', () => {
  expect(decode(payloadChunk(Buffer.from('ab')))).toEqual({
    ':message-type': 'event',
    ':event-type': 'PayloadChunk',
    ':content-type': 'application/octet-stream',
    body: 'ab',
  })
  expect(decode(invokeComplete({ ErrorCode: 'E' }))).toEqual({
    ':message-type': 'event',
    ':event-type': 'InvokeComplete',
    ':content-type': 'application/json',
    body: '{"ErrorCode":"E"}',
  })
})

test('a result that is well says nothing, except its log when that was wanted', () => {
  expect(outcomeOf(result({}))).toEqual({})
  expect(outcomeOf(result({ logTail: 'END' }))).toEqual({ LogResult: btoa('END') })
})

test.each([
  ['{"errorType":"Sandbox.Timedout"}', 'Sandbox.Timedout'],
  ['{"errorType":"Runtime.ExitError"}', 'Runtime.ExitError'],
  ['{"errorType":"Function.ResponseSizeTooLarge"}', 'Function.ResponseSizeTooLarge'],
  ['{"errorType":"TypeError"}', 'Unhandled'],
  ['{"errorType":"My.Error"}', 'Unhandled'],
  ['{"errorType":{"a":1}}', 'Unhandled'],
  ['not JSON', 'Unhandled'],
  ['null', 'Unhandled'],
])('the error %s has the code %s', (body, code) => {
  expect(failed(body)).toEqual({ ErrorCode: code, ErrorDetails: body })
})
