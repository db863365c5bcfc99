// Stems on the real engine and the real runtime images: a first invocation finds its runtime
// booted, and cannot tell it from one that booted for it alone.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { type Harness, type HarnessOptions, openHarness } from './scheduler-harness.ts'

const NODE = `
const first = Object.keys(process.env).sort()
exports.handler = async (event) => ({
  env: { ...process.env }, first, cwd: process.cwd(), argv: process.execArgv,
  tz: new Date(0).getHours(), path: require('node:module').globalPaths,
  heapMb: require('node:v8').getHeapStatistics().heap_size_limit / 2 ** 20,
})
`
const PYTHON = `
import os, subprocess, time
def handler(event, context):
    native = subprocess.run(["env"], capture_output=True, text=True).stdout
    hour = time.localtime(0).tm_hour
    return {"env": dict(os.environ), "native": native, "cwd": os.getcwd(), "hour": hour}
`

let harness: Harness
afterEach(() => harness?.close())

async function open(options: Omit<HarnessOptions, 'files'>): Promise<void> {
  const files = { 'index.js': NODE, 'index.py': PYTHON }
  harness = await openHarness({ files, limits: { memoryMb: 8192 }, ...options })
}

const WITHIN = { timeout: 30_000 }
const parked = (count: number) => expect.poll(() => harness.scheduler.stems, WITHIN).toBe(count)
const parse = (text: string) => JSON.parse(text)

test('a first invocation takes a stem, and looks as if it had booted for it', async () => {
  await open({ stems: { max: 4, standing: ['nodejs24.x'] } })
  await parked(1)
  const environment = { GREETING: 'hello', TZ: 'Asia/Tokyo' }
  const version = harness.version({ memoryMb: 128, environment })
  const first = await harness.invoke({}, { version })
  expect(first.report).toMatchObject({ start: 'stem', coldReason: 'first invocation' })
  const seen = parse(first.body)
  expect(seen.first).toEqual(Object.keys(seen.env).sort())
  expect(seen.env).toMatchObject({ GREETING: 'hello', AWS_LAMBDA_FUNCTION_NAME: 'hello' })
  expect(seen.env).not.toHaveProperty('HEARTH_STEM')
  expect(seen).toMatchObject({ cwd: '/var/task', tz: 9 })
  expect(seen.path.join()).toContain('/opt/nodejs/node_modules')
  // The same function without stems: nothing but its start may differ.
  await harness.close()
  await open({})
  const cold = await harness.invoke({}, { version })
  expect(cold.report?.start).toBe('cold')
  const alone = parse(cold.body)
  const streamless = ({ AWS_LAMBDA_LOG_STREAM_NAME: _, ...rest }: Record<string, string>) => rest
  expect(streamless(seen.env)).toEqual(streamless(alone.env))
  expect({ ...seen, env: 0 }).toEqual({ ...alone, env: 0 })
  expect(harness.problems).toEqual([])
})

test('a setting that counts at boot has its runtime booted anew, in the stem’s sandbox', async () => {
  await open({ stems: { max: 1, standing: ['nodejs24.x'] } })
  await parked(1)
  const version = harness.version({ memoryMb: 512, environment: { NODE_OPTIONS: '--no-warnings' } })
  const answer = await harness.invoke({}, { version })
  expect(answer.report?.start).toBe('stem')
  const { heapMb, env } = parse(answer.body)
  expect(env.NODE_OPTIONS).toBe('--no-warnings')
  expect(heapMb).toBeGreaterThan(400)
  expect(harness.problems).toEqual([])
})

test('Python becomes a function just so', async () => {
  await open({
    stems: { max: 1, standing: ['python3.13'] },
    configuration: { runtime: 'python3.13', environment: { TZ: 'Asia/Tokyo', GREETING: 'hello' } },
  })
  await parked(1)
  const answer = await harness.invoke()
  expect(answer.report?.start).toBe('stem')
  const { env, native, cwd, hour } = parse(answer.body)
  expect(env).toMatchObject({ GREETING: 'hello', _HANDLER: 'index.handler' })
  expect(native).toContain('GREETING=hello')
  expect(`${native}${Object.keys(env)}`).not.toContain('HEARTH_STEM')
  expect([cwd, hour]).toEqual(['/var/task', 9])
  expect(harness.problems).toEqual([])
})

