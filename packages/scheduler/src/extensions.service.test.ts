// External extensions on the real engine: they start before the runtime, hear of each invocation
// and of the end, and an environment waits for them; what they do to it is told in AWS's words.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { FunctionVersion } from '@hearth/core/function'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Answer, type Harness, makeMessage, openHarness } from './scheduler-harness.ts'

const RECORDER = readFileSync(
  fileURLToPath(new URL('../../../e2e/functions/extensions/recorder.cjs', import.meta.url)),
  'utf8',
)
const HANDLER = `
process.on('SIGTERM', () => { console.log('runtime got SIGTERM'); process.exit(0) })
let calls = 0
exports.handler = async (event) => {
  console.log('handler ' + event.say)
  if (event.exit) process.exit(3)
  if (event.hang) await new Promise((resolve) => setTimeout(resolve, 60_000))
  calls += 1
  return { calls }
}
`
/** Any: where the harness has the code it has the layers, too. */
const LAYERS = [
  { arn: 'arn:aws:lambda:us-east-1:000000000000:layer:any:1', code: { sha256: 'a', size: 1 } },
]

let harness: Harness | undefined
afterEach(() => stop())

/** Takes the ten seconds of an init, and so goes on beside the other tests. */
let never: Promise<Answer> | undefined
let waiting: Harness | undefined
beforeAll(async () => {
  waiting = await openHarness({
    files: { 'index.js': HANDLER, 'extensions/recorder.cjs': RECORDER },
    configuration: {
      layers: LAYERS,
      timeoutSeconds: 1,
      environment: { PLAN: '{"never":true}' },
    },
  })
  never = waiting.invoke()
})
afterAll(() => waiting?.close())

async function stop(): Promise<void> {
  await harness?.close()
  harness = undefined
}

async function open(
  plan: object,
  changes: Partial<FunctionVersion['configuration']> = {},
  files: Record<string, string> = { 'extensions/recorder.cjs': RECORDER },
) {
  harness = await openHarness({
    files: { ...(!files['index.mjs'] && { 'index.js': HANDLER }), ...files },
    configuration: {
      layers: LAYERS,
      environment: { PLAN: JSON.stringify(plan) },
      ...changes,
    },
  })
  const { log } = harness
  /** What extensions said: one member of each line that has it. */
  const said = (member: string) =>
    log
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line)[member])
      .filter((value) => value !== undefined)
  return { ...harness, said }
}

const WITHIN = { timeout: 10_000, interval: 50 }
/** The kinds of lines in a log, in order. */
const kinds = (log: readonly string[]) =>
  log.map(
    (line) => /"(event|done|last|signal|registered)":/.exec(line)?.[1] ?? /^\S+/.exec(line)?.[0],
  )

test('an extension is registered first, hears of invocations, and of the end in time', async () => {
  const { invoke, log, said } = await open({ probe: true })
  const requestId = crypto.randomUUID()
  const first = await invoke({ say: 'one' }, { requestId, wantsLogTail: true, traceId: 'Root=1' })
  expect(JSON.parse(first.body)).toEqual({ calls: 1 })
  expect(first.logTail).toMatch(/^START .*handler one\n.*END .*REPORT /s)
  const second = await invoke({ say: 'two' })
  expect([JSON.parse(second.body), second.report?.start]).toEqual([{ calls: 2 }, 'warm'])
  await expect.poll(() => said('done'), WITHIN).toHaveLength(2)
  await stop()
  expect(said('registered')).toEqual([
    {
      accountId: '000000000000',
      functionName: 'hello',
      functionVersion: '$LATEST',
      handler: 'index.handler',
    },
  ])
  expect(said('hidden')).toEqual([[]])
  expect(said('wrong')).toMatchObject([
    {
      status: 403,
      json: { errorType: 'Extension.InvalidExtensionName', errorMessage: 'Empty extension name' },
    },
  ])
  const [invoked, , ended] = said('event')
  expect(invoked).toEqual({
    eventType: 'INVOKE',
    requestId,
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:hello',
    deadlineMs: expect.any(Number),
    tracing: { type: 'X-Amzn-Trace-Id', value: 'Root=1' },
    hasId: true,
  })
  expect(ended).toMatchObject({ eventType: 'SHUTDOWN', shutdownReason: 'spindown' })
  expect(said('last')).toEqual(['words'])
  // The runtime goes before the extensions, and each invocation's lines stand between its own.
  const order = kinds(log).filter((kind) =>
    /^(EXT|START|END|REPORT|done|last|reg)/.test(kind ?? ''),
  )
  const once = ['START', 'done', 'END', 'REPORT']
  expect(order).toEqual(['registered', 'EXTENSION', ...once, ...once, 'last'])
  expect(log.findIndex((line) => line.includes('runtime got SIGTERM'))).toBeLessThan(
    log.findIndex((line) => line.includes('SHUTDOWN","shut')),
  )
  expect(log).toContain('EXTENSION\tName: recorder.cjs\tState: Ready\tEvents: [INVOKE,SHUTDOWN]')
})

