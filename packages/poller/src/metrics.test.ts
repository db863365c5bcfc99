// The metrics of event source mappings: what is counted, by which labels, and only once.

import { expect, test } from 'vitest'
import { followProgress } from './mapping-progress.ts'
import { createMetrics } from './metrics.ts'
import { mappingOf } from './sources/queue-source.contract.ts'

test('show the counts and the lag of each mapping, however often somebody looks', async () => {
  const metrics = createMetrics()
  const [queue, shards] = [
    followProgress(mappingOf({ uuid: 'q', functionName: 'f' })),
    followProgress(mappingOf({ uuid: 's', functionName: 'g', kind: 'kinesis' })),
  ]
  metrics.watchMappings(() => [queue.figures(), shards.figures()])
  queue.count('received', 7)
  queue.count('filteredOut', 2)
  queue.count('refused', 1)
  queue.lag({ records: 3 })
  shards.lag({ behindMs: 1_500 })
  await metrics.text()
  const text = await metrics.text()
  const labels = (uuid: string, name: string, kind: string) =>
    `mapping="${uuid}",function="${name}",source="${kind}"`
  const [q, s] = [labels('q', 'f', 'sqs'), labels('s', 'g', 'kinesis')]
  for (const line of [
    `lambda_event_source_records_total{${q},outcome="received"} 7`,
    `lambda_event_source_records_total{${q},outcome="filtered_out"} 2`,
    `lambda_event_source_records_total{${q},outcome="failed"} 0`,
    `lambda_event_source_refusals_total{${q}} 1`,
    `lambda_event_source_lag_records{${q}} 3`,
    `lambda_event_source_lag_seconds{${s}} 1.5`,
  ]) {
    expect(text.split('\n')).toContain(line)
  }
  expect(text).not.toContain(`lambda_event_source_lag_records{${s}}`)
})
