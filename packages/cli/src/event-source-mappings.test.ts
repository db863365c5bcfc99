// What `hearth esm` shows of mappings, and where a reset begins.

import { expect, test } from 'vitest'
import { renderMappings, startOf } from './event-source-mappings.ts'

const functionArn = 'arn:aws:lambda:us-east-1:000000000000:function:f'

test('mappings are told by their source, their function and their state', () => {
  const text = renderMappings([
    {
      UUID: 'u-1',
      EventSourceArn:
        'arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026-01-01T00:00:00.0',
      FunctionArn: `${functionArn}:live`,
      State: 'Enabled',
      LastProcessingResult: 'OK',
    },
    {
      UUID: 'u-2',
      SelfManagedEventSource: { Endpoints: { KAFKA_BOOTSTRAP_SERVERS: ['kafka:1', 'kafka:2'] } },
      Topics: ['topic'],
      FunctionArn: functionArn,
      State: 'Creating',
    },
  ])
  const [, first, second] = text.split('\n').map((line) => line.split(/ {3,}/))
  expect(first).toEqual([
    ...['u-1', 'dynamodb table/t/stream/2026-01-01T00:00:00.0', 'f:live', 'Enabled', 'OK'],
  ])
  expect(second).toEqual(['u-2', 'kafka:1 topic', 'f', 'Creating'])
  expect(renderMappings([])).toBe('No event source mappings.')
})

test('a reset begins where it is told to', () => {
  expect(startOf(undefined, 10)).toEqual({})
  expect(startOf('latest', 10)).toEqual({ position: 'LATEST' })
  expect(startOf('trim-horizon', 10)).toEqual({ position: 'TRIM_HORIZON' })
  expect(startOf('10m', 1_000_000)).toEqual({ timestamp: 400_000 })
  expect(startOf('1970-01-01T00:00:01Z', 10)).toEqual({ timestamp: 1_000 })
  expect(() => startOf('yesterday', 10)).toThrow(/no time/)
})
