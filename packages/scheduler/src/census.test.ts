// What a census says of what a scheduler holds, as a table that can be checked by hand.

import { expect, test } from 'vitest'
import { type Counted, takeCensus } from './census.ts'
import type { StateName } from './environment-states.ts'

const deployment = (functionName: string, waiting: number, ...states: StateName[]): Counted => ({
  functionKey: `1/${functionName}/$LATEST`,
  waiting,
  place: { account: '1', functionName, version: { version: '$LATEST' } },
  environments: states.map((stateName) => ({ stateName, parts: { memoryMb: 128 } })),
})
const node = { key: 'hearth/nodejs24.x', image: 'hearth/nodejs24.x' }
const heap = { key: 'hearth/java21 512', image: 'hearth/java21' }

test('counts by function version and by kind of stem', () => {
  const starts = [{ start: 'warm', count: 2 }] as const
  const census = takeCensus(
    { schedulerId: 'one', memoryMb: 4096 },
    {
      pool: {
        memoryMbFree: 3000,
        deployments: [
          deployment('a', 1, 'Busy', 'Busy', 'Frozen'),
          // The same version before its update, which still answers.
          deployment('a', 0, 'Busy', 'Retrying'),
          deployment('b', 3),
        ],
      },
      stems: {
        all: [
          { kind: node, stateName: 'Parked' },
          { kind: node, stateName: 'Parked' },
          { kind: node, stateName: 'Booting' },
          { kind: heap, stateName: 'Parked' },
        ],
      },
      starts: { list: () => [...starts] },
    },
  )
  const a = { account: '1', functionName: 'a', version: '$LATEST', running: 4, waiting: 1 }
  const b = { account: '1', functionName: 'b', version: '$LATEST', running: 0, waiting: 3 }
  expect(census).toEqual({
    schedulerId: 'one',
    memoryMb: 4096,
    memoryMbFree: 3000,
    functions: [
      { ...a, states: { Busy: 3, Frozen: 1, Retrying: 1 }, memoryMb: 640 },
      { ...b, states: {}, memoryMb: 0 },
    ],
    stems: [
      { kind: 'hearth/nodejs24.x', state: 'Parked', count: 2 },
      { kind: 'hearth/nodejs24.x', state: 'Booting', count: 1 },
      { kind: 'hearth/java21 512', state: 'Parked', count: 1 },
    ],
    starts,
  })
})
