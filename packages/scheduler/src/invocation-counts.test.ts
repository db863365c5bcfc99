// How invocations are counted for the metrics: each once, under few names, and the most used
// functions have them.

import type { InvocationReport } from '@hearth/core/invocation'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InvocationCounts } from './invocation-counts.ts'

const report = (changes: Partial<InvocationReport> = {}): InvocationReport => ({
  start: 'warm',
  outcome: 'success',
  durationMs: 1,
  billedMs: 1,
  maxMemoryMb: 1,
  ...changes,
})

test('tells functions, outcomes, starts and reasons apart', () => {
  const counts = new InvocationCounts()
  const first = report({ start: 'stem', coldReason: 'first invocation' })
  for (const one of [first, report(), report(), report({ outcome: 'timed out' })]) {
    counts.add('a', one)
  }
  counts.add('b', first)
  const rows = counts.list(0).map(({ functionName, outcome, start, coldReason, count }) => {
    return [functionName, outcome, start, coldReason, count]
  })
  expect(rows).toEqual([
    ['a', 'success', 'stem', 'first invocation', 1],
    ['a', 'success', 'warm', undefined, 2],
    ['a', 'timed out', 'warm', undefined, 1],
    ['b', 'success', 'stem', 'first invocation', 1],
  ])
})

test('a function that is used more takes a name within a minute, and others keep theirs', () => {
  const counts = new InvocationCounts(2)
  const use = (name: string, times: number) => {
    for (let n = 0; n < times; n += 1) counts.add(name, report())
  }
  const names = (now: number) => counts.list(now).map((one) => `${one.functionName} ${one.count}`)
  use('old', 1)
  use('busy', 50)
  expect(names(0)).toEqual(['old 1', 'busy 50'])
  use('busy', 50)
  use('new', 40)
  use('rare', 1)
  expect(names(59_999)).toEqual(['old 1', 'busy 100', 'other 41'])
  expect(names(60_000)).toEqual(['busy 100', 'other 41'])
  use('new', 3)
  use('old', 5)
  expect(names(60_001)).toEqual(['busy 100', 'new 3', 'other 46'])
})

test('never has more names than allowed, and counts every invocation of those it names', () => {
  const names = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'other'), { maxLength: 200 })
  fc.assert(
    fc.property(names, (invoked) => {
      const counts = new InvocationCounts(3)
      for (const name of invoked) counts.add(name, report())
      const listed = counts.list(0)
      expect(listed.length).toBeLessThanOrEqual(4)
      expect(new Set(listed.map((one) => one.functionName)).size).toBe(listed.length)
      const before = counts.list(1)
      for (const { functionName, count } of before) {
        const times = invoked.filter((name) => name === functionName).length
        if (functionName !== 'other') expect(count).toBe(times)
      }
    }),
  )
})
