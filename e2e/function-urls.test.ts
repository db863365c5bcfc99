// Function URLs over plain HTTP: the event that a function gets, and what becomes of its result.

import {
  CreateFunctionUrlConfigCommand,
  DeleteFunctionUrlConfigCommand,
  GetFunctionUrlConfigCommand,
  ListFunctionUrlConfigsCommand,
  UpdateFunctionUrlConfigCommand,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hearth, http, publicUrl, startHearth } from './hearth.ts'

let hearth: Hearth
let host: string
let path: string

beforeAll(async () => {
  hearth = await startHearth()
  await hearth.create({
    FunctionName: 'web',
    files: {
      'index.mjs': `export const handler = async (event) => {
        const result = event.queryStringParameters?.result
        if (result === 'fail') throw new Error('no good')
        if (result === 'nothing') return undefined
        return result === undefined ? event : JSON.parse(result)
      }`,
    },
  })
  host = (await publicUrl(hearth.lambda, 'web')).host
  path = `${hearth.endpoint}/function-urls/${host.split('.')[0]}`
})
afterAll(() => hearth?.stop())

const get = (rest: string, headers: Record<string, string | string[]> = {}) =>
  http(`${hearth.endpoint}${rest}`, { headers: { host, ...headers } })
const returning = (result: unknown) => get(`/?result=${encodeURIComponent(JSON.stringify(result))}`)

describe('the event', () => {
  test('is payload 2.0, member for member', async () => {
    const answer = await http(`${hearth.endpoint}/a%20b/c?x=1&x=2&y=%26`, {
      method: 'POST',
      headers: {
        host,
        'content-type': 'application/json',
        'user-agent': 'test/1',
        'X-Twice': ['a', 'b'],
        cookie: 'k=v; l=w',
      },
      body: '{"a":"ü"}',
    })
    const event = JSON.parse(answer.body.toString())
    const [urlId] = host.split('.')
    expect(event).toEqual({
      version: '2.0',
      routeKey: '$default',
      rawPath: '/a%20b/c',
      rawQueryString: 'x=1&x=2&y=%26',
      cookies: ['k=v', 'l=w'],
      headers: {
        host,
        'content-type': 'application/json',
        'content-length': '10',
        'user-agent': 'test/1',
        'x-twice': 'a,b',
        cookie: 'k=v; l=w',
        'x-amzn-trace-id': expect.stringMatching(/^Root=1-/),
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-port': new URL(hearth.endpoint).port,
        'x-forwarded-proto': 'http',
      },
      queryStringParameters: { x: '1,2', y: '&' },
      requestContext: {
        accountId: 'anonymous',
        apiId: urlId,
        domainName: host.replace(/:\d+$/, ''),
        domainPrefix: urlId,
        http: {
          method: 'POST',
          path: '/a b/c',
          protocol: 'HTTP/1.1',
          sourceIp: '127.0.0.1',
          userAgent: 'test/1',
        },
        requestId: answer.headers['x-amzn-requestid'],
        routeKey: '$default',
        stage: '$default',
        time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
        timeEpoch: expect.any(Number),
      },
      body: '{"a":"ü"}',
      isBase64Encoded: false,
    })
  })

  test('has no body and no query where there is none', async () => {
    const event = JSON.parse((await get('/')).body.toString())
    expect(event).toMatchObject({ rawPath: '/', rawQueryString: '', isBase64Encoded: false })
    for (const name of ['body', 'cookies', 'queryStringParameters']) {
      expect(event).not.toHaveProperty(name)
    }
  })

  test('carries binary bodies as base64, byte for byte', async () => {
    const body = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const answer = await http(`${hearth.endpoint}/`, {
      method: 'PUT',
      headers: { host, 'content-type': 'application/octet-stream' },
      body,
    })
    const event = JSON.parse(answer.body.toString())
    expect(event).toMatchObject({ isBase64Encoded: true, body: body.toString('base64') })
  })

  test('is the same by path, for those who cannot resolve the name', async () => {
    const event = JSON.parse((await http(`${path}/deep/er?q=1`)).body.toString())
    expect(event).toMatchObject({ rawPath: '/deep/er', rawQueryString: 'q=1' })
  })
})

