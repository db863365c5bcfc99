// Environments that are initialised before anybody asks, on the real engine: those that are held
// for provisioned concurrency, and the spare of a function that grows.

import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Harness, makeMessage, openHarness } from './scheduler-harness.ts'

const CODE = `
if (process.env.BROKEN) throw new Error('broken')
exports.handler = async ({ ms = 0 }) => {
  await new Promise((resolve) => setTimeout(resolve, ms))
  return process.env.AWS_LAMBDA_INITIALIZATION_TYPE
}
`

let harness: Harness
beforeEach(async () => {
  harness = await openHarness({ files: { 'index.js': CODE }, limits: { idleSeconds: 2 } })
})
afterEach(() => harness?.close())

const WITHIN = { timeout: 20_000, interval: 50 }

test('what is held is initialised, serves as provisioned, spills over and is replaced', async () => {
  const version = harness.version({})
  const keep = (count: number) => harness.scheduler.keep(makeMessage(version), count)
  expect(keep(2)).toEqual({ initialised: 0 })
  await expect.poll(() => keep(2), WITHIN).toEqual({ initialised: 2 })
  const answers = await Promise.all([1, 2, 3].map(() => harness.invoke({ ms: 2_500 }, { version })))
  const types = answers.map(({ body }) => JSON.parse(body)).sort()
  expect(types).toEqual(['on-demand', 'provisioned-concurrency', 'provisioned-concurrency'])
  const starts = answers.map(({ report }) => report?.start).sort()
  expect(starts).toEqual(['cold', 'provisioned', 'provisioned'])
  // Each says what it ran on, not the first alone; provisioned ones go first.
  for (const _ of [1, 2]) {
    const { body, report } = await harness.invoke({}, { version })
    expect(JSON.parse(body)).toBe('provisioned-concurrency')
    expect(report).toMatchObject({ start: 'provisioned' })
    expect(report?.coldReason).toBeUndefined()
  }
  for (const sandbox of await harness.sandboxes()) await harness.kill(sandbox)
  await expect.poll(() => keep(2), WITHIN).toEqual({ initialised: 0 })
  await expect.poll(() => keep(2), WITHIN).toEqual({ initialised: 2 })
  // Longer than anything else may idle.
  await new Promise((resolve) => setTimeout(resolve, 7_000))
  expect(keep(2)).toEqual({ initialised: 2 })
  keep(0)
  await expect.poll(() => harness.sandboxes(), WITHIN).toEqual([])
})

test('one that was there already is not taken for provisioned, and one too many goes', async () => {
  const version = harness.version({})
  const keep = (count: number) => harness.scheduler.keep(makeMessage(version), count)
  expect((await harness.invoke({}, { version })).report?.start).toBe('cold')
  expect(keep(1)).toEqual({ initialised: 0 })
  await expect.poll(() => keep(1), WITHIN).toEqual({ initialised: 1 })
  const { body, report } = await harness.invoke({}, { version })
  expect([body, report?.start]).toEqual(['"provisioned-concurrency"', 'provisioned'])
  const busy = harness.invoke({ ms: 1_000 }, { version })
  await new Promise((resolve) => setTimeout(resolve, 300))
  keep(0)
  expect((await busy).report?.start).toBe('provisioned')
  await expect.poll(() => harness.sandboxes(), WITHIN).toEqual([])
  expect((await harness.invoke({}, { version })).report?.start).toBe('cold')
})

test('a function that cannot be loaded says why none is held', async () => {
  const version = harness.version({ environment: { BROKEN: '1' } })
  const keep = () => harness.scheduler.keep(makeMessage(version), 1)
  await expect.poll(keep, WITHIN).toEqual({ initialised: 0, failure: 'init error' })
})

test('a function that had to grow finds a spare the next time', async () => {
  const version = harness.version({ timeoutSeconds: 60 })
  await Promise.all([1, 2].map(() => harness.invoke({ ms: 500 }, { version })))
  // Two at a time need both; the third is started while they run.
  const busy = [1, 2].map(() => harness.invoke({ ms: 15_000 }, { version }))
  await expect.poll(() => harness.scheduler.idle, WITHIN).toBe(1)
  const { report } = await harness.invoke({}, { version })
  expect(report).toMatchObject({ start: 'warm', initMs: expect.any(Number) })
  for (const { report } of await Promise.all(busy)) expect(report?.start).toBe('warm')
})
