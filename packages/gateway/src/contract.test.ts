// Routes and shapes as the SDK states them: every operation is found by its own path, and values
// come through.

import { expect, test } from 'vitest'
import { match, OPERATIONS, parse, render } from './contract.ts'

const none = new URLSearchParams()
const operation = (name: string) => {
  const found = OPERATIONS.get(name)
  if (!found) throw new Error(`the SDK has no ${name}`)
  return found
}
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value))

test('all 88 operations are there', () => {
  expect(OPERATIONS.size).toBe(88)
})

test.each([
  ['POST', '/2015-03-31/functions', '', 'CreateFunction', {}],
  ['GET', '/2015-03-31/functions/', '', 'ListFunctions', {}],
  ['GET', '/2015-03-31/functions/f', 'Qualifier=1', 'GetFunction', { FunctionName: 'f' }],
  [
    'POST',
    '/2015-03-31/functions/arn%3Aaws%3Alambda/invocations',
    '',
    'Invoke',
    { FunctionName: 'arn:aws:lambda' },
  ],
  [
    'GET',
    '/2019-09-30/functions/f/provisioned-concurrency',
    'Qualifier=1',
    'GetProvisionedConcurrencyConfig',
    { FunctionName: 'f' },
  ],
  [
    'GET',
    '/2019-09-30/functions/f/provisioned-concurrency',
    'List=ALL',
    'ListProvisionedConcurrencyConfigs',
    { FunctionName: 'f' },
  ],
  ['GET', '/2018-10-31/layers', 'find=LayerVersion&Arn=a', 'GetLayerVersionByArn', {}],
  ['GET', '/2018-10-31/layers', '', 'ListLayers', {}],
])('%s %s?%s is %s', (method, path, query, name, labels) => {
  const found = match(method, path, new URLSearchParams(query))
  expect(found?.operation.name).toBe(name)
  expect(found?.labels).toEqual(labels)
})

test('what is no operation is none', () => {
  expect(match('GET', '/2015-03-31/functionz', none)).toBeUndefined()
  expect(match('PATCH', '/2015-03-31/functions', none)).toBeUndefined()
  expect(match('GET', '/2015-03-31/functions//configuration', none)).toBeUndefined()
})

test('a request is read into its members, and unknown ones are dropped', () => {
  const input = parse(operation('CreateFunction'), {
    labels: {},
    query: none,
    headers: {},
    body: bytes({
      FunctionName: 'f',
      Timeout: 3,
      Code: { ZipFile: Buffer.from('zip').toString('base64'), Nonsense: 1 },
      Environment: { Variables: { A: 'b' } },
      Nonsense: true,
    }),
  })
  expect(input).toEqual({
    FunctionName: 'f',
    Timeout: 3,
    Code: { ZipFile: Buffer.from('zip') },
    Environment: { Variables: { A: 'b' } },
  })
})

test('headers, query and payload are members too', () => {
  const input = parse(operation('Invoke'), {
    labels: { FunctionName: 'f' },
    query: new URLSearchParams('Qualifier=1'),
    headers: { 'x-amz-log-type': 'Tail', 'x-amz-invocation-type': 'DryRun' },
    body: Buffer.from('{"a":1}'),
  })
  expect(input).toEqual({
    FunctionName: 'f',
    Qualifier: '1',
    LogType: 'Tail',
    InvocationType: 'DryRun',
    Payload: Buffer.from('{"a":1}'),
  })
})

test.each([
  ['no JSON', Buffer.from('{')],
  ['no object', Buffer.from('[1]')],
  ['no text', Buffer.from([0xff, 0xfe])],
  ['a number for a name', bytes({ FunctionName: {} })],
  ['text for a number', bytes({ Timeout: '3' })],
  ['a list for a structure', bytes({ Code: [] })],
])('%s is refused', (_, body) => {
  const wire = { labels: {}, query: none, headers: {}, body }
  expect(() => parse(operation('CreateFunction'), wire)).toThrow(/Could not parse request body/)
})

test('an answer has the status and the members of its operation', () => {
  const made = render(operation('CreateFunction'), {
    FunctionName: 'f',
    Nonsense: 1,
    Role: undefined,
  })
  expect(made).toEqual({
    status: 201,
    headers: { 'content-type': 'application/json' },
    body: '{"FunctionName":"f"}',
  })
  expect(render(operation('DeleteFunctionUrlConfig'), {})).toMatchObject({ status: 204, body: '' })
  const at = render(operation('GetFunctionEventInvokeConfig'), { LastModified: new Date(1_500) })
  expect(at.body).toBe('{"LastModified":1.5}')
})

test.each(['abc', '', ' ', '1.5', '1e400', '9007199254740993'])(
  'the number %j in an address is refused',
  (text) => {
    const query = new URLSearchParams({ MaxItems: text })
    const request = { labels: {}, query, headers: {}, body: new Uint8Array(0) }
    expect(() => parse(operation('ListFunctions'), request)).toThrow('MaxItems is no whole number')
  },
)

test('fractions are cut off where whole numbers are wanted, and no time is beyond all times', () => {
  const read = (name: string, body: object) =>
    parse(operation(name), { labels: {}, query: none, headers: {}, body: bytes(body) })
  expect(read('CreateFunction', { Timeout: 3.9 })).toEqual({ Timeout: 3 })
  const RoutingConfig = { AdditionalVersionWeights: { 1: 0.5 } }
  expect(read('CreateAlias', { RoutingConfig })).toEqual({ RoutingConfig })
  const never = { StartingPositionTimestamp: 1e300 }
  expect(() => read('CreateEventSourceMapping', never)).toThrow('is not a timestamp')
})
