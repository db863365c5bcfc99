// The decisions of stream mappings that need no server: marks that only rise, which shards may be
// read, when a lane has a batch, and which window a record falls into.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nextLaneStep } from './shard-lane.ts'
import { laneOf } from './shard-run.ts'
import { mappingOf } from './sources/queue-source.contract.ts'
import { readyShards } from './stream-loop.ts'
import { inOneWindow, windowFacts } from './tumbling-window.ts'
import { openWatermark } from './watermark.ts'

test('the mark stands below the first that is not done, and never goes back', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 60 }), (order) => {
      const watermark = openWatermark()
      const dones = order.map((_, index) => watermark.take(`${index}`))
      const turns = order.map((rank, index) => ({ rank, index }))
      turns.sort((one, other) => one.rank - other.rank)
      const done = new Set<number>()
      for (const { index } of turns) {
        dones[index]?.()
        dones[index]?.()
        done.add(index)
        const firstOpen = order.findIndex((_, at) => !done.has(at))
        const mark = (firstOpen < 0 ? order.length : firstOpen) - 1
        expect(watermark.reached()).toBe(mark < 0 ? undefined : `${mark}`)
        expect(watermark.waiting()).toBe(order.length - 1 - mark)
      }
    }),
  )
})

test('a long mark forgets what is below it', () => {
  const watermark = openWatermark()
  for (let count = 0; count < 5_000; count += 1) watermark.take(`${count}`)()
  expect([watermark.reached(), watermark.waiting()]).toEqual(['4999', 0])
})

describe('shards', () => {
  const shards = [
    { id: 'a', parents: ['trimmed'] },
    { id: 'b', parents: ['a'] },
    { id: 'c', parents: ['a'] },
    { id: 'd', parents: ['b', 'c'] },
  ]
  test.each([
    [[], ['a']],
    [['a'], ['b', 'c']],
    [['a', 'b'], ['c']],
    [['a', 'b', 'c'], ['d']],
    [['a', 'b', 'c', 'd'], []],
  ])('with %j read to their end, %j are read', (ended, ready) => {
    expect(readyShards(shards, new Set(ended))).toEqual(ready)
  })

  test('a key has one lane, and keys have several', () => {
    const lanes = Array.from({ length: 200 }, (_, key) => laneOf(`key-${key}`, 10))
    expect(new Set(lanes).size).toBe(10)
    expect(laneOf('key-7', 10)).toBe(lanes[7])
  })
})

describe('a lane', () => {
  const entry = (arrivedAt: number, size = 10) => ({ size, arrivedAt, takenAt: 1_000 })
  const decide = (
    queue: ReturnType<typeof entry>[],
    settings: Parameters<typeof mappingOf>[0] = {},
    facts: Partial<Parameters<typeof nextLaneStep>[1]> = {},
    open?: Parameters<typeof nextLaneStep>[2]['open'],
  ) =>
    nextLaneStep(
      queue,
      { now: 1_500, isFinished: false, caughtUpAt: 0, ...facts },
      { mapping: mappingOf({ batchSize: 3, ...settings }), open },
    )
  const gathers = { batchingWindowSeconds: 2 }
  const windows = { tumblingWindowSeconds: 10 }
  const open = { startsAt: 10_000, state: {} }

  test.each([
    ['waits for a first record', decide([]), { kind: 'wait' }],
    ['ends when no more come', decide([], {}, { isFinished: true }), { kind: 'end' }],
    ['takes what there is', decide([entry(0)]), { kind: 'batch', count: 1 }],
    ['gathers', decide([entry(0)], gathers), { kind: 'wait', ms: 1_500 }],
    [
      'is full',
      decide(
        [0, 1, 2, 3].map((at) => entry(at)),
        gathers,
      ),
      { kind: 'batch', count: 3 },
    ],
    ['is due', decide([entry(0)], gathers, { now: 3_000 }), { kind: 'batch', count: 1 }],
    ['holds 6 MB', decide([entry(0, 4e6), entry(1, 4e6)], gathers), { kind: 'batch', count: 1 }],
    [
      'keeps windows apart',
      decide([entry(9_000), entry(11_000)], { ...windows, ...gathers }),
      { kind: 'batch', count: 1, windowStartsAt: 0 },
    ],
    [
      'closes a window before the next',
      decide([entry(21_000)], windows, {}, open),
      { kind: 'close window' },
    ],
    [
      'takes a late record into the open window',
      decide([entry(9_000)], windows, {}, open),
      { kind: 'batch', count: 1, windowStartsAt: 10_000 },
    ],
    ['keeps a window open', decide([], windows, { caughtUpAt: 20_500 }, open), { kind: 'wait' }],
    [
      'closes a window for which nothing comes',
      decide([], windows, { caughtUpAt: 21_000 }, open),
      { kind: 'close window' },
    ],
  ])('%s', (_, decision, expected) => expect(decision).toEqual(expected))
})

test('windows are told by their ends', () => {
  expect(inOneWindow([10_000, 19_999, 20_000], 10)).toEqual({ startsAt: 10_000, count: 2 })
  const about = { seconds: 10, shard: 's', sourceArn: 'a', isFinal: false, endsEarly: false }
  expect(windowFacts({ startsAt: 10_000, state: { n: 1 } }, about)).toEqual({
    window: { start: '1970-01-01T00:00:10Z', end: '1970-01-01T00:00:20Z' },
    state: { n: 1 },
    shardId: 's',
    eventSourceARN: 'a',
    isFinalInvokeForWindow: false,
    isWindowTerminatedEarly: false,
  })
})