test('the answer does not wait for extensions, and the next invocation does', async () => {
  const { invoke, said, log, records } = await open({ slowMs: 400 })
  await invoke({ say: 'boot' })
  await expect.poll(() => said('done'), WITHIN).toHaveLength(1)
  const startedAt = performance.now()
  await invoke({ say: 'quick' })
  const answeredMs = performance.now() - startedAt
  await invoke({ say: 'next' })
  expect(answeredMs).toBeLessThan(300)
  expect(performance.now() - startedAt).toBeGreaterThan(400)
  await stop()
  const lines = kinds(log).filter((kind) => kind === 'done' || kind === 'REPORT')
  expect(lines).toEqual(Array(3).fill(['done', 'REPORT']).flat())
  // Lambda bills what extensions do after the answer, and the ledger has each invocation once.
  expect(records.map(({ billedMs, outcome }) => [billedMs > 390, outcome])).toEqual(
    Array(3).fill([true, 'success']),
  )
  const told = log.flatMap((line) => /Billed Duration: (\d+) ms/.exec(line)?.[1] ?? [])
  expect(told.map(Number)).toEqual(records.map(({ billedMs }) => billedMs))
})

test('an extension that is at work for longer than the timeout ends with its runtime', async () => {
  const { invoke, said } = await open({ slowMs: 5_000 }, { timeoutSeconds: 1 })
  expect(JSON.parse((await invoke({ say: 'one' })).body)).toEqual({ calls: 1 })
  await expect.poll(() => said('registered'), WITHIN).toHaveLength(2)
  expect(said('event').map(({ eventType }) => eventType)).toEqual(['INVOKE'])
})

test('extensions hear why an environment is made anew: a timeout, or a runtime that failed', async () => {
  const { invoke, said } = await open({}, { timeoutSeconds: 1 })
  const late = await invoke({ hang: true })
  expect(JSON.parse(late.body).errorType).toBe('Sandbox.Timedout')
  const failed = await invoke({ exit: true }, { startBy: Date.now() + 5_000 })
  expect(JSON.parse(failed.body).errorType).toBe('Runtime.ExitError')
  expect(JSON.parse((await invoke({ say: 'again' })).body)).toEqual({ calls: 1 })
  await stop()
  const reasons = said('event').map(({ shutdownReason }) => shutdownReason)
  expect(reasons.filter((reason) => reason !== undefined)).toEqual([
    'timeout',
    'failure',
    'spindown',
  ])
})

/** Leaves a process behind that asks for the work of the runtime's successor. */
const THIEF = `
const { spawn } = require('node:child_process')
const url = 'http://' + process.env.AWS_LAMBDA_RUNTIME_API + '/2018-06-01/runtime/invocation/'
const theft = \`
const steal = async () => {
  const next = await fetch('\${url}next')
  const id = next.headers.get('lambda-runtime-aws-request-id')
  if (id) await fetch('\${url}' + id + '/response', { method: 'POST', body: '"stolen"' })
  setTimeout(steal, 5)
}
steal()\`
let calls = 0
exports.handler = async ({ leave }) => {
  if (leave) {
    spawn(process.execPath, ['-e', theft], { detached: true, stdio: 'ignore' }).unref()
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    process.exit(3)
  }
  calls += 1
  return { calls }
}
`
test('nothing that is left of a runtime serves in place of its successor', async () => {
  const files = { 'index.js': THIEF, 'extensions/recorder.cjs': RECORDER }
  const { invoke, sandboxes } = await open({ lastMs: 1_500 }, {}, files)
  const first = await invoke({ leave: true })
  expect(JSON.parse(first.body).errorType).toBe('Runtime.ExitError')
  const second = await invoke({}, { startBy: Date.now() + 5_000 })
  expect(JSON.parse(second.body)).toEqual({ calls: 1 })
  // The old one was counted all the time: it made room in its own sandbox, not beside it.
  expect(await sandboxes()).toHaveLength(1)
})

