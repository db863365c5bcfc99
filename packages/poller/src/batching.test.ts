// Batches and lanes as laws: never too many, never too large, never none for ever.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  adjustLanes,
  againMs,
  BATCH_BYTES_MAX,
  fitting,
  type Lanes,
  nextStep,
  type Seen,
} from './batching.ts'

describe('a batch', () => {
  const settings = { batchSize: 10, windowMs: 5_000 }
  test.each([
    ['is empty', { count: 0, isFull: false, sinceFirstMs: 9_000 }, 10, 20_000],
    ['may still gather', { count: 4, isFull: false, sinceFirstMs: 2_000 }, 6, 3_000],
  ])('that %s is waited for', (_, facts, max, waitMs) => {
    expect(nextStep(facts, settings)).toEqual({ kind: 'receive', max, waitMs })
  })

  test.each([
    ['as many as wished', { count: 10, isFull: false, sinceFirstMs: 0 }],
    ['no room in its payload', { count: 4, isFull: true, sinceFirstMs: 0 }],
    ['waited for its window', { count: 1, isFull: false, sinceFirstMs: 5_000 }],
  ])('with %s is invoked', (_, facts) => {
    expect(nextStep(facts, settings)).toEqual({ kind: 'invoke' })
  })

  test('without a window is invoked with what came first', () => {
    const facts = { count: 1, isFull: false, sinceFirstMs: 0 }
    expect(nextStep(facts, { batchSize: 10, windowMs: 0 })).toEqual({ kind: 'invoke' })
  })

  test('never waits longer than its window, and asks for no more than is missing', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.nat(300_000), fc.nat(300_000), (count, since, windowMs) => {
        const step = nextStep(
          { count, isFull: false, sinceFirstMs: since },
          { batchSize: 20, windowMs },
        )
        if (step.kind === 'invoke') {
          expect(count).toBeGreaterThan(0)
          return
        }
        expect(step.max + count).toBe(20)
        if (count > 0) expect(since + step.waitMs).toBeLessThanOrEqual(windowMs)
      }),
    )
  })

  test('takes what fits, in order, and at least one', () => {
    const sized = (...sizes: number[]) => sizes.map((size) => ({ size }))
    const third = Math.floor(BATCH_BYTES_MAX / 3)
    expect(fitting(sized(1, 1, 1), { count: 0, bytes: 0 }, 2)).toBe(2)
    expect(fitting(sized(third, third, third), { count: 0, bytes: 0 }, 9)).toBe(2)
    expect(fitting(sized(BATCH_BYTES_MAX), { count: 0, bytes: 0 }, 9)).toBe(1)
    expect(fitting(sized(third), { count: 2, bytes: 2 * third + 2 }, 9)).toBe(0)
    expect(fitting(sized(1), { count: 2, bytes: 2 }, 2)).toBe(0)
    expect(fitting([], { count: 0, bytes: 0 }, 2)).toBe(0)
  })
})

describe('lanes', () => {
  const grow = (count: number, everyMs: number, max = 100) => {
    let lanes: Lanes = { allowed: 1, growAt: 0 }
    for (let turn = 0; turn < count; turn += 1) {
      lanes = adjustLanes(lanes, 'all busy', { now: turn * everyMs, max })
    }
    return lanes.allowed
  }

  test('become five at once, and then 300 more a minute', () => {
    expect(grow(4, 0)).toBe(5)
    expect(grow(50, 0)).toBe(5)
    expect(grow(60_000, 1, 1_000)).toBeGreaterThanOrEqual(300)
    expect(grow(60_000, 1, 1_000)).toBeLessThanOrEqual(306)
    expect(grow(60_000, 1, 7)).toBe(7)
  })

  test('are halved by refusals, once for those that come together', () => {
    const many: Lanes = { allowed: 16, growAt: 0 }
    const once = adjustLanes(many, 'refused', { now: 1_000, max: 100 })
    expect(once.allowed).toBe(8)
    expect(adjustLanes(once, 'refused', { now: 1_010, max: 100 })).toEqual(once)
    expect(adjustLanes(once, 'all busy', { now: 5_000, max: 100 })).toEqual(once)
    expect(adjustLanes(once, 'all busy', { now: 6_000, max: 100 }).allowed).toBe(9)
  })

  test('are never none and never more than may be', () => {
    const sights = fc.array(
      fc.tuple(fc.constantFrom<Seen>('all busy', 'failed', 'idle', 'refused'), fc.nat(10_000)),
    )
    fc.assert(
      fc.property(sights, fc.integer({ min: 1, max: 20 }), (seen, max) => {
        let lanes: Lanes = { allowed: 1, growAt: 0 }
        let now = 0
        for (const [sight, ms] of seen) {
          now += ms
          lanes = adjustLanes(lanes, sight, { now, max })
          expect(lanes.allowed).toBeGreaterThanOrEqual(1)
          expect(lanes.allowed).toBeLessThanOrEqual(max)
        }
      }),
    )
  })
})

test('a refused batch waits longer each time, up to half a minute', () => {
  expect(againMs(1, 0)).toBe(250)
  expect(againMs(2, 0)).toBe(500)
  expect(againMs(40, 0.999)).toBeLessThanOrEqual(30_000)
  expect(againMs(40, 0)).toBe(15_000)
})
