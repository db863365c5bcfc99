// The platform's lines, byte for byte as AWS writes them.

import type { Logging } from '@hearth/core/function'
import type { InvocationReport } from '@hearth/core/invocation'
import { expect, test } from 'vitest'
import { platformLog } from './platform-log.ts'

const report: InvocationReport = {
  start: 'cold',
  outcome: 'success',
  durationMs: 3.0149,
  initMs: 110.1,
  billedMs: 114,
  maxMemoryMb: 36,
}
const make = (logging: Partial<Logging>) =>
  platformLog({
    logging: { format: 'Text', group: 'g', ...logging },
    version: '$LATEST',
    memoryMb: 128,
    runtime: 'python3.13',
    runtimeArn: 'arn:aws:lambda:us-east-1::runtime:abc',
  })

test('text', () => {
  const text = make({})
  expect(text.initStart()).toBe(
    'INIT_START Runtime Version: python3.13\t' +
      'Runtime Version ARN: arn:aws:lambda:us-east-1::runtime:abc',
  )
  expect(text.start('r')).toBe('START RequestId: r Version: $LATEST')
  expect(text.finish('r', report, [])).toEqual([
    'END RequestId: r',
    'REPORT RequestId: r\tDuration: 3.01 ms\tBilled Duration: 114 ms\tMemory Size: 128 MB\t' +
      'Max Memory Used: 36 MB\tInit Duration: 110.10 ms\t',
  ])
  const { initMs: _, ...warm } = report
  expect(text.finish('r', { ...warm, outcome: 'timed out' }, ['note'])).toEqual([
    'note',
    'END RequestId: r',
    'REPORT RequestId: r\tDuration: 3.01 ms\tBilled Duration: 114 ms\tMemory Size: 128 MB\t' +
      'Max Memory Used: 36 MB\tStatus: timeout\t',
  ])
  expect(text.initFailed('init', 1.234, 'error', 'Runtime.ExitError')).toBe(
    'INIT_REPORT Init Duration: 1.23 ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError',
  )
})

test.each([
  ['DEBUG', ['start', 'runtimeDone', 'report'], ['runtimeDone', 'report']],
  ['INFO', ['start', 'report'], ['runtimeDone', 'report']],
  ['WARN', [], ['runtimeDone', 'report']],
])('JSON at level %s', (systemLevel, good, bad) => {
  const json = make({ format: 'JSON', systemLevel })
  const types = (outcome: InvocationReport['outcome']) =>
    json.finish('r', { ...report, outcome }, []).map((line) => JSON.parse(line).type)
  const start = json.start('r')
  const all = [...(start ? [JSON.parse(start).type] : []), ...types('success')]
  expect(all).toEqual(good.map((type) => `platform.${type}`))
  expect(types('exited')).toEqual(bad.map((type) => `platform.${type}`))
})

test('JSON reports numbers, and rounds them', () => {
  const line = make({ format: 'JSON' }).finish('r', report, [])[0] ?? ''
  expect(JSON.parse(line).record).toEqual({
    requestId: 'r',
    status: 'success',
    metrics: {
      durationMs: 3.015,
      billedDurationMs: 114,
      memorySizeMB: 128,
      maxMemoryUsedMB: 36,
      initDurationMs: 110.1,
    },
  })
})
