// Invocations through the unmodified AWS SDK: answers, contexts, logs, failures of every kind, and
// their limits.

import { InvokeCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hearth, startHearth } from './hearth.ts'

let hearth: Hearth
beforeAll(async () => {
  hearth = await startHearth()
  await Promise.all([
    hearth.create({ FunctionName: 'node', files: { 'index.mjs': NODE_FUNCTION }, Timeout: 2 }),
    hearth.create({
      FunctionName: 'python',
      Runtime: 'python3.13',
      Handler: 'app.handler',
      files: { 'app.py': PYTHON_FUNCTION },
    }),
  ])
})
afterAll(() => hearth?.stop())

const NODE_FUNCTION = `
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
let count = 0
export const handler = async (event, context) => {
  count += 1
  if (event.log) console.log(event.log)
  if (event.touch) appendFileSync('/tmp/touched', event.touch)
  if (event.fail) throw new TypeError('no good')
  if (event.hang) await new Promise((resolve) => setTimeout(resolve, 60_000))
  if (event.exit !== undefined) process.exit(event.exit)
  if (event.kill) process.kill(process.pid, event.kill)
  if (event.hog) { const kept = []; for (;;) kept.push(Buffer.alloc(8e6, 1)) }
  if (event.bytes) return 'x'.repeat(event.bytes)
  if (event.length) return event.length.length
  const tmp = existsSync('/tmp/touched') ? readFileSync('/tmp/touched', 'utf8') : ''
  const { getRemainingTimeInMillis, ...rest } = context
  const remaining = getRemainingTimeInMillis()
  return { count, tmp, event, remaining, context: rest, env: process.env }
}`

const PYTHON_FUNCTION = `
import logging, os, sys
count = 0
def handler(event, context):
    global count
    count += 1
    if event.get("log"):
        print(event["log"])
        logging.getLogger().warning(event["log"])
    if event.get("fail"):
        raise ValueError("no good")
    if event.get("exit") is not None:
        os._exit(event["exit"])
    if event.get("set"):
        return {1, 2}
    return {"count": count, "id": context.aws_request_id, "name": context.function_name,
            "arn": context.invoked_function_arn, "left": context.get_remaining_time_in_millis(),
            "client": context.client_context.custom if context.client_context else None}
`

const REPORT =
  /^REPORT RequestId: [0-9a-f-]{36}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\t(Init Duration: \d+\.\d\d ms\t)?$/

describe('a Node.js function', () => {
  test('answers with the whole context', async () => {
    const answer = await hearth.invoke('node', { a: [1, 'ü'] })
    expect(answer).toMatchObject({ status: 200, error: undefined, version: '$LATEST' })
    const { json } = answer
    expect(json.event).toEqual({ a: [1, 'ü'] })
    expect(json.remaining).toBeGreaterThan(1000)
    expect(json.remaining).toBeLessThanOrEqual(2000)
    expect(json.context).toMatchObject({
      functionName: 'node',
      functionVersion: '$LATEST',
      memoryLimitInMB: '128',
      logGroupName: '/aws/lambda/node',
      invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:node',
      awsRequestId: answer.requestId,
      callbackWaitsForEmptyEventLoop: true,
    })
    expect(json.context.logStreamName).toMatch(/^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/)
    expect(json.env).toMatchObject({
      AWS_LAMBDA_FUNCTION_NAME: 'node',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      AWS_REGION: 'us-east-1',
      LAMBDA_TASK_ROOT: '/var/task',
      _HANDLER: 'index.handler',
      TZ: ':UTC',
    })
    expect(json.env._X_AMZN_TRACE_ID).toMatch(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24};/)
  })

  test('is warm the second time, and its log has START, END and REPORT', async () => {
    const first = await hearth.invoke('node')
    const second = await hearth.invoke('node', { log: 'it speaks' }, { LogType: 'Tail' })
    expect((await hearth.invoke('node')).json.count).toBe(first.json.count + 2)
    const lines = second.log.split('\n')
    expect(lines[0]).toBe(`START RequestId: ${second.requestId} Version: $LATEST`)
    expect(lines[1]).toMatch(new RegExp(`^\\d{4}-.*Z\\t${second.requestId}\\tINFO\\tit speaks$`))
    expect(lines[2]).toBe(`END RequestId: ${second.requestId}`)
    expect(lines[3]).toMatch(REPORT)
    expect(lines[3]).not.toContain('Init Duration')
    expect(lines.slice(4)).toEqual([''])
  })

  test('hands the client context through, as it came', async () => {
    const ClientContext = Buffer.from('{"custom":{"k":"v"}}').toString('base64')
    const answer = await hearth.invoke('node', {}, { ClientContext })
    expect(answer.json.context.clientContext).toEqual({ custom: { k: 'v' } })
  })

  test('that throws is a 200 with a function error', async () => {
    const answer = await hearth.invoke('node', { fail: true }, { LogType: 'Tail' })
    expect(answer).toMatchObject({ status: 200, error: 'Unhandled' })
    expect(answer.json).toMatchObject({ errorType: 'TypeError', errorMessage: 'no good' })
    expect(answer.json.trace[0]).toBe('TypeError: no good')
    expect(answer.log).toContain('\tERROR\tInvoke Error \t{"errorType":"TypeError"')
  })

  test('that takes too long is stopped; its module state is lost and /tmp is kept', async () => {
    await hearth.invoke('node', { touch: 'kept' })
    const late = await hearth.invoke('node', { hang: true }, { LogType: 'Tail' })
    expect(late.error).toBe('Unhandled')
    expect(late.json).toEqual({
      errorType: 'Sandbox.Timedout',
      errorMessage: `RequestId: ${late.requestId} Error: Task timed out after 2.00 seconds`,
    })
    expect(late.log).toContain(`${late.requestId} Task timed out after 2.00 seconds\n`)
    const after = await hearth.invoke('node')
    expect(after.json).toMatchObject({ count: 1, tmp: 'kept' })
  })

  test.each([
    [{ exit: 0 }, 'Runtime exited without providing a reason'],
    [{ exit: 7 }, 'Runtime exited with error: exit status 7'],
    [{ kill: 'SIGSEGV' }, 'Runtime exited with error: signal: segmentation fault'],
  ])('that ends its process by %j says how', async (event, how) => {
    const answer = await hearth.invoke('node', event)
    expect(answer.json).toEqual({
      errorType: 'Runtime.ExitError',
      errorMessage: `RequestId: ${answer.requestId} Error: ${how}`,
    })
  })

  test('that takes more memory than it has is killed', async () => {
    const name = await hearth.create({ files: { 'index.mjs': NODE_FUNCTION }, Timeout: 20 })
    const answer = await hearth.invoke(name, { hog: true })
    expect(answer.json).toEqual({
      errorType: 'Runtime.ExitError',
      errorMessage: `RequestId: ${answer.requestId} Error: Runtime exited with error: signal: killed`,
    })
  })

  test('answers many callers at once, each environment one at a time', async () => {
    const name = await hearth.create({
      files: {
        'index.mjs': `let busy = 0
          export const handler = async ({ n }) => {
            busy += 1
            await new Promise((resolve) => setTimeout(resolve, 50))
            const overlapped = busy > 1
            busy -= 1
            return { n, overlapped }
          }`,
      },
    })
    const numbers = Array.from({ length: 20 }, (_, n) => n)
    const answers = await Promise.all(numbers.map((n) => hearth.invoke(name, { n })))
    expect(answers.map(({ json }) => json)).toEqual(numbers.map((n) => ({ n, overlapped: false })))
  })
})

