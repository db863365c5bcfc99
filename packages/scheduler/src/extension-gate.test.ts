// The gate between a runtime and its environment: what ends is given no work, and extensions may
// not ask for subscriptions without end.

import { expect, test, vi } from 'vitest'
import { ExtensionGate } from './extension-gate.ts'
import type { ApiAnswer } from './extensions-api.ts'
import { NOBODY } from './runtime-side.ts'
import type { Telemetry } from './telemetry.ts'

function open() {
  const side = { ...NOBODY, next: vi.fn(() => true), restore: vi.fn(() => true) }
  const parts = { account: '0', functionName: 'f', version: '1', handler: 'h', measured() {} }
  const log = { note() {}, tap: undefined }
  const platform = { extension: () => ({}), subscription: () => ({}) }
  const known = { ...parts, log, platform } as unknown as ConstructorParameters<
    typeof ExtensionGate
  >[1]
  return { side, gate: new ExtensionGate({ ...side, initFailed: () => true }, known) }
}

test('what is about to end has no work, and its successor has', () => {
  const { side, gate } = open()
  const life = { telemetry: undefined, changed() {} }
  gate.begin([], life)
  gate.close()
  expect([gate.next(vi.fn()), gate.restore(vi.fn()), gate.initFailed(Buffer.alloc(0))]).toEqual([
    false,
    false,
    false,
  ])
  expect(side.next).not.toHaveBeenCalled()
  gate.begin([], life)
  expect(gate.next(vi.fn())).toBe(true)
  expect(side.next).toHaveBeenCalledOnce()
})

test('an extension that subscribes again and again is refused in the end', () => {
  const { gate } = open()
  const subscribe = vi.fn()
  const telemetry = { apiOf: () => undefined, subscribe, settle: () => true }
  const life = { telemetry: telemetry as unknown as Telemetry, changed() {} }
  const extension = gate.begin(['a'], life).register('a', [])
  const identifier = 'id' in extension ? extension.id : ''
  const destination = { protocol: 'TCP', port: 1 }
  const wish = { schemaVersion: '2022-07-01', types: ['platform'], destination }
  const head = { method: 'PUT', path: '/', expectsContinue: false, closes: false, streams: false }
  const answers: ApiAnswer[] = []
  for (let count = 0; count < 101; count += 1) {
    const body = Buffer.from(JSON.stringify(wish))
    const request = {
      operation: 'telemetry' as const,
      head: { ...head, extension: { identifier } },
    }
    gate.askedByExtension({ ...request, body }, (answer) => answers.push(answer))
  }
  expect(subscribe).toHaveBeenCalledTimes(100)
  expect(answers.at(-1)).toMatchObject({
    status: '403 Forbidden',
    body: { errorType: 'Telemetry.SubscriptionClosed' },
  })
})
