// The Runtime API as a runtime meets it: AWS's headers and answers, one write for a result and the
// next event, and refusals for a client that does what it should not.

import { type Duplex, duplexPair } from 'node:stream'
import { RESPONSE_BYTES_MAX } from '@hearth/core/invocation'
import { beforeEach, expect, test } from 'vitest'
import type { Attempt } from './attempt.ts'
import { type Parked, type RuntimeSide, serveRuntime } from './runtime-api.ts'
import { makeMessage, makeVersion } from './scheduler-harness.ts'

const API = '/2018-06-01/runtime'
const NEXT = `GET ${API}/invocation/next HTTP/1.1\r\n\r\n`

let runtime: Duplex
let socket: Duplex
let received: string[]
let heard: string[]
let parked: Parked | undefined
let current: string | undefined

beforeEach(() => {
  received = []
  heard = []
  parked = undefined
  current = undefined
  ;[socket, runtime] = duplexPair()
  runtime.on('data', (chunk) => received.push(String(chunk)))
  serveRuntime({ side }, socket)
})

const answer = (what: string) => (requestId: string, body?: Buffer) => {
  if (requestId !== current) return false
  heard.push(`${what} ${requestId} ${body ?? ''}`)
  current = undefined
  return true
}
const side: RuntimeSide = {
  specialisation: () => false,
  next(next) {
    if (parked) return false
    parked = next
    return true
  },
  hungUp: () => heard.push('hung up'),
  expects: (requestId) => {
    if (requestId === current) return 'answer'
    return requestId === 'old' ? 'no more' : 'nothing'
  },
  respond: answer('respond'),
  fail: answer('fail'),
  respondTooLarge: answer('too large'),
  initFailed(body) {
    heard.push(`init ${body}`)
    return true
  },
}

function deliver(requestId: string, changes: Partial<Attempt['message']> = {}): void {
  const message = { ...makeMessage(makeVersion({})), requestId, invokedArn: 'arn:x', ...changes }
  const next = parked
  parked = undefined
  current = requestId
  next?.(
    { message, payload: Buffer.from('{"a":1}'), began() {}, finished() {}, failed() {} },
    1_700_000_000_000,
  )
}
const post = (path: string, body: string) =>
  `POST ${API}${path} HTTP/1.1\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
const settled = () => new Promise((resolve) => setTimeout(resolve, 30))
const status = (text: string | undefined) => text?.split('\r\n')[0]

test('an event has AWS’s headers, and nothing can be smuggled into them', async () => {
  runtime.write(NEXT)
  await settled()
  deliver('id-1', { traceId: 'Root=1\r\nX: y', clientContext: '{"a":\n1}' })
  await settled()
  expect(received).toEqual([
    'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n' +
      'Lambda-Runtime-Aws-Request-Id: id-1\r\nLambda-Runtime-Deadline-Ms: 1700000000000\r\n' +
      'Lambda-Runtime-Invoked-Function-Arn: arn:x\r\n' +
      'Lambda-Runtime-Trace-Id: Root=1  X: y\r\n' +
      'Lambda-Runtime-Client-Context: {"a": 1}\r\n\r\n{"a":1}',
  ])
})

test('a result and the request for more are answered in one write', async () => {
  runtime.write(NEXT)
  await settled()
  deliver('id-1')
  runtime.write(post('/invocation/id-1/response', '"done"') + NEXT)
  await settled()
  expect(heard).toEqual(['respond id-1 "done"'])
  expect(received).toHaveLength(1)
  deliver('id-2')
  await settled()
  expect(received).toHaveLength(2)
  expect(received[1]).toMatch(/^HTTP\/1.1 202 Accepted\r\n[^{]*{"status":"OK"}\nHTTP\/1.1 200 OK/)
})

test('a result alone is answered at once, on whatever connection', async () => {
  current = 'id-1'
  runtime.write(post('/invocation/id-1/error', '{"errorType":"E"}'))
  await settled()
  expect(heard).toEqual(['fail id-1 {"errorType":"E"}'])
  expect(received).toEqual([
    'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n' +
      '{"status":"OK"}\n',
  ])
})

test.each([
  ['an unknown invocation', post('/invocation/no/response', '1'), '400 Bad Request'],
  ['an answer given twice', post('/invocation/old/response', '1'), '403 Forbidden'],
  ['an unknown path', post('/invocation/id/other', '1'), '404 Not Found'],
  ['an unknown verb', `PUT ${API}/invocation/next HTTP/1.1\r\n\r\n`, '404 Not Found'],
  ['garbage', '\0\0\r\n\r\n', '400 Bad Request'],
])('%s is refused', async (_name, request, expected) => {
  runtime.write(request)
  await settled()
  expect(received.map(status)).toEqual([`HTTP/1.1 ${expected}`])
  expect(heard).toEqual([])
})

test('an answer over the limit is one function error, and AWS’s 413', async () => {
  current = 'id-1'
  runtime.write(post('/invocation/id-1/response', 'x'.repeat(RESPONSE_BYTES_MAX + 1)))
  await settled()
  expect(heard).toEqual(['too large id-1 '])
  expect(received.map(status)).toEqual(['HTTP/1.1 413 Payload Too Large'])
  expect(received[0]).toContain('Exceeded maximum allowed payload size (6291556 bytes).')
})

test('who asks for work twice is refused the second time', async () => {
  parked = () => {}
  runtime.write(NEXT)
  await settled()
  expect(received.map(status)).toEqual(['HTTP/1.1 403 Forbidden'])
})

test('a runtime that hangs up while it waits is noticed', async () => {
  runtime.write(NEXT)
  await settled()
  socket.destroy()
  await settled()
  expect(heard).toEqual(['hung up'])
})

test('bad requests in a row are answered in order, and slowly', async () => {
  const began = performance.now()
  runtime.write(post('/a', '').repeat(5))
  await expect.poll(() => received.length).toBe(5)
  expect(performance.now() - began).toBeGreaterThan(45)
})
