// The Runtime API as a runtime meets it: AWS's headers and answers, one write for a result and the
// next event, and refusals for a client that does what it should not.

import { type Duplex, duplexPair } from 'node:stream'
import { RESPONSE_BYTES_MAX } from '@hearth/core/invocation'
import { beforeEach, expect, test } from 'vitest'
import type { Attempt } from './attempt.ts'
import { BodyRoom } from './body-room.ts'
import { ResponseStream } from './response-stream.ts'
import { serveRuntime } from './runtime-api.ts'
import type { Parked, RuntimeSide } from './runtime-side.ts'
import { makeMessage, makeVersion } from './scheduler-harness.ts'

const API = '/2018-06-01/runtime'
const NEXT = `GET ${API}/invocation/next HTTP/1.1\r\n\r\n`

let room: BodyRoom
let runtime: Duplex
let socket: Duplex
let received: string[]
let heard: string[]
let parked: Parked | undefined
let current: string | undefined
/** What the caller takes as it comes; undefined when the caller wants one piece. */
let stream: ResponseStream | undefined

beforeEach(() => {
  stream = undefined
  received = []
  heard = []
  parked = undefined
  current = undefined
  room = new BodyRoom()
  ;[socket, runtime] = duplexPair()
  runtime.on('data', (chunk) => received.push(String(chunk)))
  serveRuntime({ side }, socket, room)
})

