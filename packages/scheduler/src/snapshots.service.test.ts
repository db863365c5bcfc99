// SnapStart on the real engine: a published version is loaded before anybody asks, waits as a
// snapshot, and runs its hooks when it is restored.

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { FunctionVersion } from '@hearth/core/function'
import { afterEach, expect, test } from 'vitest'
import { type Harness, makeMessage, openHarness } from './scheduler-harness.ts'

const NODE = `
const happened = ['init']
const { snapStart } = awslambda
snapStart.beforeSnapshot(() => happened.push('second before'))
snapStart.beforeSnapshot(async () => happened.push('first before'))
snapStart.afterRestore(() => new Promise((resolve) => setTimeout(resolve, 30)))
snapStart.afterRestore(() => happened.push('restored'))
const large = require('./large.js')
exports.handler = async () => ({
  happened, large: large(), type: process.env.AWS_LAMBDA_INITIALIZATION_TYPE,
  ours: Object.keys(process.env).filter((name) => /CACHE|SNAPSHOT/.test(name)),
})
`
const LARGE = `module.exports = () => ${JSON.stringify('x'.repeat(2_000))}.length`
const PYTHON = `
import os, sys
from snapshot_restore_py import register_after_restore, register_before_snapshot
import library
happened = ["init"]
register_before_snapshot(happened.append, "second before")
register_before_snapshot(happened.append, "first before")
register_after_restore(happened.append, "restored")
def handler(event, context):
    kind = os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
    return {"happened": happened, "cached": library.__cached__, "type": kind}
`

let harness: Harness
afterEach(() => harness?.close())

const WITHIN = { timeout: 20_000, interval: 50 }
const HAPPENED = ['init', 'first before', 'second before', 'restored']

async function open(files: Record<string, string>, runtime: string): Promise<FunctionVersion> {
  harness = await openHarness({ files, configuration: { runtime, snapStart: 'PublishedVersions' } })
  return { ...harness.version({}), version: '1' }
}

test('a version is restored from what was loaded ahead, and its hooks run in AWS’s order', async () => {
  const version = await open({ 'index.js': NODE, 'large.js': LARGE }, 'nodejs24.x')
  expect(await harness.scheduler.prepare(makeMessage(version))).toBeUndefined()
  const kept = join(harness.dataDirectory, 'snapshots', version.deploymentId)
  expect(await readdir(kept)).toEqual(expect.arrayContaining(['index.js', '.hearth-cache']))
  expect(await readdir(join(kept, '.hearth-cache'))).not.toEqual([])
  await expect.poll(() => harness.scheduler.idle, WITHIN).toBe(1)
  const { body, report, logTail } = await harness.invoke({}, { version, wantsLogTail: true })
  expect(JSON.parse(body)).toEqual({
    happened: HAPPENED,
    large: 2_000,
    type: 'snap-start',
    ours: [],
  })
  expect(report).toMatchObject({ start: 'restored', outcome: 'success' })
  expect(report?.coldReason).toBeUndefined()
  expect(report?.initMs).toBeUndefined()
  expect(report?.restoreMs).toBeGreaterThanOrEqual(30)
  expect(report?.billedMs).toBeGreaterThanOrEqual(30)
  expect(logTail).toMatch(/\tRestore Duration: [\d.]+ ms\tBilled Restore Duration: \d+ ms\t/)
  expect((await harness.invoke({}, { version })).report).toMatchObject({ start: 'warm' })
  expect(harness.problems).toEqual([])
})

test('Python keeps its compiled modules, and its hooks have AWS’s names', async () => {
  const library = `values = [${'1, '.repeat(1_000)}]`
  const version = await open({ 'index.py': PYTHON, 'library.py': library }, 'python3.13')
  expect(await harness.scheduler.prepare(makeMessage(version))).toBeUndefined()
  await expect.poll(() => harness.scheduler.idle, WITHIN).toBe(1)
  const { body, report } = await harness.invoke({}, { version })
  const { happened, cached, type } = JSON.parse(body)
  expect({ happened, type }).toEqual({ happened: HAPPENED, type: 'snap-start' })
  expect(cached).toMatch(/^\/var\/task\/\.hearth-cache\//)
  const kept = join(harness.dataDirectory, 'snapshots', version.deploymentId, '.hearth-cache')
  expect((await readdir(kept, { recursive: true })).join()).toContain('library.cpython-313.pyc')
  expect(report?.start).toBe('restored')
})

test('an invocation that finds none waits for the init, and runs the hooks all the same', async () => {
  const version = await open({ 'index.js': NODE, 'large.js': LARGE }, 'nodejs24.x')
  const { body, report } = await harness.invoke({}, { version })
  expect(JSON.parse(body).happened).toEqual(HAPPENED)
  expect(report).toMatchObject({ start: 'cold', coldReason: 'first invocation' })
  expect(report?.initMs).toBeGreaterThan(1)
})

test('an init that fails leaves no snapshot, and says why', async () => {
  const version = await open({ 'index.js': 'throw new TypeError("no")' }, 'nodejs24.x')
  const failure = await harness.scheduler.prepare(makeMessage(version))
  expect(JSON.parse(Buffer.from(failure?.body ?? []).toString()).errorType).toBe('TypeError')
  const snapshots = join(harness.dataDirectory, 'snapshots')
  // The folder of what is being filled, which is nothing any more.
  expect(await readdir(snapshots, { recursive: true })).toEqual(['.unfinished'])
  expect(await harness.sandboxes()).toEqual([])
})

test('what is being filled ends with its scheduler', async () => {
  const endless = 'for (const until = Date.now() + 60_000; Date.now() < until; );'
  const version = await open({ 'index.js': endless }, 'nodejs24.x')
  const filled = harness.scheduler.prepare(makeMessage(version)).then(
    () => 'filled',
    (error: Error) => error.message,
  )
  await expect.poll(() => harness.sandboxes(), WITHIN).toHaveLength(1)
  await harness.close()
  expect(await harness.sandboxes()).toEqual([])
  expect(await filled).toBe('The scheduler ends.')
})
