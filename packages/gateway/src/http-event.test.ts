// The event that a function URL makes of a request, where names could be taken for something else.

import { expect, test } from 'vitest'
import { toEvent } from './http-event.ts'

const facts = {
  requestId: 'r',
  urlId: 'u',
  domainName: 'u.lambda-url.localhost',
  method: 'GET',
  path: '/%zz',
  headers: {},
  body: new Uint8Array(0),
  sourceIp: '127.0.0.1',
  protocol: 'HTTP/1.1',
  traceId: 't',
  port: 80,
  now: 0,
}
const parametersOf = (query: string) => toEvent({ ...facts, query }).queryStringParameters

test('parameters that are named as members of every object are parameters', () => {
  expect(parametersOf('constructor=a&toString=b&toString=c')).toEqual({
    constructor: 'a',
    toString: 'b,c',
  })
  expect(Object.entries(parametersOf('__proto__=a') ?? {})).toEqual([['__proto__', 'a']])
})

test.each([
  ['text/plain', true],
  ['text/csv; charset=utf-8', true],
  ['application/json', true],
  ['application/json; charset=utf-8', true],
  ['application/x-www-form-urlencoded', false],
  ['multipart/form-data; boundary=b', false],
  ['application/octet-stream', false],
])('a body of %s is text: %s', (type, isText) => {
  const sent = { ...facts, query: '', headers: { 'content-type': type }, body: Buffer.from('a=b') }
  const { body, isBase64Encoded } = toEvent(sent)
  expect([body, isBase64Encoded]).toEqual(isText ? ['a=b', false] : ['YT1i', true])
})

test('a path and a query that are no text are passed on as they came', () => {
  const { rawPath, requestContext } = toEvent({ ...facts, query: '%' }) as never as {
    rawPath: string
    requestContext: { http: { path: string } }
  }
  expect([rawPath, requestContext.http.path]).toEqual(['/%zz', '/%zz'])
})