test('demand decides how many wait, a burst finds them, and none is left behind', async () => {
  await open({ stems: { max: 4, standing: ['nodejs24.x'] } })
  await parked(1)
  await harness.invoke({}, { version: harness.version({ memoryMb: 128 }) })
  await parked(2)
  const burst = Array.from({ length: 2 }, () =>
    harness.invoke({}, { version: harness.version({ memoryMb: 128 }) }),
  )
  for (const { report } of await Promise.all(burst)) expect(report?.start).toBe('stem')
  // Two at once, and one more; or more, if the first call was but two seconds ago.
  await expect.poll(() => harness.scheduler.stems, WITHIN).toBeGreaterThanOrEqual(3)
  expect(harness.problems).toEqual([])
})

test('a /tmp that no stem can have costs none: the sandbox starts with it', async () => {
  await open({ hands: 'off', stems: { max: 1, standing: ['nodejs24.x'] } })
  await parked(1)
  const stems = await harness.sandboxes()
  const version = harness.version({ memoryMb: 256, ephemeralStorageMb: 600 })
  const answer = await harness.invoke({}, { version })
  expect(answer.report?.start).toBe('cold')
  expect(await harness.sandboxes()).toEqual(expect.arrayContaining(stems))
  expect(harness.scheduler.stems).toBe(1)
  expect((await harness.invoke()).report?.start).toBe('stem')
  // Nothing but that there is no helper.
  expect(harness.problems).toEqual([])
})

test('a stem that is killed is replaced', async () => {
  await open({ stems: { max: 1, standing: ['nodejs24.x'] } })
  await parked(1)
  const [stem = ''] = await harness.sandboxes()
  await harness.kill(stem)
  await expect.poll(() => harness.sandboxes(), { timeout: 20_000 }).not.toContain(stem)
  await parked(1)
  const answer = await harness.invoke()
  expect(answer.report?.start).toBe('stem')
})

/** A version whose code is in an image: here, of all images, one of our own with a program in it. */
async function ofImage(program: string) {
  const inspect = ['image', 'inspect', '--format', '{{.Id}}', 'hearth/nodejs24.x']
  const { stdout } = await promisify(execFile)('docker', inspect)
  const facts = {
    ...{ id: stdout.trim(), resolvedUri: 'hearth/nodejs24.x', volumes: [], command: [] },
    ...{ architecture: 'x86_64' as const, sizeBytes: 1, workingDirectory: '/opt', environment: [] },
    entryPoint: ['/var/lang/bin/node', '-e', program],
  }
  const version = harness.version({ runtime: '', handler: '', memoryMb: 192 })
  return { ...version, image: { uri: 'hearth/nodejs24.x', facts } }
}

test('an image that was called has a stem for the next, whatever its program', async () => {
  await open({ stems: { max: 2, standing: [] } })
  const report = (expression: string) => `
    const { request } = require('node:http')
    const base = 'http://' + process.env.AWS_LAMBDA_RUNTIME_API + '/2018-06-01/runtime/invocation/'
    const ask = (path, method, body) => new Promise((r) => request(base + path, { method }, (a) =>
      a.resume().on('end', () => r(a.headers))).end(body))
    const turn = async () => {
      const { 'lambda-runtime-aws-request-id': id } = await ask('next', 'GET')
      await ask(id + '/response', 'POST', JSON.stringify(${expression}))
      return turn()
    }
    turn()`
  const first = await harness.invoke({}, { version: await ofImage(report('1')) })
  expect(first.report?.start).toBe('cold')
  await expect.poll(() => harness.scheduler.stems, WITHIN).toBeGreaterThan(0)
  const shown =
    "[process.cwd(), 'HEARTH_STEM' in process.env, require('fs').readFileSync(" +
    "['/sys/fs/cgroup/memory/memory.limit_in_bytes', '/sys/fs/cgroup/memory.max']" +
    ".find((path) => require('fs').existsSync(path)), 'utf8').trim()]"
  const second = await harness.invoke({}, { version: await ofImage(report(shown)) })
  expect(second.report?.start).toBe('stem')
  expect(parse(second.body)).toEqual(['/opt', false, String(192 * 1024 * 1024)])
  expect(harness.problems).toEqual([])
})
