// Powertools for AWS Lambda (TypeScript), unmodified, inside a function, as a queue's consumer: a
// batch of which one record fails, metrics and log lines as they stand in the log, and a tracer
// that finds its trace and no daemon.

import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answer, type Hearth, ROOT, startHearth } from '../hearth.ts'

let hearth: Hearth
let answer: Answer
/** What the function wrote as JSON. */
let written: Record<string, unknown>[]

const TRACE = '1-5759e988-bd862e3fe1be46a994272793'
const recordOf = (messageId: string, order: object) => ({
  messageId,
  receiptHandle: 'r',
  body: JSON.stringify(order),
  attributes: { ApproximateReceiveCount: '1', SentTimestamp: '0', SenderId: 's' },
  messageAttributes: {},
  md5OfBody: '',
  eventSource: 'aws:sqs',
  eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:orders',
  awsRegion: 'us-east-1',
})
const BATCH = {
  Records: [
    recordOf('one', { id: 1 }),
    recordOf('two', { id: 2, fail: true }),
    recordOf('three', { id: 3 }),
  ],
}

beforeAll(async () => {
  hearth = await startHearth({ env: { HEARTH_STEMS_MAX: '0' } })
  const built = await build({
    entryPoints: [join(ROOT, 'e2e/functions/orders/index.ts')],
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'cjs',
    write: false,
  })
  const files = { 'index.js': built.outputFiles[0]?.contents ?? new Uint8Array() }
  const name = await hearth.create({ FunctionName: 'orders', files, MemorySize: 256 })
  const middleware = { step: 'build', name: 'trace' } as const
  hearth.lambda.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> }
      headers['x-amzn-trace-id'] = `Root=${TRACE};Parent=53995c3f42cd8ad8;Sampled=1`
      return next(args)
    },
    middleware,
  )
  answer = await hearth.invoke(name, BATCH, { LogType: 'Tail' })
  written = answer.log
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
})
afterAll(() => hearth?.stop())

test('batch says which record failed, and the function does not fail', () => {
  expect(answer.error).toBeUndefined()
  expect(answer.json.batchItemFailures).toEqual([{ itemIdentifier: 'two' }])
})

test('the logger has the context of this invocation in each line', () => {
  const lines = written.filter(({ message }) => message === 'order')
  expect(lines.map(({ id }) => id)).toEqual([1, 3])
  for (const line of lines) {
    expect(line).toMatchObject({
      level: 'INFO',
      service: 'orders',
      function_name: 'orders',
      function_memory_size: '256',
      function_request_id: answer.requestId,
      cold_start: true,
      xray_trace_id: TRACE,
    })
  }
})

test('metrics stand in the log in CloudWatch’s embedded format', () => {
  const embedded = written.filter(({ _aws }) => _aws !== undefined)
  const cold = embedded.find(({ ColdStart }) => ColdStart !== undefined)
  expect(cold).toMatchObject({ ColdStart: 1, service: 'orders', function_name: 'orders' })
  const orders = embedded.find((one) => one.orders !== undefined)
  expect(orders).toMatchObject({
    orders: [1, 1],
    service: 'orders',
    _aws: {
      CloudWatchMetrics: [{ Namespace: 'shop', Metrics: [{ Name: 'orders', Unit: 'Count' }] }],
    },
  })
})

test('the tracer finds the trace of the call, and misses no daemon', () => {
  expect(answer.json).toMatchObject({ traced: TRACE, tracing: true })
  expect(answer.log).not.toMatch(/\tERROR\t/)
})
