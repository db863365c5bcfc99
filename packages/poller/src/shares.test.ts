// Sharing as a law: each piece of work has one asker among pollers that hear each other, and moves
// only when it must.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decideShare } from './shares.ts'

const ids = fc.uniqueArray(fc.stringMatching(/^[a-z0-9]{1,6}$/), { minLength: 1, maxLength: 6 })
const askers = (work: string, live: readonly string[]) =>
  live.filter((self) => decideShare(work, { self, live, asks: false }) === 'ask')

test('one of those who hear each other asks for a piece of work, and the rest give it back', () => {
  fc.assert(
    fc.property(ids, fc.uuid(), (live, work) => {
      const [asker, ...more] = askers(work, live)
      expect(asker).toBeDefined()
      expect(more).toEqual([])
      for (const self of live) {
        const expected = self === asker ? 'stay' : 'give back'
        expect(decideShare(work, { self, live, asks: true })).toBe(expected)
      }
    }),
  )
})

test('a poller that hears nobody, not even itself, asks for everything', () => {
  expect(decideShare('w', { self: 'a', live: [], asks: false })).toBe('ask')
  expect(decideShare('w', { self: 'a', live: [], asks: true })).toBe('stay')
})

test('work moves only from those who leave and to those who join', () => {
  fc.assert(
    fc.property(
      ids.filter((live) => live.length > 1),
      fc.uuid(),
      (live, work) => {
        const [joined, ...before] = live
        const [earlier] = askers(work, before)
        const [now] = askers(work, live)
        expect([earlier, joined]).toContain(now)
      },
    ),
  )
})
