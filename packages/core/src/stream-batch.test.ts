// What follows after a stream's batch: AWS's table of settings, and the properties that no setting
// may break: nothing is skipped, nothing comes twice from one piece, and poison is found alone.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { BatchOutcome } from './batch-outcome.ts'
import { afterBatch, type Piece, pieceOf, restMs, withoutAged } from './stream-batch.ts'

const NOW = 1_000_000_000
const numbered = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ id: `${index}`, arrivedAt: NOW }))
type Entry = ReturnType<typeof numbered>[number]
const settings = { bisects: false, retriesMax: -1, recordAgeSecondsMax: -1 }
const FAILED: BatchOutcome = { kind: 'failed' }
const partial = (...ids: string[]): BatchOutcome => ({ kind: 'partial', failed: new Set(ids) })
const idsOf = (records: readonly Entry[]) => records.map(({ id }) => id).join('')

const shapeOf = (
  outcome: BatchOutcome,
  wish: Partial<typeof settings>,
  attempts = 0,
  count = 4,
) => {
  const piece = { ...pieceOf(numbered(count)), attempts, failures: attempts }
  const { done, givenUp, next } = afterBatch(piece, outcome, { ...settings, ...wish }, NOW)
  const pieces = next.map(({ records, attempts }) => `${idsOf(records)}/${attempts}`).join(' ')
  return `done ${idsOf(done)}, given up ${idsOf(givenUp)}, next ${pieces}`
}

describe('after a batch', () => {
  test.each<[string, string, string]>([
    ['all done', shapeOf({ kind: 'done' }, {}), 'done 0123, given up , next '],
    ['no end of retries', shapeOf(FAILED, {}, 9_999), 'done , given up , next 0123/10000'],
    ['a retry is left', shapeOf(FAILED, { retriesMax: 2 }, 1), 'done , given up , next 0123/2'],
    ['no retry is left', shapeOf(FAILED, { retriesMax: 2 }, 2), 'done , given up 0123, next '],
    ['no retry at all', shapeOf(FAILED, { retriesMax: 0 }), 'done , given up 0123, next '],
    ['item failures', shapeOf(partial('2', '3'), {}), 'done 01, given up , next 23/1'],
    [
      'item failures, no retry is left',
      shapeOf(partial('2'), { retriesMax: 0 }),
      'done 01, given up 23, next ',
    ],
    [
      'bisecting uses no retry',
      shapeOf(FAILED, { bisects: true, retriesMax: 0 }),
      'done , given up , next 01/0 23/0',
    ],
    ['an odd batch', shapeOf(FAILED, { bisects: true }, 0, 3), 'done , given up , next 01/0 2/0'],
    [
      'a lone record is not split',
      shapeOf(FAILED, { bisects: true, retriesMax: 0 }, 0, 1),
      'done , given up 0, next ',
    ],
    [
      'bisecting where a failure is named',
      shapeOf(partial('2'), { bisects: true }),
      'done 01, given up , next 23/0',
    ],
    [
      'bisecting where the first is named',
      shapeOf(partial('0', '2'), { bisects: true }),
      'done , given up , next 0/0 123/0',
    ],
  ])('%s', (_, shape, expected) => expect(shape).toBe(expected))
})

test('records that are too old are taken out, and the others keep their order', () => {
  const records = numbered(4).map((one, index) => ({ ...one, arrivedAt: NOW - index * 40_000 }))
  const piece = pieceOf(records)
  const { aged, rest } = withoutAged(piece, { recordAgeSecondsMax: 60 }, NOW)
  expect([idsOf(aged), idsOf(rest.records)]).toEqual(['23', '01'])
  expect(withoutAged(piece, settings, NOW * 2).rest).toBe(piece)
})

test('rest grows, has an end, and is never nothing', () => {
  const rests = Array.from({ length: 40 }, (_, failures) => restMs(failures))
  expect(rests).toEqual([...rests].sort((one, other) => one - other))
  expect([Math.min(...rests), Math.max(...rests)]).toEqual([100, 30_000])
  expect(restMs(1e9)).toBe(30_000)
})

/** Plays a function on a batch until nothing is left of it, as a lane does. */
function play(
  count: number,
  wish: typeof settings,
  answer: (records: Entry[]) => BatchOutcome,
): { story: [string, 'done' | 'given up'][]; invocations: number; waitedMs: number } {
  const work: Piece<Entry>[] = [pieceOf(numbered(count))]
  const story: [string, 'done' | 'given up'][] = []
  let [now, invocations] = [NOW, 0]
  for (let piece = work.shift(); piece; piece = work.shift()) {
    if (invocations > 10_000) throw new Error('it never ends')
    now = Math.max(now, piece.notBefore)
    invocations += 1
    const after = afterBatch(piece, answer(piece.records), wish, now)
    story.push(...after.done.map(({ id }): [string, 'done'] => [id, 'done']))
    story.push(...after.givenUp.map(({ id }): [string, 'given up'] => [id, 'given up']))
    work.unshift(...after.next)
  }
  return { story, invocations, waitedMs: now - NOW }
}

const worlds = fc.record({
  count: fc.integer({ min: 1, max: 40 }),
  poison: fc.uniqueArray(fc.integer({ min: 0, max: 39 }).map(String), { maxLength: 5 }),
  bisects: fc.boolean(),
  retriesMax: fc.integer({ min: 0, max: 4 }),
  reports: fc.boolean(),
})
type World = typeof worlds extends fc.Arbitrary<infer W> ? W : never
const answerOf =
  ({ poison, reports }: World) =>
  (records: Entry[]): BatchOutcome => {
    const failed = records.map(({ id }) => id).filter((id) => poison.includes(id))
    if (failed.length === 0) return { kind: 'done' }
    return reports ? partial(...failed) : FAILED
  }

describe('whatever fails', () => {
  test('every record is done or given up, once, and in order', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { story } = play(world.count, { ...settings, ...world }, answerOf(world))
        expect(story.map(([id]) => id)).toEqual(numbered(world.count).map(({ id }) => id))
      }),
    )
  })

  test('bisecting gives up the poison and nothing else', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const wish = { ...settings, ...world, bisects: true }
        const { story } = play(world.count, wish, answerOf(world))
        for (const [id, end] of story) {
          expect(end).toBe(world.poison.includes(id) ? 'given up' : 'done')
        }
      }),
    )
  })

  test('each failure costs time, so that nothing spins', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const { invocations, waitedMs } = play(
          world.count,
          { ...settings, ...world, bisects: false },
          answerOf(world),
        )
        expect(waitedMs).toBeGreaterThanOrEqual((invocations - 1) * 100)
      }),
    )
  })

  test('an endless mapping goes on once the function is well again', () => {
    let left = 50
    const answer = (): BatchOutcome => (left-- > 0 ? FAILED : { kind: 'done' })
    const { story } = play(3, settings, answer)
    expect(story.map(([, end]) => end)).toEqual(['done', 'done', 'done'])
  })
})
