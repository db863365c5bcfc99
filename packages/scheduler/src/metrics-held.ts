// The gauges of the scheduler's metrics: what it holds and what runs at the moment of a scrape,
// from the census and from the concurrency tokens. All of it may be added up over schedulers,
// except what is told of the account.

import { largest, OTHER } from '@hearth/invocation/function-counts'
import { Gauge, type Registry } from 'prom-client'
import type { Invocations, MetricSources } from './metrics.ts'

const BYTES_PER_MB = 1024 * 1024
/** Functions with a reserve, and versions with something provisioned, that are told by name. */
const NAMED_MAX = 100

type Labels = Record<string, string>

export function addGauges(
  registers: [Registry],
  counts: Pick<Invocations, 'nameOf'>,
  sources: MetricSources,
): void {
  const gauge: Rows = (name, help, labelNames, rows) =>
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset()
        for (const [labels, value] of rows()) this.inc(labels, value)
      },
    })
  const plain: Plain = (name, help, value) => gauge(name, help, [], () => [[{}, value()]])
  addEnvironments(gauge, counts, sources)
  addPlain(plain, sources)
  addConcurrency(gauge, plain, sources)
}

type Rows = (
  name: string,
  help: string,
  labels: string[],
  rows: () => [Labels, number][],
) => unknown
type Plain = (name: string, help: string, value: () => number) => unknown

function addEnvironments(
  gauge: Rows,
  counts: Pick<Invocations, 'nameOf'>,
  { census }: MetricSources,
): void {
  const nameOf = (functionName: string) => ({ function: counts.nameOf(functionName) })
  gauge('lambda_concurrent_executions', 'Invocations that run.', ['function'], () => [
    [{ function: OTHER }, 0],
    ...census().functions.map(({ functionName, running }): [Labels, number] => [
      nameOf(functionName),
      running,
    ]),
  ])
  gauge(
    'lambda_execution_environments',
    'Execution environments by state.',
    ['function', 'state'],
    () =>
      census().functions.flatMap(({ functionName, states }) =>
        Object.entries(states).map(([state, count]): [Labels, number] => [
          { ...nameOf(functionName), state },
          count,
        ]),
      ),
  )
  gauge(
    'lambda_execution_environment_memory_bytes',
    'Memory that execution environments may use.',
    ['function'],
    () =>
      census().functions.map(({ functionName, memoryMb }): [Labels, number] => [
        nameOf(functionName),
        memoryMb * BYTES_PER_MB,
      ]),
  )
  gauge(
    'lambda_stems',
    'Sandboxes that wait for a function, by kind and state.',
    ['kind', 'state'],
    () =>
      census().stems.map(({ kind, state, count }): [Labels, number] => [{ kind, state }, count]),
  )
}

function addPlain(plain: Plain, { census }: MetricSources): void {
  plain('lambda_waiting_invocations', 'Accepted invocations that wait for an environment.', () =>
    census().functions.reduce((total, { waiting }) => total + waiting, 0),
  )
  plain(
    'lambda_memory_limit_bytes',
    'Memory for all functions together.',
    () => census().memoryMb * BYTES_PER_MB,
  )
  plain(
    'lambda_memory_free_bytes',
    'What no execution environment has of it.',
    () => census().memoryMbFree * BYTES_PER_MB,
  )
}

function addConcurrency(
  gauge: Rows,
  plain: Plain,
  { concurrency, provisioned }: MetricSources,
): void {
  plain(
    'lambda_account_concurrency_limit',
    'Invocations that may run at a time, on all schedulers together; each tells the same.',
    () => concurrency().limit,
  )
  plain(
    'lambda_allocated_concurrency',
    'What reserves and provisioned environments take of the limit; each scheduler tells the same.',
    () => concurrency().allocated,
  )
  plain(
    'lambda_unreserved_concurrent_executions',
    'Invocations that run here and count against what the account has left.',
    () => concurrency().unreservedRunning,
  )
  gauge(
    'lambda_reserved_concurrency',
    'What is reserved for a function; each scheduler tells the same.',
    ['function'],
    () => {
      const { named, rest } = largest(concurrency().reserved, ({ count }) => count, NAMED_MAX)
      const others = rest.map((one) => ({ ...one, functionName: OTHER }))
      return [...named, ...others].map(({ functionName, count }) => [
        { function: functionName },
        count,
      ])
    },
  )
  gauge(
    'lambda_provisioned_concurrency',
    "This scheduler's part of provisioned concurrency: asked for, initialised, and in use.",
    ['function', 'version', 'state'],
    () => {
      const { named, rest } = largest(provisioned(), ({ requested }) => requested, NAMED_MAX)
      const others = rest.map((one) => ({ ...one, functionName: OTHER, version: OTHER }))
      return [...named, ...others].flatMap(({ functionName, version, ...states }) =>
        Object.entries({
          requested: states.requested,
          initialised: states.initialised,
          in_use: states.inUse,
        }).map(([state, count]): [Labels, number] => [
          { function: functionName, version, state },
          count,
        ]),
      )
    },
  )
}
