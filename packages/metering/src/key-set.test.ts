// A set by hash: it knows what it was told, of many names that differ little.

import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { hashOf, KeySet } from './key-set.ts'

const NAMES = 200_000

test('each name is new once, through every growth', () => {
  const keys = new KeySet()
  const names = Array.from({ length: NAMES / 2 }, (_, index) => [`${index}#1`, `${index}#2`]).flat()
  expect(names.filter((name) => keys.add(hashOf(name)))).toHaveLength(NAMES)
  expect(keys.size).toBe(NAMES)
  expect(names.filter((name) => keys.add(hashOf(name)))).toEqual([])
})

test('request ids fall evenly over parts', () => {
  const counts = [0, 0, 0, 0]
  for (let index = 0; index < NAMES; index += 1) {
    const part = hashOf(`${randomUUID()}#1`).high % counts.length
    counts[part] = (counts[part] ?? 0) + 1
  }
  for (const count of counts) expect(Math.abs(count - NAMES / 4)).toBeLessThan(NAMES / 100)
})
