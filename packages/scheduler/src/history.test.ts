// An hour in minutes: what is counted where, what is forgotten, and what bounds it.

import type { InvocationReport } from '@hearth/core/invocation'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { HISTORY_MINUTES, History } from './history.ts'

const MINUTE = 60_000
const report = (changes: Partial<InvocationReport> = {}): InvocationReport => ({
  ...{ start: 'warm', outcome: 'success', durationMs: 10, billedMs: 10, maxMemoryMb: 1 },
  ...changes,
})

test('counts each invocation in its minute, in all and for its function', () => {
  const history = new History(0)
  history.finished('f', report(), 5 * MINUTE)
  history.finished(
    'f',
    report({ outcome: 'timed out', durationMs: 30, start: 'cold', coldReason: 'first invocation' }),
    5 * MINUTE + 59_999,
  )
  history.finished('g', report({ start: 'stem' }), 6 * MINUTE)
  const { since, minutes, functions } = history.answer({}, 7 * MINUTE)
  expect(since).toBe(0)
  expect(minutes).toEqual([
    {
      ...{ minute: 5, invocations: 2, errors: 1, throttles: 0, runningMax: 0 },
      ...{ durationMs: 40, durationMsMax: 30, starts: { warm: 1, cold: 1 } },
      coldReasons: { 'first invocation': 1 },
    },
    expect.objectContaining({ minute: 6, invocations: 1, starts: { stem: 1 } }),
  ])
  expect(functions.map(({ functionName }) => functionName)).toEqual(['f', 'g'])
  const [f] = functions
  expect(f).toMatchObject({ errors: 1, throttles: 0, durationMs: 40 })
  expect(f?.invocations).toHaveLength(HISTORY_MINUTES)
  expect(f?.invocations.slice(-3)).toEqual([2, 0, 0])
  const named = history.answer({ functionName: 'g' }, 7 * MINUTE)
  expect(named.minutes).toMatchObject([{ minute: 6, invocations: 1 }])
  expect(named.functions).toEqual([])
  expect(history.answer({ functionName: 'none' }, 0).minutes).toEqual([])
})

test('forgets a minute after an hour, and takes its place again', () => {
  const history = new History(0)
  history.finished('f', report(), 0)
  expect(history.answer({}, 59 * MINUTE).minutes).toHaveLength(1)
  expect(history.answer({}, 60 * MINUTE).minutes).toEqual([])
  history.finished('f', report(), 60 * MINUTE)
  expect(history.answer({}, 60 * MINUTE).minutes).toMatchObject([{ minute: 60, invocations: 1 }])
})

test('knows the most that ran at a time, also in minutes in which nothing began or ended', () => {
  const history = new History(0)
  for (let count = 0; count < 3; count += 1) history.began('f', 1_000)
  history.ended('f')
  history.tick(MINUTE)
  history.ended('f')
  history.ended('f')
  history.tick(2 * MINUTE)
  history.began('f', 3 * MINUTE)
  history.ended('f')
  for (const question of [{}, { functionName: 'f' }]) {
    const { minutes } = history.answer(question, 3 * MINUTE)
    expect(minutes.map(({ minute, runningMax }) => [minute, runningMax])).toEqual([
      [0, 3],
      [1, 2],
      [3, 1],
    ])
  }
})

test('keeps so many functions, and forgets the one that was used longest ago and does not run', () => {
  const history = new History(0, 2)
  history.began('runs', 0)
  history.finished('old', report(), MINUTE)
  history.finished('new', report(), 2 * MINUTE)
  const names = () => history.answer({}, 2 * MINUTE).functions.map((one) => one.functionName)
  expect(names()).toEqual(['runs', 'new'])
  history.ended('old')
  history.ended('runs')
  history.finished('newer', report(), 2 * MINUTE)
  expect(names()).toEqual(['new', 'newer'])
  expect(history.answer({}, 2 * MINUTE).minutes).toMatchObject([
    { invocations: 0, runningMax: 1 },
    { invocations: 1 },
    { invocations: 2 },
  ])
})

test('forgets as quickly however many it keeps', { timeout: 5_000 }, () => {
  const kept = 40_000
  const history = new History(0, kept)
  for (let count = 0; count < kept; count += 1) history.began(`runs-${count % 2}-${count}`, 0)
  for (let count = 0; count < kept; count += 2) history.ended(`runs-0-${count}`)
  for (let count = 0; count < kept; count += 1) {
    history.finished(`called-once-${count}`, report(), MINUTE)
  }
  expect(history.answer({}, MINUTE).functions).toHaveLength(kept)
})

test('whatever was used when, of those that do not run the one used longest ago goes', () => {
  const names = fc.constantFrom('a', 'b', 'c', 'd', 'e')
  const step = fc.record({ name: names, kind: fc.nat(2), minutes: fc.nat(2) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const history = new History(0, 3)
      const known = new Map<string, { running: number; newest: number }>()
      let minute = 0
      for (const { name, kind, minutes } of steps) {
        minute += minutes
        if (kind === 2) {
          history.ended(name)
          const one = known.get(name)
          if (one) one.running = Math.max(one.running - 1, 0)
          continue
        }
        const newest = (one: string) => known.get(one)?.newest ?? 0
        const idle = [...known.keys()].filter((one) => known.get(one)?.running === 0)
        const isFull = !known.has(name) && known.size === 3
        if (kind === 0) history.began(name, minute * MINUTE)
        if (kind === 1) history.finished(name, report(), minute * MINUTE)
        const left = [...known.keys()].filter((one) => !isKept(history, one))
        if (isFull) {
          expect(left).toHaveLength(1)
          const oldest = Math.min(...idle.map(newest))
          if (idle.length > 0)
            expect(idle.filter((one) => newest(one) === oldest)).toContain(left[0])
          known.delete(left[0] ?? '')
        }
        const { running } = known.get(name) ?? { running: 0 }
        known.set(name, { running: running + (kind === 0 ? 1 : 0), newest: minute })
      }
    }),
  )
})

/** Its minutes are known for as long as an hour from when it was used. */
const isKept = (history: History, functionName: string) =>
  history.answer({ functionName }, 0).minutes.length > 0