describe('the answer', () => {
  test.each([
    ['a string, unquoted', 'hello', 'hello'],
    ['a number', 3.1, '3.1'],
    ['a boolean', true, 'true'],
    ['a list', ['hello', 3, true], '["hello",3,true]'],
    ['an object', { hello: 'world' }, '{"hello":"world"}'],
    ['null', null, 'null'],
  ])('to %s is a 200 of JSON', async (_, result, body) => {
    const answer = await returning(result)
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe('application/json')
    expect(answer.body.toString()).toBe(body)
  })

  test('takes status, headers, cookies and body from the result', async () => {
    const answer = await returning({
      statusCode: '418',
      headers: { 'Content-Type': 'text/plain', 'X-Number': 7, 'Content-Length': '1' },
      cookies: ['a=1; Secure', 'b=2'],
      body: 'short and stout',
    })
    expect(answer.status).toBe(418)
    expect(answer.headers).toMatchObject({
      'content-type': 'text/plain',
      'x-number': '7',
      'content-length': '15',
      'set-cookie': ['a=1; Secure', 'b=2'],
    })
    expect(answer.body.toString()).toBe('short and stout')
  })

  test('decodes binary bodies', async () => {
    const bytes = Buffer.from([0, 1, 254, 255])
    const answer = await returning({
      statusCode: 200,
      body: bytes.toString('base64'),
      isBase64Encoded: true,
    })
    expect(answer.body).toEqual(bytes)
  })

  test('to a failure is 502 and tells nothing', async () => {
    const answer = await get('/?result=fail')
    expect(answer.status).toBe(502)
    expect(answer.body.toString()).toBe('Internal Server Error')
    expect(answer.headers['x-amzn-requestid']).toMatch(/^[0-9a-f-]{36}$/)
  })
})

test('an unknown URL is forbidden, as AWS says it', async () => {
  const unknown = `${'a'.repeat(32)}.lambda-url.us-east-1.localhost`
  const answer = await http(`${hearth.endpoint}/`, { headers: { host: unknown } })
  expect(answer.status).toBe(403)
  expect(answer.body.toString()).toBe('{"Message":null}')
  expect(answer.headers['x-amzn-errortype']).toBe('AccessDeniedException')
})

test('a URL with AWS_IAM wants a signature', async () => {
  await hearth.lambda.send(
    new UpdateFunctionUrlConfigCommand({ FunctionName: 'web', AuthType: 'AWS_IAM' }),
  )
  expect((await get('/')).status).toBe(403)
  await hearth.lambda.send(
    new UpdateFunctionUrlConfigCommand({ FunctionName: 'web', AuthType: 'NONE' }),
  )
  expect((await get('/')).status).toBe(200)
})

test('cross-origin rules answer preflights and mark answers', async () => {
  await hearth.lambda.send(
    new UpdateFunctionUrlConfigCommand({
      FunctionName: 'web',
      Cors: { AllowOrigins: ['https://good.example'], AllowMethods: ['GET'], MaxAge: 60 },
    }),
  )
  const preflight = await http(`${hearth.endpoint}/`, {
    method: 'OPTIONS',
    headers: { host, origin: 'https://good.example', 'access-control-request-method': 'GET' },
  })
  expect(preflight.headers).toMatchObject({
    'access-control-allow-origin': 'https://good.example',
    'access-control-allow-methods': 'GET',
    'access-control-max-age': '60',
  })
  const good = await get('/', { origin: 'https://good.example' })
  expect(good.headers['access-control-allow-origin']).toBe('https://good.example')
  const bad = await get('/', { origin: 'https://bad.example' })
  expect(bad.headers['access-control-allow-origin']).toBeUndefined()
})

test('a configuration is made once, shown, listed and deleted', async () => {
  const name = { FunctionName: 'web' }
  await expect(
    hearth.lambda.send(new CreateFunctionUrlConfigCommand({ ...name, AuthType: 'NONE' })),
  ).rejects.toMatchObject({
    name: 'ResourceConflictException',
    message:
      'Failed to create function url config for [functionArn = arn:aws:lambda:us-east-1:000000000000:function:web]. ' +
      'Error message:  FunctionUrlConfig exists for this Lambda function',
  })
  const shown = await hearth.lambda.send(new GetFunctionUrlConfigCommand(name))
  expect(shown).toMatchObject({ FunctionUrl: `http://${host}/`, InvokeMode: 'BUFFERED' })
  const listed = await hearth.lambda.send(new ListFunctionUrlConfigsCommand(name))
  expect(listed.FunctionUrlConfigs).toMatchObject([{ InvokeMode: 'BUFFERED' }])
  await hearth.lambda.send(new DeleteFunctionUrlConfigCommand(name))
  await expect(hearth.lambda.send(new GetFunctionUrlConfigCommand(name))).rejects.toMatchObject({
    message: 'The resource you requested does not exist.',
  })
  expect((await get('/')).status).toBe(403)
  // As recorded at AWS: what makes or changes a URL answers with a mode only when one was set.
  const made = await hearth.lambda.send(
    new CreateFunctionUrlConfigCommand({ ...name, AuthType: 'NONE' }),
  )
  expect(made.InvokeMode).toBeUndefined()
})
