// Traces: from a caller through gateway, NATS, poller and scheduler to the function, whichever way
// it is invoked, as a collector of OpenTelemetry's sees them.

import { InvokeCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type Hearth, http, publicUrl, startHearth } from './hearth.ts'
import { type CollectedSpan, type SpanCollector, startSpanCollector } from './span-collector.ts'

const FunctionName = 'traced'
const TRACE = '5759e988bd862e3fe1be46a994272793'
const PARENT = '53995c3f42cd8ad8'
const FILES = {
  'index.mjs': `export const handler = async (event) => {
    if (event.fail) throw new Error('planned')
    return { trace: process.env._X_AMZN_TRACE_ID, headers: event.headers }
  }`,
}
const SERVER = 2
const CONSUMER = 5
const ERROR = 2

let collector: SpanCollector
let hearth: Hearth

beforeAll(async () => {
  collector = await startSpanCollector()
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, HEARTH_RETRY_SECONDS: '0,0' }
  hearth = await startHearth({ roles: 'gateway', env })
  await hearth.serve('scheduler,poller', env)
  await hearth.create({ FunctionName, files: FILES })
})
afterAll(async () => {
  await hearth?.stop()
})

/** Spans of a trace when there are so many. */
async function spansOf(traceId: string, count: number): Promise<CollectedSpan[]> {
  const own = () => collector.spans.filter((span) => span.traceId === traceId)
  await eventually(`${count} spans of ${traceId}`, async () => own().length >= count)
  return own().sort((a, b) => a.from - b.from)
}

const named = (spans: CollectedSpan[], name: string) => {
  const found = spans.find((span) => span.name === name)
  if (!found) throw new Error(`no ${name} among ${spans.map((span) => span.name)}`)
  return found
}
const traceIdOf = (header: string) =>
  (/Root=1-(\w{8})-(\w{24})/.exec(header) ?? []).slice(1).join('')
const parentOf = (header: string) => /Parent=(\w{16})/.exec(header)?.[1]

test('a call is one trace, through two processes, with the function at its end', async () => {
  const { json, requestId } = await hearth.invoke(FunctionName)
  const spans = await spansOf(traceIdOf(json.trace), 4)
  const gateway = named(spans, 'Invoke')
  const attempt = named(spans, FunctionName)
  expect(gateway).toMatchObject({ kind: SERVER, parentSpanId: '', roles: ['gateway'], status: 0 })
  expect(gateway.attributes).toMatchObject({ 'http.response.status_code': 200 })
  expect(attempt).toMatchObject({ parentSpanId: gateway.spanId, status: 0 })
  expect(attempt.roles).toEqual(['scheduler', 'poller'])
  expect(attempt.attributes).toMatchObject({
    'faas.name': FunctionName,
    'faas.invocation_id': requestId,
    'faas.coldstart': true,
    'hearth.cold_reason': 'first invocation',
    'hearth.outcome': 'success',
  })
  for (const part of ['start', 'run']) {
    const { parentSpanId, from, to } = named(spans, part)
    expect(parentSpanId).toBe(attempt.spanId)
    expect(from).toBeGreaterThanOrEqual(attempt.from - 2)
    expect(to).toBeLessThanOrEqual(attempt.to + 2)
  }
  expect(parentOf(json.trace)).toBe(attempt.spanId)
  expect(json.trace).toContain(';Sampled=1')
})

describe('a caller’s trace goes on', () => {
  const signed = async (headers: Record<string, string>) => {
    const command = new InvokeCommand({ FunctionName, Payload: '{}' })
    command.middlewareStack.add(
      (next) => (args) => {
        Object.assign((args.request as { headers: object }).headers, headers)
        return next(args)
      },
      { step: 'build' },
    )
    const { Payload } = await hearth.lambda.send(command)
    return JSON.parse(Buffer.from(Payload ?? []).toString()).trace as string
  }

  test('in W3C’s form', async () => {
    const trace = await signed({ traceparent: `00-${TRACE}-${PARENT}-01` })
    expect(traceIdOf(trace)).toBe(TRACE)
    const spans = await spansOf(TRACE, 4)
    expect(named(spans, 'Invoke').parentSpanId).toBe(PARENT)
  })

  test('in X-Ray’s form, and unrecorded if the caller says so', async () => {
    const root = '1-5759e988-000000000000000000000001'
    const trace = await signed({ 'x-amzn-trace-id': `Root=${root};Parent=${PARENT};Sampled=0` })
    expect(trace).toContain(`Root=${root};`)
    expect(trace).toContain('Sampled=0')
    await signed({ traceparent: `00-${TRACE.replace('5', '6')}-${PARENT}-01` })
    await spansOf(TRACE.replace('5', '6'), 4)
    expect(collector.spans.filter((span) => span.traceId === traceIdOf(trace))).toEqual([])
  })
})

test('a function URL hands on both headers', async () => {
  const { href } = await publicUrl(hearth.lambda, FunctionName)
  const traceparent = `00-${TRACE.replace('5', '7')}-${PARENT}-01`
  const { host, port } = new URL(href)
  const address = `http://127.0.0.1:${port}/`
  const { body } = await http(address, { headers: { host, traceparent } })
  const { headers } = JSON.parse(body.toString())
  expect(headers.traceparent).toBe(traceparent)
  const spans = await spansOf(TRACE.replace('5', '7'), 4)
  const gateway = named(spans, 'FunctionUrl')
  expect(gateway.parentSpanId).toBe(PARENT)
  expect(parentOf(headers['x-amzn-trace-id'])).toBe(gateway.spanId)
})

test('each attempt at an event is in the trace of the request that enqueued it', async () => {
  const traceparent = `00-${TRACE.replace('5', '8')}-${PARENT}-01`
  const command = new InvokeCommand({
    FunctionName,
    InvocationType: 'Event',
    Payload: '{"fail":1}',
  })
  command.middlewareStack.add(
    (next) => (args) => {
      Object.assign((args.request as { headers: object }).headers, { traceparent })
      return next(args)
    },
    { step: 'build' },
  )
  await hearth.lambda.send(command)
  const spans = await spansOf(TRACE.replace('5', '8'), 1 + 3 * 4)
  const gateway = named(spans, 'Invoke')
  const events = spans.filter(({ name }) => name === `event ${FunctionName}`)
  expect(events.map(({ attributes }) => attributes['hearth.attempt'])).toEqual([1, 2, 3])
  for (const event of events) {
    expect(event).toMatchObject({ kind: CONSUMER, parentSpanId: gateway.spanId, status: ERROR })
    const attempt = spans.find(({ parentSpanId }) => parentSpanId === event.spanId)
    expect(attempt).toMatchObject({ name: FunctionName, status: ERROR })
  }
})

test('a collector that is away costs spans, and nothing else', async () => {
  await collector.close()
  const startedAt = performance.now()
  for (let call = 0; call < 20; call += 1) {
    expect((await hearth.invoke(FunctionName)).error).toBeUndefined()
  }
  expect(performance.now() - startedAt).toBeLessThan(5_000)
})
