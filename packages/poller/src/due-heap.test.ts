// What is due comes out in order, whatever the order in which it went in.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DueHeap } from './due-heap.ts'

const times = fc.array(fc.integer({ min: 0, max: 1_000 }), { maxLength: 200 })

test('marks come out by their time, those that are due and no more', () => {
  fc.assert(
    fc.property(times, fc.integer({ min: 0, max: 1_000 }), (due, now) => {
      const heap = new DueHeap<{ dueAt: number }>()
      for (const dueAt of due) heap.push({ dueAt })
      const popped = heap.popDue(now, due.length).map(({ dueAt }) => dueAt)
      const expected = due.filter((dueAt) => dueAt <= now).sort((a, b) => a - b)
      expect(popped).toEqual(expected)
      expect(heap.size).toBe(due.length - expected.length)
    }),
  )
})

test('pushing and popping may take turns', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 99 }), fc.boolean())), (steps) => {
      const heap = new DueHeap<{ dueAt: number }>()
      const model: number[] = []
      for (const [dueAt, pops] of steps) {
        heap.push({ dueAt })
        model.push(dueAt)
        if (!pops) continue
        model.sort((a, b) => a - b)
        expect(heap.popDue(100, 1)).toEqual([{ dueAt: model.shift() }])
      }
    }),
  )
})
