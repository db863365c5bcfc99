// The platform's lines, byte for byte as AWS writes them.

import type { Logging } from '@hearth/core/function'
import type { InvocationReport } from '@hearth/core/invocation'
import { expect, test } from 'vitest'
import {
  type InitOutcome,
  type PlatformEvent,
  type PlatformFacts,
  platformLog,
} from './platform-log.ts'

const report: InvocationReport = {
  start: 'cold',
  outcome: 'success',
  durationMs: 3.0149,
  initMs: 110.1,
  billedMs: 114,
  maxMemoryMb: 36,
}
const facts = {
  functionName: 'f',
  version: '$LATEST',
  memoryMb: 128,
  runtime: 'python3.13',
  runtimeArn: 'arn:aws:lambda:us-east-1::runtime:abc',
  initializationType: 'on-demand',
  logStream: 'stream',
}
/** What the log shows of events. */
function make(logging: Partial<Logging>, changes: Partial<PlatformFacts> = {}) {
  const platform = platformLog({
    ...facts,
    ...changes,
    logging: { format: 'Text', group: 'g', ...logging },
  })
  const shown = (...events: PlatformEvent[]) => events.flatMap((one) => platform.render(one))
  return { ...platform, shown }
}
const END = { notes: [], payload: new Uint8Array(3) }
const typeOf = (line: string) => JSON.parse(line).type

test('text', () => {
  const { shown, ...text } = make({})
  expect(shown(text.initStart())).toEqual([
    'INIT_START Runtime Version: python3.13\t' +
      'Runtime Version ARN: arn:aws:lambda:us-east-1::runtime:abc',
  ])
  expect(text.startLines('r')).toEqual(['START RequestId: r Version: $LATEST'])
  expect(text.endLines('r', report, END)).toEqual([
    'END RequestId: r',
    'REPORT RequestId: r\tDuration: 3.01 ms\tBilled Duration: 114 ms\tMemory Size: 128 MB\t' +
      'Max Memory Used: 36 MB\tInit Duration: 110.10 ms\t',
  ])
  const { initMs: _, ...warm } = report
  const late = { ...END, notes: ['note'] }
  expect(text.endLines('r', { ...warm, outcome: 'timed out' }, late)).toEqual([
    'note',
    'END RequestId: r',
    'REPORT RequestId: r\tDuration: 3.01 ms\tBilled Duration: 114 ms\tMemory Size: 128 MB\t' +
      'Max Memory Used: 36 MB\tStatus: timeout\t',
  ])
  const end = { ...END, errorType: 'Extension.Crash' }
  expect(text.endLines('r', { ...warm, outcome: 'exited' }, end)[1]).toMatch(
    /36 MB\tStatus: error\tError Type: Extension\.Crash\t$/,
  )
  const failed = { phase: 'init', initMs: 1.234, status: 'error', errorType: 'Runtime.ExitError' }
  expect(shown(...text.initDone(failed as InitOutcome))).toEqual([
    'INIT_REPORT Init Duration: 1.23 ms\tPhase: init\tStatus: error\tError Type: Runtime.ExitError',
  ])
  const went = { phase: 'init', initMs: 1, status: 'success' } as const
  expect(shown(...text.initDone(went))).toEqual([])
})

test('text of restores, extensions and subscriptions', () => {
  const { shown, ...text } = make({})
  expect(shown(text.restoreStart(), ...text.restoreDone(12.345))).toEqual([
    'RESTORE_START Runtime Version: python3.13\t' +
      'Runtime Version ARN: arn:aws:lambda:us-east-1::runtime:abc',
    'RESTORE_REPORT Restore Duration: 12.35 ms',
  ])
  const ready = { name: 'x', state: 'Ready', events: ['INVOKE', 'SHUTDOWN'] }
  expect(
    shown(
      text.extension(ready),
      text.extension({ name: 'x', state: 'InitError', events: [], errorType: 'Extension.Odd' }),
      text.subscription('telemetry', 'x', ['platform', 'function']),
      text.subscription('logs', 'x', ['extension']),
    ),
  ).toEqual([
    'EXTENSION\tName: x\tState: Ready\tEvents: [INVOKE,SHUTDOWN]',
    'EXTENSION\tName: x\tState: InitError\tEvents: []\tError Type: Extension.Odd',
    'TELEMETRY\tName: x\tState: Subscribed\tTypes: [Platform, Function]',
    'LOGS\tName: x\tState: Subscribed\tTypes: [Extension]',
  ])
})

test.each([
  ['DEBUG', ['start', 'runtimeDone', 'report'], ['runtimeDone', 'report']],
  ['INFO', ['start', 'report'], ['runtimeDone', 'report']],
  ['WARN', [], ['runtimeDone', 'report']],
])('JSON at level %s', (systemLevel, good, bad) => {
  const json = make({ format: 'JSON', systemLevel })
  const finish = (outcome: InvocationReport['outcome']) =>
    json.endLines('r', { ...report, outcome }, END).map(typeOf)
  const all = [...json.startLines('r').map(typeOf), ...finish('success')]
  expect(all).toEqual(good.map((type) => `platform.${type}`))
  expect(finish('exited')).toEqual(bad.map((type) => `platform.${type}`))
})

test.each([
  ['on-demand', 'INFO', []],
  ['on-demand', 'DEBUG', ['platform.initRuntimeDone', 'platform.initReport']],
  ['provisioned-concurrency', 'INFO', ['platform.initReport']],
])('JSON of an init that is %s at level %s', (initializationType, systemLevel, types) => {
  const { shown, ...json } = make({ format: 'JSON', systemLevel }, { initializationType })
  const went = { phase: 'init', initMs: 1, status: 'success' } as const
  expect(shown(...json.initDone(went)).map(typeOf)).toEqual(types)
  expect(JSON.parse(shown(json.initStart())[0] ?? '').record).toMatchObject({
    initializationType,
    phase: 'init',
    functionName: 'f',
  })
})

test('JSON reports numbers, rounds them, and keeps what only text says', () => {
  const json = make({ format: 'JSON' })
  const end = { ...END, notes: ['Task timed out'], extensionsMs: 5.00049 }
  const [note, line = ''] = json.endLines('r', report, end)
  expect(note).toBe('Task timed out')
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
    spans: [{ name: 'extensionOverhead', start: expect.any(String), durationMs: 5 }],
  })
})

test('a tenant is told in JSON alone', () => {
  const blue = { tenantId: 'blue' }
  const linesOf = (logging: Partial<Logging>) => {
    const log = make(logging, blue)
    return [...log.startLines('r'), ...log.endLines('r', report, END)]
  }
  const records = linesOf({ format: 'JSON', systemLevel: 'DEBUG' }).map(
    (line) => JSON.parse(line).record,
  )
  expect(records).toEqual([1, 2, 3].map(() => expect.objectContaining(blue)))
  expect(linesOf({}).join()).not.toContain('blue')
})
