// The poller's metrics: what is counted, by which labels, and only once; and that neither many
// functions nor many mappings make many series.

import type { DeadLetter } from '@hearth/bus/messages'
import type { DeadLetters } from '@hearth/store/dead-letters'
import { laneKey } from '@hearth/store/lane-key'
import { expect, test } from 'vitest'
import { followProgress } from './mapping-progress.ts'
import { createMetrics } from './metrics.ts'
import { mappingOf } from './sources/queue-source.contract.ts'

const ACCOUNT = '000000000000'
const functions = { all: () => [{ account: ACCOUNT, name: 'f' }] as never }
const linesOf = async (metrics: { text(): Promise<string> }) => (await metrics.text()).split('\n')

test('show the counts and the lag of each mapping, however often somebody looks', async () => {
  const metrics = createMetrics(functions)
  const [queue, shards] = [
    followProgress(mappingOf({ uuid: 'q', functionName: 'f' })),
    followProgress(mappingOf({ uuid: 's', functionName: 'g', kind: 'kinesis' })),
  ]
  metrics.watchMappings(() => [queue.figures(), shards.figures()])
  queue.count('received', 7)
  queue.count('filteredOut', 2)
  queue.count('deleted', 5)
  queue.count('refused', 1)
  queue.lag({ records: 3 })
  shards.lag({ behindMs: 1_500 }, 'a')
  shards.lag({ behindMs: 0 }, 'b')
  shards.lag({ behindMs: 9_000 }, 'read by another now')
  shards.lag({}, 'read by another now')
  await metrics.text()
  const text = await metrics.text()
  const labels = (uuid: string, name: string, kind: string) =>
    `mapping="${uuid}",function="${name}",source="${kind}"`
  const [q, s] = [labels('q', 'f', 'sqs'), labels('s', 'g', 'kinesis')]
  for (const line of [
    `lambda_event_source_records_total{${q},outcome="received"} 7`,
    `lambda_event_source_records_total{${q},outcome="filtered_out"} 2`,
    `lambda_event_source_records_total{${q},outcome="failed"} 0`,
    `lambda_event_source_records_total{${q},outcome="deleted"} 5`,
    `lambda_event_source_refusals_total{${q}} 1`,
    `lambda_event_source_lag_records{${q}} 3`,
    `lambda_event_source_lag_seconds{${s}} 1.5`,
  ]) {
    expect(text.split('\n')).toContain(line)
  }
  expect(text).not.toContain(`lambda_event_source_lag_records{${s}}`)
})

test('a thousand mappings are told as a hundred and the rest', async () => {
  const metrics = createMetrics(functions)
  const mappings = Array.from({ length: 1_000 }, (_, index) => {
    const progress = followProgress(mappingOf({ uuid: `m${index}` }))
    progress.count('received', index)
    progress.lag({ records: 1 })
    return progress
  })
  metrics.watchMappings(() => mappings.map((one) => one.figures()))
  const lines = await linesOf(metrics)
  const of = (name: string) => lines.filter((line) => line.startsWith(`${name}{`))
  expect(of('lambda_event_source_records_total')).toHaveLength(101 * 5)
  expect(of('lambda_event_source_lag_records')).toHaveLength(100)
  const rest = '{mapping="other",function="other",source="other",outcome="received"}'
  expect(lines).toContain(`lambda_event_source_records_total${rest} ${(899 * 900) / 2}`)
})

test('events are told by function, by what became of them, and why they were given up', async () => {
  const metrics = createMetrics(functions)
  const event = { functionName: 'f' }
  metrics.event('succeeded', event)
  metrics.event('given up', event, 'RecursiveInvocation')
  metrics.event('given up', event, 'RetriesExhausted')
  metrics.delivery('undeliverable', 'dead letter')
  await metrics.text()
  const lines = await linesOf(metrics)
  for (const line of [
    'lambda_async_events_total{function="f",outcome="succeeded"} 1',
    'lambda_async_events_total{function="f",outcome="given_up"} 2',
    'lambda_async_events_dropped_total{function="f",reason="RecursiveInvocation"} 1',
    'lambda_destination_deliveries_total{as="dead letter",outcome="undeliverable"} 1',
    'lambda_destination_deliveries_total{as="destination",outcome="delivered"} 0',
  ]) {
    expect(lines).toContain(line)
  }
})

test('a dead letter counts once it is kept, and not before', async () => {
  const metrics = createMetrics(functions)
  let failures = 1
  const store: Pick<DeadLetters, 'bury'> = {
    async bury() {
      failures -= 1
      if (failures >= 0) throw new Error('away')
    },
  }
  const watched = metrics.watchDeadLetters(store)
  const event = { functionName: 'f' }
  const bury = (letter: object) => watched.bury(letter as DeadLetter, Buffer.from(''))
  await expect(bury({ event })).rejects.toThrow('away')
  await bury({ event })
  await bury({ event, delivery: {} })
  await metrics.text()
  const lines = await linesOf(metrics)
  expect(lines).toContain('lambda_dead_letters_total{function="f",what="event"} 1')
  expect(lines).toContain('lambda_dead_letters_total{function="f",what="delivery"} 1')
})

test('what waits is told by function, and how long the oldest has', async () => {
  const metrics = createMetrics(functions)
  const lanes = { lanes: 2, inHand: 1 }
  const depths = { [`aq.0.${laneKey(ACCOUNT, 'f')}`]: 7, 'aq.1.of-one-that-is-gone': 2 }
  metrics.watch({
    events: () => ({ ...lanes, depths, oldestAt: Date.now() - 5_000 }),
    deliveries: () => ({ ...lanes, depths: {} }),
    timers: () => 3,
  })
  const lines = await linesOf(metrics)
  for (const line of [
    'lambda_async_queue_depth{function="f"} 7',
    'lambda_async_queue_depth{function="other"} 2',
    'lambda_delivery_queue_depth 0',
    'lambda_delivery_oldest_age_seconds 0',
    'hearth_timers 3',
  ]) {
    expect(lines).toContain(line)
  }
  const age = lines.find((line) => line.startsWith('lambda_async_oldest_event_age_seconds '))
  expect(Number(age?.split(' ')[1])).toBeCloseTo(5, 0)
})
