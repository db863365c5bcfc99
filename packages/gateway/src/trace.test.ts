// The trace of a request, as a caller and a function see it.

import { describe, expect, test } from 'vitest'
import { counted, traceOf } from './trace.ts'
import { renderError } from './wire-errors.ts'

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:f'

test('a trace is begun in the form of X-Ray, and kept where there is one', () => {
  expect(traceOf({}, 0x5759e988 * 1000)).toMatch(
    /^Root=1-5759e988-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$/,
  )
  expect(traceOf({ 'x-amzn-trace-id': 'Root=1-a-b' }, 0)).toBe('Root=1-a-b')
})

test('a trace in W3C’s form is told in that of X-Ray', () => {
  const traceparent = '00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01'
  expect(traceOf({ traceparent }, 0)).toBe(
    'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1',
  )
  expect(traceOf({ traceparent, 'x-amzn-trace-id': 'Root=1-a-b' }, 0)).toBe('Root=1-a-b')
})

describe('a chain through one function', () => {
  test('is refused the seventeenth time, in the words of AWS', () => {
    let trace = traceOf({}, 0)
    for (let time = 0; time < 16; time++) trace = counted(trace, ARN, undefined)
    const refused = () => counted(trace, `${ARN}:live`, {})
    expect(refused).toThrow(/recursive loop/)
    let error: unknown
    try {
      refused()
    } catch (thrown) {
      error = thrown
    }
    const { status, headers, body } = renderError(error, 'id')
    expect(status).toBe(400)
    expect(headers['x-amzn-errortype']).toBe('RecursiveInvocationException')
    expect(Object.keys(JSON.parse(body.toString()))).toEqual(['Type', 'Message'])
  })

  test('goes on where its owner allows it', () => {
    let trace = traceOf({}, 0)
    for (let time = 0; time < 100; time++) trace = counted(trace, ARN, { allowsLoops: true })
    expect(trace.length).toBeLessThan(200)
  })
})
