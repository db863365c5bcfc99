// The scheduler against the real engine and the real runtime images: what a function's caller sees
// when things go well, and when the function times out, exits, runs out of memory or cannot be
// loaded.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Harness, openHarness } from './scheduler-harness.ts'

const CODE = `
const fs = require('node:fs')
const os = require('node:os')
const { execFileSync } = require('node:child_process')
let calls = 0
const kept = []
exports.handler = async (event, context) => {
  calls += 1
  switch (event.do) {
    case 'sleep': await new Promise((r) => setTimeout(r, event.ms)); break
    case 'hang': fs.writeFileSync('/tmp/kept', 'kept'); for (;;) {}
    case 'read': return { calls, kept: fs.existsSync('/tmp/kept') }
    case 'exit': process.exit(event.status)
    case 'kill': process.kill(process.pid, event.signal)
      await new Promise((r) => setTimeout(r, 5000)); break
    case 'throw': throw new TypeError('no')
    case 'eat': for (;;) kept.push(Buffer.alloc(8 << 20, 1))
    case 'large': return 'x'.repeat(event.bytes)
    case 'log': console.log('one'); process.stdout.write('two'); break
    case 'flood':
      for (let i = 0; i < 6000; i += 1) process.stdout.write('y'.repeat(1023) + '\\n')
      break
    case 'who': return { uid: process.getuid(), user: os.userInfo(),
      arn: context.invokedFunctionArn,
      left: context.getRemainingTimeInMillis(), env: { ...process['env'] } }
    case 'write':
      try { fs.writeFileSync(event.path, ''); return 'written' } catch (e) { return e.code }
  }
  return { calls, event }
}
`

let harness: Harness
beforeAll(async () => {
  harness = await openHarness({ files: { 'index.js': CODE } })
})
afterAll(() => harness?.close())

const parse = (text: string) => JSON.parse(text)

test('the first invocation is cold and says why; the next is warm in its process', async () => {
  const first = await harness.invoke({ a: 1 })
  expect(parse(first.body)).toEqual({ calls: 1, event: { a: 1 } })
  expect(first.report).toMatchObject({ start: 'cold', coldReason: 'first invocation' })
  expect(first.report?.initMs).toBeGreaterThan(1)
  const second = await harness.invoke()
  expect(parse(second.body).calls).toBe(2)
  expect(second.report).toMatchObject({ start: 'warm', outcome: 'success' })
  expect(second.report?.initMs).toBeUndefined()
})

test('a timeout is AWS’s answer, keeps /tmp and loses the module state', async () => {
  const version = harness.version({ timeoutSeconds: 1 })
  const requestId = crypto.randomUUID()
  const hung = await harness.invoke({ do: 'hang' }, { version, requestId })
  expect(hung.functionError).toBe('Unhandled')
  expect(parse(hung.body)).toEqual({
    errorType: 'Sandbox.Timedout',
    errorMessage: `RequestId: ${requestId} Error: Task timed out after 1.00 seconds`,
  })
  expect(hung.report).toMatchObject({ outcome: 'timed out', durationMs: 1000 })
  const after = await harness.invoke({ do: 'read' }, { version })
  expect(parse(after.body)).toEqual({ calls: 1, kept: true })
  expect(after.report?.start).toBe('warm')
})

test('exit statuses and signals have AWS’s shapes', async () => {
  const requestId = crypto.randomUUID()
  const exits: [unknown, string][] = [
    [{ do: 'exit', status: 0 }, 'Runtime exited without providing a reason'],
    [{ do: 'exit', status: 7 }, 'Runtime exited with error: exit status 7'],
    [{ do: 'kill', signal: 'SIGKILL' }, 'Runtime exited with error: signal: killed'],
    [{ do: 'kill', signal: 'SIGSEGV' }, 'Runtime exited with error: signal: segmentation fault'],
  ]
  for (const [event, how] of exits) {
    const answer = await harness.invoke(event, { requestId })
    expect(answer.functionError).toBe('Unhandled')
    expect(parse(answer.body)).toEqual({
      errorType: 'Runtime.ExitError',
      errorMessage: `RequestId: ${requestId} Error: ${how}`,
    })
  }
})

test('out of memory is a kill, and is known for what it is', async () => {
  const version = harness.version({ memoryMb: 128, timeoutSeconds: 30 })
  const answer = await harness.invoke({ do: 'eat' }, { version })
  expect(parse(answer.body).errorMessage).toContain('signal: killed')
  expect(answer.report?.outcome).toBe('out of memory')
})

test('a handler that throws is a function error with its own body', async () => {
  const answer = await harness.invoke({ do: 'throw' })
  expect(answer.functionError).toBe('Unhandled')
  expect(parse(answer.body)).toMatchObject({ errorType: 'TypeError', errorMessage: 'no' })
  expect(answer.report?.outcome).toBe('function error')
})

test('an answer over the limit is refused, and the environment lives on', async () => {
  const version = harness.version({ timeoutSeconds: 20, memoryMb: 512 })
  const fits = await harness.invoke({ do: 'large', bytes: 6_000_000 }, { version })
  expect(fits.body.length).toBe(6_000_002)
  const large = await harness.invoke({ do: 'large', bytes: 6_291_555 }, { version })
  expect(parse(large.body).errorType).toBe('Function.ResponseSizeTooLarge')
  const after = await harness.invoke({}, { version })
  expect(parse(after.body).calls).toBe(3)
})

test('a function that cannot be loaded answers with its init error', async () => {
  const version = harness.version({ handler: 'missing.handler' })
  const answer = await harness.invoke({}, { version, wantsLogTail: true })
  expect(answer.functionError).toBe('Unhandled')
  expect(parse(answer.body).errorType).toBe('Runtime.ImportModuleError')
  expect(answer.report?.outcome).toBe('init error')
  expect(answer.logTail).toMatch(
    /^START RequestId: .*\nEND RequestId: .*\nREPORT RequestId: .*\t\n$/,
  )
})

