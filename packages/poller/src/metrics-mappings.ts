// The metrics of event source mappings, as AWS counts them: records polled, filtered out, invoked,
// failed and deleted, refusals, and how far behind each mapping is. Those that have received most
// are told one by one; a mapping that is gone is told no more.

import { largest, OTHER } from '@hearth/invocation/function-counts'
import { Counter, Gauge, type Registry } from 'prom-client'
import type { MappingFigures } from './mapping-progress.ts'

const RECORDS = {
  received: 'received',
  filteredOut: 'filtered_out',
  invoked: 'invoked',
  failed: 'failed',
  deleted: 'deleted',
} as const
const LABELS = ['mapping', 'function', 'source'] as const
const NAMED_MAX = 100
const MS_PER_SECOND = 1000

type Labels = Record<(typeof LABELS)[number], string>

export function watchMappings(registers: [Registry], figures: () => MappingFigures[]): void {
  const rows = (): [Labels, MappingFigures][] => {
    const { named, rest } = largest(figures(), ({ received }) => received, NAMED_MAX)
    const others = { mapping: OTHER, function: OTHER, source: OTHER }
    return [
      ...named.map((one): [Labels, MappingFigures] => [labelsOf(one), one]),
      ...rest.map((one): [Labels, MappingFigures] => [others, one]),
    ]
  }
  new Counter({
    name: 'lambda_event_source_records_total',
    help: 'What became of records of event source mappings.',
    labelNames: [...LABELS, 'outcome'],
    registers,
    collect() {
      this.reset()
      for (const [labels, one] of rows()) {
        for (const [what, outcome] of Object.entries(RECORDS)) {
          this.inc({ ...labels, outcome }, one[what as keyof typeof RECORDS])
        }
      }
    },
  })
  new Counter({
    name: 'lambda_event_source_refusals_total',
    help: 'Batches whose invocation was throttled or could not be run, and is tried again.',
    labelNames: LABELS,
    registers,
    collect() {
      this.reset()
      for (const [labels, one] of rows()) this.inc(labels, one.refused)
    },
  })
  const lag = (name: string, help: string, of: (one: MappingFigures) => number | undefined) =>
    new Gauge({
      name,
      help,
      labelNames: LABELS,
      registers,
      collect() {
        this.reset()
        // How far behind several are together means nothing.
        for (const [labels, one] of rows().filter(([{ mapping }]) => mapping !== OTHER)) {
          const value = of(one)
          if (value !== undefined) this.set(labels, value)
        }
      },
    })
  lag(
    'lambda_event_source_lag_records',
    'Records that wait at their source, where it can say.',
    (one) => one.lag.records,
  )
  lag(
    'lambda_event_source_lag_seconds',
    'How far behind its source a mapping is, where it can say.',
    ({ lag: { behindMs } }) => (behindMs === undefined ? undefined : behindMs / MS_PER_SECOND),
  )
}

const labelsOf = ({ uuid, functionName, kind }: MappingFigures): Labels => ({
  mapping: uuid,
  function: functionName,
  source: kind,
})
