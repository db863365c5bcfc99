// The scheduler's metrics in Prometheus form, named after AWS's. An invocation costs an increment
// and few observations; whatever can be counted at any moment is counted only when somebody asks.
// It judges nothing, and its labels are bounded by the law of function-counts.

import type { SchedulerCensus } from '@hearth/bus/messages'
import type { InvocationKind, InvocationReport, StartKind } from '@hearth/core/invocation'
import { FunctionCounts } from '@hearth/invocation/function-counts'
import { Counter, Histogram, Registry } from 'prom-client'
import type { ConcurrencyFigures } from './concurrency-figures.ts'
import { addGauges } from './metrics-held.ts'
import type { ProvisionedFigure } from './provisioned.ts'

export interface SchedulerMetrics {
  /** An invocation has its answer. */
  finished(message: Counted, report: InvocationReport): void
  /** An accepted invocation got none: the platform failed. */
  failed(): void
  /** Extensions worked on for so long after an answer. */
  extensionsMeasured(ms: number): void
  /** Everything in Prometheus's text format. */
  text(): Promise<string>
}

/** What is told of an invocation beside its report. */
export interface Counted {
  functionName: string
  version: { version: string }
  kind?: InvocationKind
}

/** What is looked at when somebody asks. */
export interface MetricSources {
  census(): SchedulerCensus
  concurrency(): ConcurrencyFigures
  provisioned(): ProvisionedFigure[]
  /** Whether there is such a function; one that is gone is told no longer. */
  isThere(functionName: string): boolean
}

export type Invocations = FunctionCounts<(typeof LABELS)[number]>

const LABELS = ['version', 'kind', 'outcome', 'start', 'coldReason'] as const
const MS_PER_SECOND = 1000
/** From a warm answer to Lambda's longest timeout. */
const DURATION_SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900,
]
/** Fewer: there is a series for each of them and each function that has a name. */
const FUNCTION_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 900]
const INIT_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export function createMetrics(sources: MetricSources): SchedulerMetrics {
  const registers = [new Registry()] as [Registry]
  const byFunction = durationsByFunction(registers)
  const counts: Invocations = new FunctionCounts({
    labels: LABELS,
    open: 'version',
    isThere: sources.isThere,
    lost: byFunction.lost,
  })
  addCounters(registers, counts)
  const failures = new Counter({
    name: 'lambda_platform_errors_total',
    help: 'Accepted invocations that Hearth could not answer for the function.',
    registers,
  })
  const histogram = (name: string, help: string, buckets: number[]) =>
    byStart(new Histogram({ name, help, labelNames: ['start', 'cold_reason'], buckets, registers }))
  const duration = histogram(
    'lambda_duration_seconds',
    'Time that functions took, without their init.',
    DURATION_SECONDS,
  )
  const init = histogram(
    'lambda_init_duration_seconds',
    'Time that functions took to load.',
    INIT_SECONDS,
  )
  const restore = histogram(
    'lambda_restore_duration_seconds',
    "Time that snapshots' hooks took before functions began.",
    INIT_SECONDS,
  )
  const extensions = new Histogram({
    name: 'lambda_post_runtime_extensions_duration_seconds',
    help: 'Time that extensions worked on after the function had answered.',
    buckets: DURATION_SECONDS,
    registers,
  })
  addGauges(registers, counts, sources)
  return {
    finished({ functionName, version, kind = 'sync' }, report) {
      const { outcome, start, coldReason = '' } = report
      const labels = { version: version.version, kind, outcome, start, coldReason }
      const name = counts.add(functionName, labels)
      const seconds = report.durationMs / MS_PER_SECOND
      byFunction.observe(name, seconds)
      duration(start, coldReason, seconds)
      if (report.initMs !== undefined) init(start, coldReason, report.initMs / MS_PER_SECOND)
      if (report.restoreMs !== undefined) {
        restore(start, coldReason, report.restoreMs / MS_PER_SECOND)
      }
    },
    failed: () => failures.inc(),
    extensionsMeasured: (ms) => extensions.observe(ms / MS_PER_SECOND),
    text: () => registers[0].metrics(),
  }
}

/** What was counted is handed over at a scrape: prom-client's own counters cost more each time. */
function addCounters(registers: [Registry], counts: Invocations): void {
  let rows: ReturnType<Invocations['list']> = []
  new Counter({
    name: 'lambda_invocations_total',
    help: 'Invocations that were answered, by how they were asked for, ended and began.',
    labelNames: ['function', 'version', 'type', 'outcome', 'start', 'cold_reason'],
    registers,
    collect() {
      this.reset()
      rows = counts.list(performance.now())
      for (const one of rows) {
        const { functionName, version, kind, outcome, start, coldReason, count } = one
        const labels = { function: functionName, version, type: kind, outcome, start }
        this.inc({ ...labels, cold_reason: coldReason }, count)
      }
    },
  })
  new Counter({
    name: 'lambda_errors_total',
    help: 'Of the invocations, those that ended with an error of the function.',
    labelNames: ['function', 'version', 'type'],
    registers,
    collect() {
      this.reset()
      for (const { functionName, version, kind, outcome, count } of rows) {
        const labels = { function: functionName, version, type: kind }
        this.inc(labels, outcome === 'success' ? 0 : count)
      }
    },
  })
}

/** Observes by the kind of start and why it was cold, whose labels are made once. */
function byStart(
  histogram: Histogram<'cold_reason' | 'start'>,
): (start: StartKind, coldReason: string, seconds: number) => void {
  const known = new Map<string, Histogram.Internal<'cold_reason' | 'start'>>()
  return (start, coldReason, seconds) => {
    const key = `${start} ${coldReason}`
    let one = known.get(key)
    if (!one) {
      one = histogram.labels(start, coldReason)
      known.set(key, one)
    }
    one.observe(seconds)
  }
}

/** Durations of each function that has a name, and of all others together. */
function durationsByFunction(registers: [Registry]) {
  const histogram = new Histogram({
    name: 'lambda_function_duration_seconds',
    help: 'Time that each function took, without its init.',
    labelNames: ['function'],
    buckets: FUNCTION_SECONDS,
    registers,
  })
  const known = new Map<string, Histogram.Internal<'function'>>()
  return {
    observe(functionName: string, seconds: number) {
      let one = known.get(functionName)
      if (!one) {
        one = histogram.labels(functionName)
        known.set(functionName, one)
      }
      one.observe(seconds)
    },
    lost(functionName: string) {
      known.delete(functionName)
      histogram.remove(functionName)
    },
  }
}
