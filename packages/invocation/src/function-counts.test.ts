// How the metrics count by function: each thing once, under few names, and the most used functions
// have them. Whatever callers make up, the number of rows is bounded.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FunctionCounts, largest } from './function-counts.ts'

const MINUTE = 60_000
const of = (outcome = 'success', version = '1') => ({ outcome, version })
const labels = ['outcome', 'version'] as const
/** What is told once all of it has been seen. */
const listed = <Label extends string>(counts: FunctionCounts<Label>, now = 0) => {
  counts.list(now)
  return counts.list(now)
}

test('tells functions and labels apart', () => {
  const counts = new FunctionCounts({ labels })
  expect(counts.add('a', of())).toBe('a')
  for (const one of [of(), of('success', '2'), of('timed out')]) counts.add('a', one)
  counts.add('b', of(), 7)
  const rows = listed(counts).map((one) => [one.functionName, one.outcome, one.version, one.count])
  expect(rows).toEqual([
    ['a', 'success', '1', 2],
    ['a', 'success', '2', 1],
    ['a', 'timed out', '1', 1],
    ['b', 'success', '1', 7],
  ])
})

test('a function that is used more takes a name within a minute, and others keep theirs', () => {
  const lost: string[] = []
  const counts = new FunctionCounts({ labels, functionsMax: 2, lost: (name) => lost.push(name) })
  const use = (name: string, times: number) => {
    for (let n = 0; n < times; n += 1) counts.add(name, of())
  }
  const names = (now: number) =>
    listed(counts, now).map((one) => `${one.functionName} ${one.count}`)
  use('old', 1)
  use('busy', 50)
  expect(names(0)).toEqual(['old 1', 'busy 50'])
  use('busy', 50)
  use('new', 40)
  use('rare', 1)
  expect(counts.nameOf('new')).toBe('other')
  expect(names(MINUTE - 1)).toEqual(['old 1', 'busy 100', 'other 41'])
  expect(names(MINUTE)).toEqual(['busy 100', 'other 41'])
  expect(lost).toEqual(['old'])
  expect(counts.nameOf('new')).toBe('new')
  use('new', 3)
  use('old', 5)
  expect(names(MINUTE + 1)).toEqual(['busy 100', 'new 3', 'other 46'])
})

test('a function that is gone is told for a minute more, and then its name is free', () => {
  const there = new Set(['a', 'b'])
  const counts = new FunctionCounts({
    labels,
    functionsMax: 2,
    isThere: (name) => there.has(name),
  })
  const names = (now: number) => counts.list(now).map((one) => one.functionName)
  counts.add('a', of())
  counts.add('b', of())
  there.delete('a')
  expect(names(0)).toEqual(['a', 'b'])
  expect(names(MINUTE - 1)).toEqual(['a', 'b'])
  expect(names(MINUTE)).toEqual(['b'])
  expect(counts.nameOf('c')).toBe('c')
  expect(counts.nameOf('d')).toBe('other')
  expect(counts.add('c', of())).toBe('c')
  expect(names(MINUTE + 1)).toEqual(['b', 'c'])
})

test('of many versions the first are told, and the rest together', () => {
  const counts = new FunctionCounts({ labels, open: 'version', rowsMax: 3, functionsMax: 1 })
  for (let version = 1; version <= 500; version += 1) counts.add('f', of('success', `${version}`))
  counts.add('f', of('timed out', '9'))
  for (let version = 1; version <= 500; version += 1) counts.add('g', of('success', `${version}`))
  const rows = listed(counts).map((one) => [one.functionName, one.outcome, one.version, one.count])
  expect(rows).toEqual([
    ['f', 'success', '1', 1],
    ['f', 'success', '2', 1],
    ['f', 'success', '3', 1],
    ['f', 'success', 'other', 497],
    ['f', 'timed out', 'other', 1],
    ['other', 'success', 'other', 500],
  ])
})

test('what is new rises from zero, so that a rate sees it', () => {
  const counts = new FunctionCounts({ labels })
  counts.add('a', of())
  expect(counts.list(0).map(({ count }) => count)).toEqual([0])
  counts.add('b', of())
  expect(counts.list(1).map(({ count }) => count)).toEqual([1, 0])
  expect(counts.list(2).map(({ count }) => count)).toEqual([1, 1])
})

test('never has more rows than allowed, and loses none of what it counts under a name', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'other')
  const use = fc.record({ name, outcome: fc.constantFrom('x', 'y'), version: fc.nat(30) })
  fc.assert(
    fc.property(fc.array(use, { maxLength: 300 }), (uses) => {
      const counts = new FunctionCounts({ labels, open: 'version', functionsMax: 3, rowsMax: 4 })
      for (const one of uses) counts.add(one.name, of(one.outcome, String(one.version)))
      const rows = listed(counts)
      const names = new Set(rows.map((one) => one.functionName))
      expect(names.size).toBeLessThanOrEqual(4)
      // As many rows as may be clear, and one more for each outcome.
      expect(rows.length).toBeLessThanOrEqual(3 * (4 + 2) + 2)
      const keys = rows.map((one) => `${one.functionName}/${one.outcome}/${one.version}`)
      expect(new Set(keys).size).toBe(keys.length)
      for (const named of names) {
        const told = rows.filter((one) => one.functionName === named)
        const sum = told.reduce((total, { count }) => total + count, 0)
        const times = uses.filter((one) => one.name === named).length
        if (named !== 'other') expect(sum).toBe(times)
      }
    }),
  )
})

test('of what is read at each look the largest are told one by one', () => {
  const sizes = [3, 9, 1, 7]
  expect(largest(sizes, (one) => one, 4)).toEqual({ named: sizes, rest: [] })
  expect(largest(sizes, (one) => one, 2)).toEqual({ named: [9, 7], rest: [3, 1] })
})
