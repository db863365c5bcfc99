// The scheduler's metrics in Prometheus form, named after AWS's. An invocation costs an increment
// and an observation; whatever can be counted at any moment is counted only when somebody asks.
// The one user of prom-client here, and no judge of anything.

import type { SchedulerCensus } from '@hearth/bus/messages'
import type { InvocationReport, StartKind } from '@hearth/core/invocation'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { InvocationCounts } from './invocation-counts.ts'

export interface SchedulerMetrics {
  /** An invocation has its answer. */
  finished(functionName: string, report: InvocationReport): void
  /** An accepted invocation got none: the platform failed. */
  failed(): void
  /** Everything in Prometheus's text format. */
  text(): Promise<string>
}

const BYTES_PER_MB = 1024 * 1024
const MS_PER_SECOND = 1000
/** From a warm answer to Lambda's longest timeout. */
const DURATION_SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900,
]
const INIT_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export function createMetrics(census: () => SchedulerCensus): SchedulerMetrics {
  const registers = [new Registry()] as [Registry]
  const counts = new InvocationCounts()
  new Counter({
    name: 'lambda_invocations_total',
    help: 'Invocations that were answered, by how they ended and how they began.',
    labelNames: ['function', 'outcome', 'start', 'cold_reason'],
    registers,
    collect() {
      this.reset()
      for (const one of counts.list(performance.now())) {
        const { functionName, outcome, start, coldReason = '', count } = one
        this.inc({ function: functionName, outcome, start, cold_reason: coldReason }, count)
      }
    },
  })
  const failures = new Counter({
    name: 'lambda_platform_errors_total',
    help: 'Accepted invocations that Hearth could not answer for the function.',
    registers,
  })
  const duration = byStart(
    new Histogram({
      name: 'lambda_duration_seconds',
      help: 'Time that functions took, without their init.',
      labelNames: ['start'],
      buckets: DURATION_SECONDS,
      registers,
    }),
  )
  const init = byStart(
    new Histogram({
      name: 'lambda_init_duration_seconds',
      help: 'Time that functions took to load.',
      labelNames: ['start'],
      buckets: INIT_SECONDS,
      registers,
    }),
  )
  addGauges(registers, census)
  return {
    finished(functionName, report) {
      counts.add(functionName, report)
      duration(report.start, report.durationMs / MS_PER_SECOND)
      if (report.initMs !== undefined) init(report.start, report.initMs / MS_PER_SECOND)
    },
    failed: () => failures.inc(),
    text: () => registers[0].metrics(),
  }
}

/** Observes by the kind of start, whose labels are made once. */
function byStart(histogram: Histogram<'start'>): (start: StartKind, seconds: number) => void {
  const known = new Map<StartKind, Histogram.Internal<'start'>>()
  return (start, seconds) => {
    let one = known.get(start)
    if (!one) {
      one = histogram.labels(start)
      known.set(start, one)
    }
    one.observe(seconds)
  }
}

function addGauges(registers: [Registry], census: () => SchedulerCensus): void {
  const gauge = (name: string, help: string, of: (census: SchedulerCensus) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(of(census()))
      },
    })
  const sum = ({ functions }: SchedulerCensus, member: 'running' | 'waiting') =>
    functions.reduce((total, one) => total + one[member], 0)
  gauge('lambda_concurrent_executions', 'Invocations that run.', (all) => sum(all, 'running'))
  gauge('lambda_waiting_invocations', 'Accepted invocations that wait for an environment.', (all) =>
    sum(all, 'waiting'),
  )
  gauge(
    'lambda_memory_limit_bytes',
    'Memory for all functions together.',
    ({ memoryMb }) => memoryMb * BYTES_PER_MB,
  )
  gauge(
    'lambda_memory_free_bytes',
    'What no execution environment has of it.',
    ({ memoryMbFree }) => memoryMbFree * BYTES_PER_MB,
  )
  new Gauge({
    name: 'lambda_execution_environments',
    help: 'Execution environments by state.',
    labelNames: ['state'],
    registers,
    collect() {
      this.reset()
      for (const { states } of census().functions) {
        for (const [state, count] of Object.entries(states)) this.inc({ state }, count)
      }
    },
  })
  new Gauge({
    name: 'lambda_stems',
    help: 'Sandboxes that wait for a function, by kind and state.',
    labelNames: ['kind', 'state'],
    registers,
    collect() {
      this.reset()
      for (const { kind, state, count } of census().stems) this.set({ kind, state }, count)
    },
  })
}
