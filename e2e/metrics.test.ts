// The metrics as Prometheus sees them: a real scrape of a real Hearth, read line by line, after
// invocations whose numbers are known. observability.test.ts has Prometheus itself read them.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, type Hearth, http, type Part, startHearth } from './hearth.ts'

let hearth: Hearth
beforeAll(async () => {
  hearth = await startHearth({ env: { HEARTH_CONCURRENCY: '1', HEARTH_STEMS: 'nodejs24.x' } })
  await hearth.create({
    FunctionName: 'steps',
    files: {
      'index.mjs': `export const handler = async ({ fail, ms }) => {
        if (fail) throw new Error('no')
        await new Promise((resolve) => setTimeout(resolve, ms ?? 0))
      }`,
    },
  })
})
afterAll(() => hearth?.stop())

interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

const addressOf = (part: Part) => /^Metrics on (\S+)$/m.exec(part.output())?.[1] ?? ''

/** The second of two: at the first look what is new is told as 0, so that rates see it rise. */
async function scrape(part = hearth.main): Promise<Sample[]> {
  await http(addressOf(part))
  const { status, headers, body } = await http(addressOf(part))
  expect(status).toBe(200)
  expect(headers['content-type']).toContain('text/plain; version=0.0.4')
  return body
    .toString()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(toSample)
}

function toSample(line: string): Sample {
  const [, name = '', pairs = '', value] =
    /^([a-z_0-9]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? expect.fail(`no sample: ${line}`)
  const labels = [...pairs.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)]
  return {
    name,
    labels: Object.fromEntries(labels.map(([, key, text]) => [key, text])),
    value: Number(value),
  }
}

/** The sum of what has this name and at least these labels. */
const total = (samples: Sample[], name: string, labels: Record<string, string> = {}) =>
  samples
    .filter((one) => one.name === name)
    .filter((one) => Object.entries(labels).every(([key, text]) => one.labels[key] === text))
    .reduce((sum, { value }) => sum + value, 0)

test('invocations are told by function, outcome, start and reason', async () => {
  await hearth.invoke('steps')
  await hearth.invoke('steps', { ms: 120 })
  await hearth.invoke('steps', { fail: true })
  const samples = await scrape()
  const count = (labels: Record<string, string>) =>
    total(samples, 'lambda_invocations_total', { function: 'steps', ...labels })
  expect(count({})).toBe(3)
  expect(count({ outcome: 'success', cold_reason: 'first invocation' })).toBe(1)
  expect(count({ outcome: 'success', start: 'warm', cold_reason: '' })).toBe(1)
  expect(count({ outcome: 'function error', start: 'warm' })).toBe(1)
  const warm = (part: string, le?: string) =>
    total(samples, `lambda_duration_seconds_${part}`, { start: 'warm', ...(le && { le }) })
  expect(warm('count')).toBe(2)
  expect(warm('sum')).toBeGreaterThan(0.119)
  expect(warm('bucket', '0.1')).toBe(1)
  expect(warm('bucket', '+Inf')).toBe(2)
  expect(total(samples, 'lambda_init_duration_seconds_count')).toBe(1)
  expect(total(samples, 'lambda_platform_errors_total')).toBe(0)
})

test('what is held is told as it is at the scrape', async () => {
  const running = hearth.invoke('steps', { ms: 3_000 })
  await eventually('it runs', async () => {
    return total(await scrape(), 'lambda_concurrent_executions') === 1
  })
  const samples = await scrape()
  expect(total(samples, 'lambda_execution_environments', { state: 'Busy' })).toBe(1)
  expect(total(samples, 'lambda_execution_environments')).toBe(1)
  expect(total(samples, 'lambda_waiting_invocations')).toBe(0)
  const held = (name: string) => total(samples, `lambda_memory_${name}_bytes`)
  expect(held('limit') - held('free')).toBe(128 * 1024 * 1024)
  expect(total(samples, 'lambda_requests_in_flight')).toBe(1)
  await expect(hearth.invoke('steps')).rejects.toMatchObject({ name: 'TooManyRequestsException' })
  await running
  const reason = 'ConcurrentInvocationLimitExceeded'
  const after = await scrape()
  expect(total(after, 'lambda_throttles_total', { reason })).toBe(1)
  expect(total(after, 'lambda_requests_in_flight')).toBe(0)
  expect(total(after, 'lambda_execution_environments', { state: 'Busy' })).toBe(0)
  await eventually('a stem is held', async () => total(await scrape(), 'lambda_stems') > 0, 60_000)
})

test('requests are told by operation and class of status', async () => {
  await http(`${hearth.endpoint}/health`)
  await http(`${hearth.endpoint}/no/such/path`)
  await http(`${hearth.endpoint}/2015-03-31/functions/%E0%A4%A`)
  const samples = await scrape()
  const requests = (operation: string, status: string) =>
    total(samples, 'lambda_requests_total', { operation, status })
  expect(requests('Invoke', '2xx')).toBe(4)
  expect(requests('Invoke', '4xx')).toBe(1)
  expect(requests('CreateFunction', '2xx')).toBe(1)
  expect(requests('Health', '2xx')).toBe(1)
  expect(requests('Unknown', '4xx')).toBe(1)
  expect(requests('GetFunction', '4xx')).toBe(1)
  expect(total(samples, 'process_resident_memory_bytes')).toBeGreaterThan(1e6)
})

test('the API does not offer them, and an empty port turns them off', async () => {
  expect((await http(`${hearth.endpoint}/metrics`)).status).not.toBe(200)
  const elsewhere = addressOf(hearth.main).replace('/metrics', '/')
  expect((await http(elsewhere)).status).toBe(404)
  const quiet = await hearth.serve('metering', { HEARTH_METRICS_PORT: '' })
  expect(quiet.output()).not.toContain('Metrics on')
  await quiet.stop()
  const taken = new URL(addressOf(hearth.main)).port
  await expect(hearth.serve('metering', { HEARTH_METRICS_PORT: taken })).rejects.toThrow(
    /ended early:[\s\S]*Set HEARTH_METRICS_PORT to another port/,
  )
})