const answer = (what: string) => (requestId: string, body?: Buffer) => {
  if (requestId !== current) return false
  heard.push(`${what} ${requestId} ${body ?? ''}`)
  current = undefined
  return true
}
const side: RuntimeSide = {
  specialisation: () => false,
  restore: () => false,
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
  respondTooLarge: (requestId, bytesMax) => answer(`over ${bytesMax}`)(requestId),
  stream(_requestId, contentType) {
    heard.push(`stream ${contentType}`)
    return stream
  },
  streamBroken: (requestId) => heard.push(`broken ${requestId}`),
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

/** What AWS's own clients were seen to send with an answer, beside the body. */
const CLIENTS: readonly [string, string, (body: string) => string][] = [
  [
    'aws-lambda-ric (libcurl)',
    'Host: 127.0.0.1:9001\r\nUser-Agent: AWS_Lambda_Cpp/0.2.8\r\nAccept: */*',
    (body) =>
      `content-type: application/json\r\ncontent-length: ${body.length}\r\nlambda-runtime-function-xray-error-cause: ${'x'.repeat(20_000)}\r\n\r\n${body}`,
  ],
  [
    'libcurl with Expect',
    'Host: 127.0.0.1:9001\r\nUser-Agent: curl/7.88.1\r\nAccept: */*',
    (body) =>
      `Content-Length: ${body.length}\r\nContent-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\n\r\n${body}`,
  ],
  [
    'aws-lambda-go (net/http)',
    'Host: 127.0.0.1:9001\r\nUser-Agent: aws-lambda-go/go1.24.4-8.0',
    (body) =>
      `Transfer-Encoding: chunked\r\nContent-Type: application/json\r\nTrailer: Lambda-Runtime-Function-Error-Body,Lambda-Runtime-Function-Error-Type\r\nAccept-Encoding: gzip\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
  ],
  [
    'lambda_runtime (Rust hyper)',
    'user-agent: aws-lambda-rust/1.80.0\r\nhost: 127.0.0.1:9001',
    (body) =>
      `content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1\r\n${body[0]}\r\n${(body.length - 1).toString(16)}\r\n${body.slice(1)}\r\n0\r\n\r\n`,
  ],
  [
    'awslambdaric (Python http.client)',
    'Host: 127.0.0.1:9001\r\nAccept-Encoding: identity\r\nConnection: keep-alive',
    (body) => `Content-Length: ${body.length}\r\nContent-Type: application/json\r\n\r\n${body}`,
  ],
]

test.each(CLIENTS)('%s asks, answers and asks again on one connection', async (_, head, rest) => {
  const next = `GET ${API}/invocation/next HTTP/1.1\r\n${head}\r\n\r\n`
  runtime.write(next)
  await settled()
  deliver('id-1')
  const wire = `POST ${API}/invocation/id-1/response HTTP/1.1\r\n${head}\r\n${rest('{"b":22}')}`
  // Cut where it hurts: within the head, and within a chunk's size or the body.
  runtime.write(wire.slice(0, 25))
  await settled()
  runtime.write(wire.slice(25, -4))
  await settled()
  runtime.write(wire.slice(-4))
  await settled()
  expect(heard).toEqual(['respond id-1 {"b":22}'])
  expect(received.join('')).toContain('HTTP/1.1 202 Accepted')
  expect(received.join('').includes('100 Continue')).toBe(wire.includes('100-continue'))
  runtime.write(next)
  await settled()
  expect(parked).toBeDefined()
})

test('an answer without any length is empty, and says so', async () => {
  runtime.write(NEXT)
  await settled()
  deliver('id-1')
  runtime.write(`POST ${API}/invocation/id-1/response HTTP/1.1\r\nHost: x\r\n\r\n`)
  await settled()
  expect(heard).toEqual(['respond id-1 '])
})

test('an event has AWS’s headers, and nothing can be smuggled into them', async () => {
  runtime.write(NEXT)
  await settled()
  const tenantId = 'a b\r\nX: y'
  deliver('id-1', { traceId: 'Root=1\r\nX: y', clientContext: '{"a":\n1}', tenantId })
  await settled()
  expect(received).toEqual([
    'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n' +
      'Lambda-Runtime-Aws-Request-Id: id-1\r\nLambda-Runtime-Deadline-Ms: 1700000000000\r\n' +
      'Lambda-Runtime-Invoked-Function-Arn: arn:x\r\n' +
      'Lambda-Runtime-Trace-Id: Root=1  X: y\r\n' +
      'Lambda-Runtime-Aws-Tenant-Id: a b  X: y\r\n' +
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
  expect(heard).toEqual([`over ${RESPONSE_BYTES_MAX} id-1 `])
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

const STREAMED =
  `POST ${API}/invocation/id-1/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\n` +
  'Lambda-Runtime-Function-Response-Mode: streaming\r\nContent-Type: text/x\r\n\r\n'
const FAILED =
  '0\r\nLambda-Runtime-Function-Error-Type: E\r\n' +
  `Lambda-Runtime-Function-Error-Body: ${btoa('{"errorType":"E"}')}\r\n\r\n`

function openStream(bytesMax: number): string[] {
  current = 'id-1'
  stream = new ResponseStream(bytesMax)
  const came: string[] = []
  stream.body.on('data', (bytes) => came.push(String(bytes)))
  return came
}

test('a stream is passed on as it comes, and answered once it is complete', async () => {
  const came = openStream(100)
  runtime.write(`${STREAMED}3\r\none\r\n`)
  await settled()
  expect(came).toEqual(['one'])
  runtime.write(`2\r\ntw\r\n1\r\no\r\n0\r\n\r\n${NEXT}`)
  await settled()
  expect(came).toEqual(['one', 'two'])
  expect(heard).toEqual(['stream text/x', 'respond id-1 '])
  deliver('id-2')
  await settled()
  expect(received.join('')).toMatch(/^HTTP\/1.1 202 Accepted[\s\S]*HTTP\/1.1 200 OK/)
})

test('trailers make a stream a failed one, whether it was taken as such or in one piece', async () => {
  openStream(100)
  runtime.write(`${STREAMED}1\r\nx\r\n${FAILED}`)
  await settled()
  current = 'id-1'
  stream = undefined
  runtime.write(`${STREAMED}1\r\nx\r\n${FAILED}`)
  await settled()
  const failed = 'fail id-1 {"errorType":"E"}'
  expect(heard).toEqual(['stream text/x', failed, 'stream text/x', failed])
})

test('a reader that is behind stops the runtime, and one that leaves lets it go on', async () => {
  current = 'id-1'
  stream = new ResponseStream(10_000_000)
  const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`
  let written = 0
  runtime.write(STREAMED)
  const write = () => {
    while (written < 50 && runtime.write(chunk)) written += 1
    written += 1
  }
  runtime.on('drain', () => written < 50 && write())
  write()
  await settled()
  const stuckAt = written
  expect(stuckAt).toBeLessThan(10)
  await settled()
  expect(written).toBe(stuckAt)
  stream.body.destroy()
  await expect.poll(() => written).toBeGreaterThanOrEqual(50)
  runtime.write('0\r\n\r\n')
  await expect.poll(() => heard.at(-1)).toBe('respond id-1 ')
})

test('a stream over its limit ends at once, and what follows is not kept', async () => {
  const came = openStream(4)
  runtime.write(`${STREAMED}3\r\none\r\n`)
  await settled()
  runtime.write('3\r\ntwo\r\n')
  await settled()
  expect(heard).toEqual(['stream text/x', 'over 4 id-1 '])
  expect(stream?.body.readableEnded).toBe(true)
  runtime.write('5\r\nthree\r\n0\r\n\r\n')
  await settled()
  expect(came).toEqual(['one'])
  expect(received.map(status)).toEqual(['HTTP/1.1 413 Payload Too Large'])
})

test.each([
  ['a connection that ends', () => socket.destroy()],
  ['garbage', () => runtime.write('zz\r\n')],
])('%s in the middle of a stream breaks it, once', async (_name, disturb) => {
  const came = openStream(100)
  runtime.write(`${STREAMED}3\r\none\r\n`)
  await settled()
  disturb()
  await settled()
  runtime.destroy()
  await settled()
  expect(came).toEqual(['one'])
  expect(heard).toEqual(['stream text/x', 'broken id-1'])
})

/** Another connection of the same sandbox. */
function connect(owner: { side: RuntimeSide } = { side }) {
  const [ours, theirs] = duplexPair()
  serveRuntime(owner, ours, room)
  return { ours, theirs }
}

test('connections that never finish their answers hold no more than two of them', async () => {
  current = 'id-1'
  const head = `POST ${API}/invocation/id-1/response HTTP/1.1\r\n`
  const connections = Array.from({ length: 20 }, () => connect())
  for (const { theirs } of connections) {
    theirs.write(`${head}Content-Length: ${RESPONSE_BYTES_MAX}\r\n\r\n{`)
  }
  await settled()
  const open = connections.filter(({ ours }) => !ours.destroyed)
  expect(open).toHaveLength(2)
  // Who goes away makes room, and so does an answer that is complete.
  open[0]?.ours.destroy()
  await settled()
  runtime.write(post('/invocation/id-1/response', '{}'))
  await settled()
  expect(heard).toEqual(['respond id-1 {}'])
  current = 'id-1'
  runtime.write(post('/invocation/id-1/response', '{}'))
  await settled()
  expect(heard).toHaveLength(2)
})

test('who asks and never reads is hung up on', async () => {
  const askedByExtension: RuntimeSide['askedByExtension'] = (_, go) =>
    go({ status: '200 OK', body: 'x'.repeat(30_000) })
  const { ours, theirs } = connect({ side: { ...side, askedByExtension } })
  theirs.pause()
  theirs.write('PUT /2022-07-01/telemetry HTTP/1.1\r\n\r\n'.repeat(50))
  await settled()
  expect([ours.destroyed, ours.writableLength < 200_000]).toEqual([true, true])
})

test('many requests that are answered at once are no deep stack', async () => {
  let depth = 0
  let deepest = 0
  const askedByExtension: RuntimeSide['askedByExtension'] = (_, go) => {
    depth += 1
    deepest = Math.max(deepest, depth)
    go({ status: '200 OK', body: 'OK' })
    depth -= 1
  }
  const { theirs } = connect({ side: { ...side, askedByExtension } })
  theirs.resume()
  theirs.write('PUT /2022-07-01/telemetry HTTP/1.1\r\n\r\n'.repeat(300))
  await settled()
  expect(deepest).toBe(1)
})
