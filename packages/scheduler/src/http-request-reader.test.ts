// The reader against streams cut anywhere, against bodies in both forms, and against what no client
// should send.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RequestReader } from './http-request-reader.ts'

const BYTES_WANTED = 1000

/** Feeds the pieces; gives what was understood, one line a request. */
function read(pieces: Buffer[]): string[] {
  const heard: string[] = []
  let name = ''
  const reader = new RequestReader({
    begin(head) {
      name = `${head.method} ${head.path}${head.closes ? ' closes' : ''}`
      return BYTES_WANTED
    },
    complete: (body) => heard.push(`${name}: ${body === undefined ? 'too large' : body}`),
    malformed: () => heard.push('malformed'),
  })
  for (const piece of pieces) reader.take(piece)
  return heard
}

function post(path: string, body: string, isChunked: boolean): string {
  if (!isChunked) return `POST ${path} HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  const half = Math.ceil(body.length / 2)
  const chunks = [body.slice(0, half), body.slice(half)].filter((chunk) => chunk !== '')
  const text = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')
  return `POST ${path} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n${text}0\r\nTrailer: x\r\n\r\n`
}

/** The stream in pieces of these lengths, and the rest. */
function cut(stream: Buffer, lengths: number[]): Buffer[] {
  let at = 0
  const pieces = lengths.map((length) => {
    at += length
    return stream.subarray(at - length, at)
  })
  return [...pieces, stream.subarray(at)]
}

test('requests are the same however the stream is cut', () => {
  const request = fc.record({
    body: fc.stringMatching(/^[a-z\r\n]{0,40}$/),
    isChunked: fc.boolean(),
  })
  const cuts = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 40 })
  fc.assert(
    fc.property(fc.array(request, { maxLength: 5 }), cuts, (requests, lengths) => {
      const text = requests.map(({ body, isChunked }) => post('/x', body, isChunked)).join('')
      const stream = Buffer.from(text)
      const pieces = cut(stream, lengths)
      expect(read(pieces)).toEqual(requests.map(({ body }) => `POST /x: ${body}`))
    }),
  )
})

test('a body over what is wanted is counted to its end, and the next request is read', () => {
  for (const isChunked of [true, false]) {
    const stream = post('/a', 'x'.repeat(BYTES_WANTED + 1), isChunked) + post('/b', 'y', isChunked)
    expect(read([Buffer.from(stream)])).toEqual(['POST /a: too large', 'POST /b: y'])
  }
})

test.each([
  'GET\r\n\r\n',
  'GET /x HTTP/2\r\n\r\n',
  'get /x HTTP/1.1\r\n\r\n',
  'GET http://x/ HTTP/1.1\r\n\r\n',
  'POST /x HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx',
  'POST /x HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx',
  'POST /x HTTP/1.1\r\nContent-Length: -1\r\n\r\n',
  'POST /x HTTP/1.1\r\nContent-Length: 1e3\r\n\r\n',
  'POST /x HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n',
  'POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  'POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n',
  'GET /x HTTP/1.1\r\n folded: y\r\nz\r\n\r\n',
  `GET /${'x'.repeat(17_000)}`,
])('%j is malformed, once', (text) => {
  expect(read([Buffer.from(text), Buffer.from('GET /x HTTP/1.1\r\n\r\n')])).toEqual(['malformed'])
})

test('garbage never throws', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 10 }), (pieces) => {
      read(pieces.map((piece) => Buffer.from(piece)))
    }),
  )
})

test('while it is held the reader keeps what comes', () => {
  const heard: string[] = []
  const reader: RequestReader = new RequestReader({
    begin: () => 0,
    complete: () => {
      heard.push('one')
      reader.hold()
    },
    malformed() {},
  })
  const get = Buffer.from('GET /x HTTP/1.1\r\n\r\n')
  reader.take(Buffer.concat([get, get, get]))
  expect(heard).toEqual(['one'])
  expect(reader.backlog).toBe(2 * get.length)
  reader.release()
  expect(heard).toEqual(['one', 'one'])
})