describe('a Python function', () => {
  test('answers, logs and reports', async () => {
    const ClientContext = Buffer.from('{"custom":{"k":"v"}}').toString('base64')
    const answer = await hearth.invoke(
      'python',
      { log: 'it speaks' },
      { LogType: 'Tail', ClientContext },
    )
    expect(answer.json).toMatchObject({
      count: 1,
      id: answer.requestId,
      name: 'python',
      arn: 'arn:aws:lambda:us-east-1:000000000000:function:python',
      client: { k: 'v' },
    })
    const lines = answer.log.split('\n')
    expect(lines[1]).toBe('it speaks')
    expect(lines[2]).toMatch(
      new RegExp(`^\\[WARNING\\]\\t\\d{4}-\\d\\d-\\d\\dT.*Z\\t${answer.requestId}\\tit speaks$`),
    )
    expect(lines[4]).toMatch(REPORT)
    expect(lines[4]).toContain('\tInit Duration: ')
  })

  test('that raises shows its frames as AWS does', async () => {
    const answer = await hearth.invoke('python', { fail: true }, { LogType: 'Tail' })
    expect(answer.json).toEqual({
      errorMessage: 'no good',
      errorType: 'ValueError',
      requestId: answer.requestId,
      stackTrace: [
        '  File "/var/task/app.py", line 11, in handler\n    raise ValueError("no good")\n',
      ],
    })
    expect(answer.log).toContain(
      '[ERROR] ValueError: no good\nTraceback (most recent call last):\n' +
        '\u00a0\u00a0File "/var/task/app.py", line 11, in handler\n' +
        '\u00a0\u00a0\u00a0\u00a0raise ValueError("no good")\n',
    )
  })

  test('that returns what JSON cannot hold', async () => {
    const answer = await hearth.invoke('python', { set: true })
    expect(answer.json).toMatchObject({
      errorType: 'Runtime.MarshalError',
      errorMessage: 'Unable to marshal response: Object of type set is not JSON serializable',
    })
  })

  test('that ends its process says how', async () => {
    const answer = await hearth.invoke('python', { exit: 127 })
    expect(answer.json.errorMessage).toBe(
      `RequestId: ${answer.requestId} Error: Runtime exited with error: exit status 127`,
    )
  })
})

