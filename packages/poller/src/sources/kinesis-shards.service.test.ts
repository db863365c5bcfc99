// Shards of Kinesis that are split and merged, on kinesalite, whose shards end as AWS's do:
// whatever a parent holds comes before its children, once, whoever reads and whenever it happens.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startKinesalite } from '../../../../e2e/neighbours.ts'
import { type Nats, startNats } from '../../../../e2e/servers.ts'
import { eventually, fine, type Loop, type Play, pause } from '../stream-harness.ts'
import { judgeKinesis } from './kinesis.ts'
import {
  type Bench,
  mappingFor,
  numbered,
  openBench,
  optionsAt,
  textsIn,
  textsOf,
} from './kinesis-harness.ts'

let kinesis: Awaited<ReturnType<typeof startKinesalite>>
let nats: Nats
let bench: Bench

beforeAll(async () => {
  ;[kinesis, nats] = await Promise.all([startKinesalite(), startNats()])
  bench = await openBench(kinesis.url, nats)
})
afterEach(() => bench.clear())
afterAll(async () => {
  await bench?.close()
  await Promise.all([kinesis, nats].map((server) => server?.stop()))
})

/** By then a loop has looked for shards again. */
const SEEN_AFTER_MS = 6_000

/** So slow that a child that does not wait is seen. */
const slow: Play = async () => {
  await pause(100)
  return {}
}
const keyOf = (text: string) => `key-${text}`
const sorted = (texts: readonly string[]) => [...texts].sort((a, b) => Number(a) - Number(b))

test('children are read after their parent', async () => {
  const { arn, put, split } = await bench.createStream()
  await put(numbered(30))
  await split()
  await put(numbered(30, 30), keyOf)
  const loop = await bench.run(mappingFor(arn, { batchSize: 10 }), slow)
  await eventually(() => textsOf(loop).length === 60)
  expect(textsOf(loop).slice(0, 30)).toEqual(numbered(30))
  expect(sorted(textsOf(loop).slice(30))).toEqual(numbered(30, 30))
  expect(new Set(loop.events.map(shardOf)).size).toBe(3)
})

test('a merged shard is read after both of its parents', async () => {
  const { arn, put, merge } = await bench.createStream(2)
  await put(numbered(60), keyOf)
  await merge()
  await put(numbered(30, 60))
  const loop = await bench.run(mappingFor(arn, { batchSize: 5 }), slow)
  await eventually(() => textsOf(loop).length === 90)
  expect(sorted(textsOf(loop).slice(0, 60))).toEqual(numbered(60))
  expect(textsOf(loop).slice(60)).toEqual(numbered(30, 60))
  expect(new Set(loop.events.slice(0, -6).map(shardOf)).size).toBe(2)
})

test('a shard that is split while it is read is finished first', async () => {
  const { arn, put, split } = await bench.createStream()
  await put(numbered(20))
  let letGo = () => {}
  const held = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const play: Play = async (event) => {
    if (textsIn(event).includes('19')) await held
    return {}
  }
  const loop = await bench.run(mappingFor(arn, { batchSize: 10 }), play)
  await eventually(() => textsOf(loop).length === 20)
  await split()
  await put(numbered(20, 20), keyOf)
  await pause(SEEN_AFTER_MS)
  const seen = textsOf(loop)
  letGo()
  expect(seen).toEqual(numbered(20))
  await eventually(() => textsOf(loop).length === 40)
  expect(sorted(textsOf(loop).slice(20))).toEqual(numbered(20, 20))
})

test('whoever comes after a split reads nothing of the parent again', async () => {
  const { arn, put, split } = await bench.createStream()
  await put(numbered(10))
  await split()
  const mapping = mappingFor(arn)
  const first = await bench.run(mapping, fine)
  await eventually(() => bench.checkpoints.list(mapping).get('shardId-000000000000') !== undefined)
  await eventually(() => textsOf(first).length === 10)
  await first.stop()
  await put(numbered(10, 10), keyOf)
  const second = await bench.run(mapping, fine, { epoch: 2 })
  await eventually(() => textsOf(second).length === 10)
  expect(sorted(textsOf(second))).toEqual(numbered(10, 10))
})

test('a stream is found by its name where its ARN is not known', async () => {
  const { arn } = await bench.createStream()
  expect(await judgeKinesis(optionsAt(kinesis.url, mappingFor(arn)))).toEqual({ usable: true })
})

const shardOf = (event: Loop['events'][number]) =>
  String((event.Records[0] as { eventID?: string }).eventID).split(':')[0]
