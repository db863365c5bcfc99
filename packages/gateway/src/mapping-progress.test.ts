// What several pollers tell of the same mappings, put together.

import type { PollerProgress } from '@hearth/bus/figures'
import { SUBJECTS } from '@hearth/bus/messages'
import { expect, test } from 'vitest'
import { gatherProgress } from './mapping-progress.ts'

const of = (uuid: string, invoked: number, lag: object) => ({
  ...{ uuid, received: 5, filteredOut: 1, invoked, failed: 0, lag },
})

test('counts are added up, and the lag is that of whoever reads', async () => {
  let hear = (_: PollerProgress) => {}
  let isClosed = false
  const told = await gatherProgress({
    subscribe(subject, listener) {
      expect(subject).toBe(SUBJECTS.progress)
      hear = listener as never
      return {
        close: () => {
          isClosed = true
        },
      }
    },
    publish(subject) {
      expect(subject).toBe(SUBJECTS.progressWanted)
      hear({ pollerId: 'one', mappings: [of('a', 2, { records: 3 }), of('b', 1, {})] })
      hear({ pollerId: 'two', mappings: [of('a', 4, {})] })
    },
  })
  expect([...told.values()]).toEqual([
    { ...of('a', 6, { records: 3 }), received: 10, filteredOut: 2 },
    of('b', 1, {}),
  ])
  expect(isClosed).toBe(true)
})