test('the tail has AWS’s lines', async () => {
  await harness.invoke()
  const requestId = crypto.randomUUID()
  const { logTail = '' } = await harness.invoke({ do: 'log' }, { requestId, wantsLogTail: true })
  const lines = logTail.split('\n')
  expect(lines[0]).toBe(`START RequestId: ${requestId} Version: $LATEST`)
  expect(lines[1]).toMatch(new RegExp(`^\\S+Z\\t${requestId}\\tINFO\\tone$`))
  expect(lines[2]).toBe('two')
  expect(lines[3]).toBe(`END RequestId: ${requestId}`)
  expect(lines[4]).toMatch(
    new RegExp(
      `^REPORT RequestId: ${requestId}\\tDuration: \\d+\\.\\d\\d ms\\tBilled Duration: \\d+ ms\\t` +
        'Memory Size: 256 MB\\tMax Memory Used: [1-9]\\d* MB\\t$',
    ),
  )
  expect(lines[5]).toBe('')
})

test('a flood of output is cut, and its log says so', async () => {
  const { logTail = '' } = await harness.invoke({ do: 'flood' }, { wantsLogTail: true })
  expect(logTail.length).toBeLessThanOrEqual(4096)
  const dropped = () => harness.log.filter((line) => line.startsWith('[hearth] output over'))
  await expect.poll(() => dropped().length, { timeout: 10_000 }).toBeGreaterThanOrEqual(1)
})

test('the function sees AWS’s environment, and can write nowhere but /tmp', async () => {
  const { env, uid, user, left } = parse((await harness.invoke({ do: 'who' })).body)
  expect(uid).toBeGreaterThan(65_535)
  expect(user).toMatchObject({ username: 'sbx_user1051', uid })
  expect(left).toBeGreaterThan(2000)
  expect(env).toMatchObject({
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: 'hello',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
    LAMBDA_TASK_ROOT: '/var/task',
    TZ: ':UTC',
  })
  for (const path of ['/var/task/x', '/etc/x', '/var/runtime/x']) {
    expect(parse((await harness.invoke({ do: 'write', path })).body)).toBe('EROFS')
  }
})

test('twenty at once share three environments, and every attempt is recorded once', async () => {
  await harness.invoke()
  const crowd = await openHarness({
    files: { 'index.js': CODE },
    limits: { memoryMb: 768, environmentsMax: 3 },
    configuration: { timeoutSeconds: 20 },
  })
  try {
    const answers = []
    for (let round = 0; round < 20; round += 1) answers.push(invokeUntilTaken(crowd, round))
    const bodies = (await Promise.all(answers)).map((body) => parse(body).event.n)
    expect(bodies.toSorted((a, b) => a - b)).toEqual([...Array(20).keys()])
  } finally {
    await crowd.close()
  }
  expect(crowd.records.map((record) => record.requestId).length).toBe(20)
  expect(crowd.problems).toEqual([])
})

/** As a gateway with one scheduler would: busy is tried again. */
async function invokeUntilTaken(crowd: Harness, n: number): Promise<string> {
  for (;;) {
    const answer = await crowd.invoke({ do: 'sleep', ms: 50, n })
    expect(answer.platformError).toBeUndefined()
    if (answer.acceptance.accepted) return answer.body
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

test('an init that fails once is tried again, and the invocation never knows', async () => {
  const code = `const fs = require('node:fs')
    if (!fs.existsSync('/tmp/tried')) { fs.writeFileSync('/tmp/tried', ''); process.exit(9) }
    exports.handler = async () => 'loaded'`
  const twice = await openHarness({ files: { 'index.js': code } })
  try {
    const { body, report, logTail } = await twice.invoke({}, { wantsLogTail: true })
    expect(parse(body)).toBe('loaded')
    expect(report).toMatchObject({ outcome: 'success', start: 'cold' })
    expect(report?.initMs).toBeUndefined()
    expect(logTail).toMatch(/^START .*\nEND .*\nREPORT .*\t\n$/)
    await expect.poll(() => twice.log.join('\n')).toContain('Phase: init\tStatus: error')
  } finally {
    await twice.close()
  }
})

test('python speaks the same protocol', async () => {
  const code = 'import os\ncalls = 0\ndef handler(event, context):\n  global calls\n  calls += 1\n'
  const python = await openHarness({
    files: { 'app.py': `${code}  print('hello')\n  return [calls, event['n'] // event['by']]\n` },
    configuration: { runtime: 'python3.13', handler: 'app.handler' },
  })
  try {
    expect(parse((await python.invoke({ n: 8, by: 2 })).body)).toEqual([1, 4])
    const failed = await python.invoke({ n: 8, by: 0 })
    expect(parse(failed.body).errorType).toBe('ZeroDivisionError')
    const { body, logTail } = await python.invoke({ n: 8, by: 4 }, { wantsLogTail: true })
    expect(parse(body)).toEqual([3, 2])
    expect(logTail).toMatch(/^START .*\nhello\nEND .*\nREPORT .*\t\n$/)
  } finally {
    await python.close()
  }
  expect(python.problems).toEqual([])
})

test('a new deployment retires the old one and says why it is cold', async () => {
  const version = harness.version({ environment: { A: '1' } })
  const answer = await harness.invoke({ do: 'who' }, { version })
  expect(parse(answer.body).env.A).toBe('1')
  expect(answer.report).toMatchObject({ start: 'cold', coldReason: 'configuration changed' })
})

test('nothing went wrong unnoticed', () => {
  expect(harness.problems).toEqual([])
})