const BROKEN = '#!/none/such\n'
const CANNOT_START = 'fork/exec /opt/extensions/recorder.cjs: no such file or directory'
test.each([
  [
    'ends before it registers, or says that it cannot',
    RECORDER,
    [
      [{ exit: 7 }, 'Extension.Crash', 'exit status 7'],
      [{ exit: 0 }, 'Extension.Crash', 'exit code 0'],
      [{ initError: true }, 'Extension.InitError', 'exit code 0'],
    ],
  ],
  ['cannot be started', BROKEN, [[{}, 'Extension.LaunchError', CANNOT_START]]],
] as const)('an extension that %s fails the init', async (_, text, cases) => {
  const { invoke, version, log } = await open({}, {}, { 'extensions/recorder.cjs': text })
  const tried = cases.map(async ([plan, errorType, words]) => {
    const requestId = crypto.randomUUID()
    const environment = { PLAN: JSON.stringify(plan) }
    const answer = await invoke({}, { requestId, version: version({ environment }) })
    expect(answer.functionError).toBe('Unhandled')
    const errorMessage = `RequestId: ${requestId} Error: ${words}`
    expect(JSON.parse(answer.body)).toEqual({ errorType, errorMessage })
  })
  await Promise.all(tried)
  await stop()
  const reports = log.filter((line) => line.startsWith('INIT_REPORT')).map(withoutFigures)
  const told = cases.flatMap(([, errorType]) =>
    ['init', 'invoke'].map(
      (phase) =>
        `INIT_REPORT Init Duration: n ms\tPhase: ${phase}\tStatus: error\tError Type: ${errorType}`,
    ),
  )
  expect(reports.sort()).toEqual(told.sort())
  const states = log.filter((line) => line.startsWith('EXTENSION'))
  expect(states[0]).toMatch(/^EXTENSION\tName: recorder.cjs\tState: \w+\tEvents: .*\tError Type: /)
})

const withoutFigures = (line: string) => line.replace(/Duration: [\d.]+/, 'Duration: n')

test('an extension ignores no signal that it does not choose to', async () => {
  const told = String.raw`sed -n 's/^SigIgn:\s*\(.*\)/{"ignores":"\1"}/p' /proc/$$/status`
  const shell = `#!/bin/sh\n${told}\nexec node /opt/recorder.cjs`
  const files = { 'extensions/recorder.cjs': shell, 'recorder.cjs': RECORDER }
  const { invoke, said } = await open({}, {}, files)
  await invoke({ say: 'one' })
  await stop()
  // Of signals 1 to 31; some engines are started with those of the C library ignored.
  expect(said('ignores').map((mask) => BigInt(`0x${mask}`) & 0x7fffffffn)).toEqual([0n])
})

test('an extension that crashes while the function runs is the invocation’s failure', async () => {
  const { invoke, log } = await open({ crash: true })
  const requestId = crypto.randomUUID()
  const answer = await invoke({ hang: true }, { requestId })
  expect(JSON.parse(answer.body)).toEqual({
    errorType: 'Extension.Crash',
    errorMessage: `RequestId: ${requestId} Error: exit status 7`,
  })
  await expect.poll(() => log.join('\n'), WITHIN).toContain('Error Type: Extension.Crash\t')
})

test('an extension that never registers lets the init run out of time', async () => {
  const answer = await never
  expect(JSON.parse(answer?.body ?? '').errorType).toBe('Sandbox.Timedout')
})

test('more than ten are too many, and ten are not', async () => {
  const script = '#!/bin/sh\nsleep 60\n'
  const many = (count: number, text: string) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`extensions/e${n}`, text]))
  const { invoke } = await open({}, {}, many(11, script))
  expect(JSON.parse((await invoke()).body)).toMatchObject({ errorType: 'Extension.LaunchError' })
  await stop()
  const ten = await open({}, { memoryMb: 1024 }, many(10, RECORDER))
  expect(JSON.parse((await ten.invoke({ say: 'hi' })).body)).toEqual({ calls: 1 })
  await stop()
  expect(ten.said('last')).toHaveLength(10)
})

const INTERNAL = `
const call = (method, path, headers, body) =>
  fetch('http://' + process.env.AWS_LAMBDA_RUNTIME_API + '/2020-01-01/extension/' + path,
    { method, headers, body })
const name = { 'Lambda-Extension-Name': 'inner' }
const heard = []
const bad = await call('POST', 'register', name, '{"events":["SHUTDOWN"]}')
heard.push((await bad.json()).errorMessage)
const ok = await call('POST', 'register', name, '{"events":["INVOKE"]}')
const id = { 'Lambda-Extension-Identifier': ok.headers.get('lambda-extension-identifier') }
const listen = async () => {
  for (;;) heard.push((await (await call('GET', 'event/next', id)).json()).eventType)
}
listen()
export const handler = async () => heard
`
test('an extension within the runtime’s process hears of invocations, too', async () => {
  const { invoke } = await open({}, { layers: [] }, { 'index.mjs': INTERNAL })
  const refused = 'SHUTDOWN: ShutdownEventNotSupportedForInternalExtension'
  await invoke()
  await expect
    .poll(async () => JSON.parse((await invoke()).body).slice(0, 3), WITHIN)
    .toEqual([refused, 'INVOKE', 'INVOKE'])
})