describe('a function that cannot be loaded', () => {
  test.each([
    [
      'nodejs24.x',
      'nope.handler',
      { 'index.mjs': '' },
      'Runtime.ImportModuleError',
      /Cannot find module 'nope'/,
    ],
    [
      'nodejs22.x',
      'index.nope',
      { 'index.js': 'exports.a = 1' },
      'Runtime.HandlerNotFound',
      /^index\.nope is undefined or not exported$/,
    ],
    [
      'nodejs24.x',
      'index.handler',
      { 'index.js': 'exports.handler = (' },
      'Runtime.UserCodeSyntaxError',
      /^SyntaxError/,
    ],
    [
      'nodejs24.x',
      'index.handler',
      { 'index.js': 'exports.handler = (e, c, cb) => cb()' },
      'Runtime.CallbackHandlerDeprecated',
      /Node\.js 24/,
    ],
    [
      'python3.13',
      'nope.handler',
      { 'app.py': '' },
      'Runtime.ImportModuleError',
      /^Unable to import module 'nope': No module named 'nope'$/,
    ],
    [
      'python3.13',
      'app.nope',
      { 'app.py': '' },
      'Runtime.HandlerNotFound',
      /^Handler 'nope' missing on module 'app'$/,
    ],
    ['python3.13', 'app.handler', { 'app.py': 'raise KeyError("x")' }, 'KeyError', /^'x'$/],
  ] as const)('%s %s', async (Runtime, Handler, files, errorType, message) => {
    const name = await hearth.create({ Runtime, Handler, files: { ...files } })
    const answer = await hearth.invoke(name, {}, { LogType: 'Tail' })
    expect(answer).toMatchObject({ status: 200, error: 'Unhandled', json: { errorType } })
    expect(answer.json.errorMessage).toMatch(message)
    expect(answer.log).toContain(`REPORT RequestId: ${answer.requestId}\t`)
  })
})

test('Node.js 22 takes callbacks', async () => {
  const name = await hearth.create({
    Runtime: 'nodejs22.x',
    files: {
      'index.js': 'exports.handler = (e, c, done) => setTimeout(() => done(null, e.a + 1), 5)',
    },
  })
  expect((await hearth.invoke(name, { a: 1 })).json).toBe(2)
})

describe('limits', () => {
  // What is measured is bytes, not the seven hundredths of a CPU that come with 128 MB.
  beforeAll(() =>
    hearth.create({
      FunctionName: 'large',
      MemorySize: 1024,
      files: { 'index.mjs': NODE_FUNCTION },
    }),
  )
  const request = (bytes: number) => `{"length":"${'x'.repeat(bytes - 13)}"}`

  test('6 MB go in and out', async () => {
    const payload = request(6_291_456)
    expect(Buffer.byteLength(payload)).toBe(6_291_456)
    const went = await hearth.lambda.send(
      new InvokeCommand({ FunctionName: 'large', Payload: payload }),
    )
    expect(Buffer.from(went.Payload ?? []).toString()).toBe(String(6_291_456 - 13))
    const came = await hearth.invoke('large', { bytes: 6_291_554 })
    expect(came.json.length).toBe(6_291_554)
  })

  test('one byte more is refused on the way in', async () => {
    await expect(
      hearth.lambda.send(new InvokeCommand({ FunctionName: 'large', Payload: request(6_291_457) })),
    ).rejects.toMatchObject({ $metadata: { httpStatusCode: 413 } })
  })

  test('one byte more is a function error on the way out, and the function lives on', async () => {
    const answer = await hearth.invoke('large', { bytes: 6_291_555 })
    expect(answer.error).toBe('Unhandled')
    expect(answer.json).toEqual({
      errorType: 'Function.ResponseSizeTooLarge',
      errorMessage: 'Response payload size exceeded maximum allowed payload size (6291556 bytes).',
    })
    expect((await hearth.invoke('large')).status).toBe(200)
  })
})

test('a dry run answers 204 and runs nothing', async () => {
  const before = await hearth.invoke('node')
  const dry = await hearth.lambda.send(
    new InvokeCommand({ FunctionName: 'node', InvocationType: 'DryRun' }),
  )
  expect(dry.StatusCode).toBe(204)
  expect((await hearth.invoke('node')).json.count).toBe(before.json.count + 1)
})

test('the log can be read through the CloudWatch Logs API', async () => {
  const { CloudWatchLogsClient, FilterLogEventsCommand } = await import(
    '@aws-sdk/client-cloudwatch-logs'
  )
  const client = new CloudWatchLogsClient({
    endpoint: hearth.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
  const answer = await hearth.invoke('node', { log: 'for the record' })
  const find = () =>
    client.send(
      new FilterLogEventsCommand({
        logGroupName: '/aws/lambda/node',
        filterPattern: answer.requestId,
      }),
    )
  await expect.poll(async () => (await find()).events?.length, { timeout: 10_000 }).toBe(4)
  const messages = (await find()).events?.map((event) => event.message) ?? []
  expect(messages[0]).toBe(`START RequestId: ${answer.requestId} Version: $LATEST`)
  expect(messages[1]).toContain('\tINFO\tfor the record')
  expect(messages[3]).toMatch(REPORT)
})
