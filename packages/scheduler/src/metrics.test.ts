// What a scheduler tells of itself: invocations by how they were asked for and began, durations
// under the names that functions have, and concurrency as it is at the moment.

import type { InvocationReport } from '@hearth/core/invocation'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createMetrics, type MetricSources } from './metrics.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const there = new Set(['f', 'g'])
const census = { schedulerId: 's', memoryMb: 1024, memoryMbFree: 512, stems: [], starts: [] }
const part = { account: '0', version: '1', waiting: 0, memoryMb: 256 }

function open(sources: Partial<MetricSources> = {}) {
  return createMetrics({
    census: () => ({ ...census, functions: [] }),
    concurrency: () => ({ limit: 1000, allocated: 0, unreservedRunning: 0, reserved: [] }),
    provisioned: () => [],
    isThere: (name) => there.has(name),
    ...sources,
  })
}

const report = (changes: Partial<InvocationReport> = {}): InvocationReport => ({
  start: 'warm',
  outcome: 'success',
  durationMs: 30,
  billedMs: 30,
  maxMemoryMb: 1,
  ...changes,
})
const message = (functionName: string, version = '1') => ({ functionName, version: { version } })
const linesOf = async (metrics: { text(): Promise<string> }) => (await metrics.text()).split('\n')

test('invocations are told by how they were asked for, ended and began, however often', async () => {
  const metrics = open()
  metrics.finished({ ...message('f'), kind: 'async' }, report({ outcome: 'timed out' }))
  const cold = { start: 'restored', coldReason: 'first invocation' } as const
  metrics.finished(message('f', '2'), report({ ...cold, initMs: 40, restoreMs: 20 }))
  metrics.finished(message('f'), report())
  await metrics.text()
  const lines = await linesOf(metrics)
  const first = 'start="restored",cold_reason="first invocation"'
  for (const line of [
    'lambda_invocations_total{function="f",version="1",type="async",outcome="timed out",start="warm",cold_reason=""} 1',
    `lambda_invocations_total{function="f",version="2",type="sync",outcome="success",${first}} 1`,
    'lambda_errors_total{function="f",version="1",type="async"} 1',
    'lambda_errors_total{function="f",version="1",type="sync"} 0',
    'lambda_duration_seconds_count{start="warm",cold_reason=""} 2',
    `lambda_init_duration_seconds_bucket{le="0.05",${first}} 1`,
    `lambda_restore_duration_seconds_bucket{le="0.025",${first}} 1`,
    'lambda_function_duration_seconds_count{function="f"} 3',
  ]) {
    expect(lines).toContain(line)
  }
})

test('whoever loses its name is told nowhere, not even in the durations', async () => {
  const metrics = open()
  for (const name of ['f', 'gone']) metrics.finished(message(name), report())
  expect(await metrics.text()).toContain('gone')
  vi.advanceTimersByTime(60_000)
  metrics.finished(message('f'), report())
  await metrics.text()
  vi.advanceTimersByTime(60_000)
  await metrics.text()
  expect(await metrics.text()).not.toContain('gone')
  expect(await linesOf(metrics)).toContain('lambda_function_duration_seconds_count{function="f"} 2')
})

test('a thousand functions cost no more series than a hundred', async () => {
  const metrics = open({
    census: () => ({
      ...census,
      functions: names.map((functionName) => ({
        ...part,
        functionName,
        running: 1,
        states: { Busy: 1 },
      })),
    }),
    concurrency: () => ({
      limit: 1000,
      allocated: 900,
      unreservedRunning: 3,
      reserved: names.map((functionName) => ({ functionName, count: 1 })),
    }),
  })
  const names = Array.from({ length: 1_000 }, (_, index) => `f-${index}`)
  for (const name of names) metrics.finished(message(name), report())
  await metrics.text()
  const lines = await linesOf(metrics)
  const of = (name: string) => lines.filter((line) => line.startsWith(`${name}{`))
  for (const name of [
    'lambda_invocations_total',
    'lambda_function_duration_seconds_count',
    'lambda_concurrent_executions',
    'lambda_execution_environments',
    'lambda_execution_environment_memory_bytes',
    'lambda_reserved_concurrency',
  ]) {
    expect(of(name), name).toHaveLength(101)
  }
  expect(lines).toContain('lambda_concurrent_executions{function="other"} 900')
  expect(lines).toContain('lambda_reserved_concurrency{function="other"} 900')
})

test('concurrency is told of the account and of what is here', async () => {
  const metrics = open({
    concurrency: () => ({
      limit: 1000,
      allocated: 60,
      unreservedRunning: 4,
      reserved: [{ functionName: 'f', count: 50 }],
    }),
    provisioned: () => [
      { functionName: 'g', version: '3', requested: 10, initialised: 8, inUse: 2 },
    ],
  })
  const lines = await linesOf(metrics)
  for (const line of [
    'lambda_account_concurrency_limit 1000',
    'lambda_allocated_concurrency 60',
    'lambda_unreserved_concurrent_executions 4',
    'lambda_reserved_concurrency{function="f"} 50',
    'lambda_provisioned_concurrency{function="g",version="3",state="requested"} 10',
    'lambda_provisioned_concurrency{function="g",version="3",state="initialised"} 8',
    'lambda_provisioned_concurrency{function="g",version="3",state="in_use"} 2',
    'lambda_concurrent_executions{function="other"} 0',
  ]) {
    expect(lines).toContain(line)
  }
})
