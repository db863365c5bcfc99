// The reader against streams cut anywhere, against bodies in both forms, and against what no client
// should send.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RequestReader, type Trailers } from './http-request-reader.ts'

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
    piece() {},
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

/** Feeds the pieces to a reader that wants bodies in pieces; gives each body and its trailers. */
function readStreams(pieces: Buffer[]): [string, Trailers][] {
  const heard: [string, Trailers][] = []
  let bytes = ''
  const reader = new RequestReader({
    begin: () => 'pieces',
    piece: (piece) => {
      expect(piece.length).toBeGreaterThan(0)
      bytes += piece
    },
    complete: (body, trailers) => {
      expect(body).toBe(undefined)
      heard.push([bytes, trailers])
      bytes = ''
    },
    malformed: () => heard.push([`malformed after ${bytes}`, {}]),
  })
  for (const piece of pieces) reader.take(piece)
  return heard
}

const STREAM =
  'POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n' +
  'Lambda-Runtime-Function-Response-Mode: streaming\r\nContent-Type: text/plain\r\n\r\n'

test('streams and their trailers are the same however they are cut', () => {
  const stream = fc.record({
    chunks: fc.array(fc.stringMatching(/^[a-z\r\n0]{1,40}$/), { maxLength: 5 }),
    errorType: fc.option(fc.stringMatching(/^[A-Za-z.]{1,20}$/), { nil: undefined }),
    errorBody: fc.option(fc.base64String({ minLength: 4, maxLength: 60 }), { nil: undefined }),
  })
  const cuts = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 40 })
  fc.assert(
    fc.property(fc.array(stream, { maxLength: 4 }), cuts, (streams, lengths) => {
      const wire = streams.map(({ chunks, errorType, errorBody }) => {
        const framed = chunks.map((chunk) => `${chunk.length.toString(16)};x=y\r\n${chunk}\r\n`)
        const type = errorType ? `lambda-runtime-Function-Error-Type:${errorType}\r\n` : ''
        const body = errorBody ? `Lambda-Runtime-Function-Error-Body: ${errorBody} \r\n` : ''
        return `${STREAM}${framed.join('')}0\r\n${type}Other: z\r\n${body}\r\n`
      })
      const expected = streams.map(({ chunks, errorType, errorBody }) => [
        chunks.join(''),
        { ...(errorType && { errorType }), ...(errorBody && { errorBody }) },
      ])
      expect(readStreams(cut(Buffer.from(wire.join('')), lengths))).toEqual(expected)
    }),
  )
})

test('pieces are given before the stream ends', () => {
  const heard: string[] = []
  const reader = new RequestReader({
    begin: (head) => {
      heard.push(`${head.streams} ${head.contentType}`)
      return 'pieces'
    },
    piece: (piece) => heard.push(String(piece)),
    complete: () => heard.push('complete'),
    malformed: () => heard.push('malformed'),
  })
  reader.take(Buffer.from(`${STREAM}4\r\nab`))
  expect(heard).toEqual(['true text/plain', 'ab'])
  reader.take(Buffer.from('cd\r\n0\r\n'))
  expect(heard).toEqual(['true text/plain', 'ab', 'cd'])
  reader.take(Buffer.from('\r\n'))
  expect(heard.at(-1)).toBe('complete')
})

test.each([
  ['a trailer over the limit', `0\r\nA: ${'x'.repeat(70_000)}`],
  ['trailers over the limit together', `0\r\n${`A: ${'x'.repeat(9_000)}\r\n`.repeat(8)}\r\n`],
  ['a trailer without a name', '0\r\n: x\r\n\r\n'],
  ['a trailer that is no header', '0\r\nnonsense\r\n\r\n'],
  ['a chunk without its end', '1\r\nxGET / HTTP/1.1\r\n'],
  ['a negative chunk', '-1\r\n'],
])('%s breaks a stream, once', (_name, rest) => {
  const heard = readStreams([Buffer.from(`${STREAM}2\r\nok\r\n${rest}`), Buffer.from(STREAM)])
  expect(heard).toEqual([[expect.stringMatching(/^malformed after ok/), {}]])
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
  'POST /x HTTP/1.1\r\nLambda-Runtime-Function-Response-Mode: sideways\r\n\r\n',
  'GET /x HTTP/1.1\r\nLambda-Extension-Name: a\nREPORT forged\r\n\r\n',
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
    piece() {},
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