test('a subscriber hears everything from the init on, lines and events, in AWS’s form', async () => {
  const logging = { format: 'JSON', group: '/aws/lambda/hello' } as const
  const { invoke, said } = await open({ telemetry: true }, { logging })
  const requestId = crypto.randomUUID()
  await invoke({ say: 'one' }, { requestId })
  await expect.poll(() => said('told').map(({ type }) => type), WITHIN).toContain('platform.report')
  await stop()
  expect(said('subscribed')).toEqual([{ status: 200, json: 'OK' }])
  const told = said('told')
  expect(told.slice(0, 9).map(({ type }) => type)).toEqual([
    'platform.initStart',
    'platform.telemetrySubscription',
    'platform.extension',
    'platform.initRuntimeDone',
    'platform.initReport',
    'platform.start',
    'function',
    'platform.runtimeDone',
    'platform.report',
  ])
  const recordOf = (type: string) => told.find((one) => one.type === type)?.record
  const status = 'success'
  const [initializationType, phase] = ['on-demand', 'init']
  const durationMs = expect.any(Number)
  expect(recordOf('platform.initStart')).toMatchObject({
    ...{ initializationType, phase, functionName: 'hello', functionVersion: '$LATEST' },
    ...{ runtimeVersion: 'nodejs24.x', instanceMaxMemory: 256 },
  })
  expect(recordOf('platform.telemetrySubscription')).toEqual({
    name: 'recorder.cjs',
    state: 'Subscribed',
    types: ['platform', 'function', 'extension'],
  })
  expect(recordOf('platform.initReport')).toEqual({
    ...{ initializationType, phase, status },
    metrics: { durationMs },
  })
  expect(recordOf('function')).toMatchObject({ level: 'INFO', message: 'handler one', requestId })
  expect(recordOf('platform.runtimeDone')).toMatchObject({
    ...{ requestId, status },
    metrics: { durationMs, producedBytes: 11 },
    spans: [{ name: 'responseLatency', durationMs }],
  })
  expect(recordOf('platform.report')).toMatchObject({
    ...{ requestId, status },
    metrics: { durationMs, memorySizeMB: 256, initDurationMs: expect.any(Number) },
    spans: [{ name: 'extensionOverhead', durationMs }],
  })
})

test('a booted runtime makes way for extensions and its own successor; frozen, all still hear of the end', async () => {
  harness = await openHarness({
    files: { 'index.js': HANDLER, 'extensions/recorder.cjs': RECORDER },
    configuration: { layers: LAYERS },
    stems: { max: 1, standing: ['nodejs24.x'] },
  })
  await expect.poll(() => harness?.scheduler.stems, { timeout: 20_000 }).toBe(1)
  const answer = await harness.invoke({ say: 'hi' })
  expect([JSON.parse(answer.body), answer.report?.start]).toEqual([{ calls: 1 }, 'stem'])
  const frozen = async () => (await harness?.scheduler.metrics())?.includes('state="Frozen"} 1')
  await expect.poll(frozen, WITHIN).toBe(true)
  const { log } = harness
  await stop()
  expect(kinds(log).filter((kind) => kind === 'event' || kind === 'last')).toEqual([
    'event',
    'event',
    'last',
  ])
})

test('a snapshot waits with its extensions, and tells its restore', async () => {
  const { scheduler, invoke, version, log, said } = await open(
    {},
    { snapStart: 'PublishedVersions' },
  )
  const published = { ...version({}), version: '1' }
  await scheduler.prepare(makeMessage(published))
  await expect.poll(() => scheduler.idle, WITHIN).toBe(1)
  expect(said('event')).toEqual([])
  const answer = await invoke({ say: 'hi' }, { version: published })
  expect([JSON.parse(answer.body), answer.report?.start]).toEqual([{ calls: 1 }, 'restored'])
  await expect.poll(() => said('done'), WITHIN).toHaveLength(1)
  await expect.poll(() => kinds(log), WITHIN).toContain('REPORT')
  const order = kinds(log).filter((kind) => /^(RESTORE|START|END|REPORT)/.test(kind ?? ''))
  expect(order).toEqual(['RESTORE_START', 'RESTORE_REPORT', 'START', 'END', 'REPORT'])
})
