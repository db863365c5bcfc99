// The decision as a table: what the pool holds, and where the next invocation goes.

import { expect, test } from 'vitest'
import { type AheadFacts, type Decision, decide, type PoolFacts, startAhead } from './decide.ts'

const EMPTY: PoolFacts = {
  ready: 0,
  soonReady: 0,
  waiting: 0,
  memoryMb: 256,
  isPatient: false,
  memoryMbMax: 1024,
  memoryMbFree: 1024,
  memoryMbIdle: 0,
  environments: 0,
  idleEnvironments: 0,
  environmentsMax: 4,
  inFlight: 0,
  concurrencyMax: 10,
}
const start = (evictMemoryMb = 0, evictEnvironments = 0): Decision => ({
  kind: 'start',
  evictMemoryMb,
  evictEnvironments,
})

/** One more of a queue's, beside two at work. */
const BACKLOG = { isPatient: true, environments: 2 }
const CROWD = { isPatient: true, environmentsMax: 10 }

const ROWS: [string, Partial<PoolFacts>, Decision][] = [
  ['nothing there: start', {}, start()],
  ['one is ready: use it', { ready: 1, soonReady: 3 }, { kind: 'use' }],
  ['one settles: wait for it rather than start', { soonReady: 1 }, { kind: 'wait' }],
  ['one settles but is spoken for: start', { soonReady: 1, waiting: 1 }, start()],
  ['the limit is reached, ready or not', { ready: 1, inFlight: 10 }, { kind: 'throttled' }],
  ['no memory, nothing idle: busy', { memoryMbFree: 255 }, { kind: 'busy' }],
  ['no memory, enough idle: evict', { memoryMbFree: 56, memoryMbIdle: 200 }, start(200)],
  ['not enough idle: busy', { memoryMbFree: 56, memoryMbIdle: 199 }, { kind: 'busy' }],
  ['no place, one idle: evict it', { environments: 4, idleEnvironments: 1 }, start(0, 1)],
  ['no place, none idle: busy', { environments: 4 }, { kind: 'busy' }],
  ['a backlog finds room: start', { ...BACKLOG, memoryMbFree: 461 }, start()],
  ['a backlog wants what is kept free: busy', { ...BACKLOG, memoryMbFree: 460 }, { kind: 'busy' }],
  ['what idles is free: start', { ...BACKLOG, memoryMbFree: 200, memoryMbIdle: 261 }, start(56)],
  ['who waits gets what is kept free', { environments: 2, memoryMbFree: 256 }, start()],
  ['a backlog uses what is ready', { ...BACKLOG, memoryMbFree: 0, ready: 1 }, { kind: 'use' }],
  ['a backlog wants the last places: busy', { ...CROWD, environments: 8 }, { kind: 'busy' }],
  ['a backlog finds a place: start', { ...CROWD, environments: 7 }, start()],
  ['one that is alone may have it all', { isPatient: true, memoryMb: 1024 }, start()],
]

test.each(ROWS)('%s', (_name, facts, decision) => {
  expect(decide({ ...EMPTY, ...facts })).toEqual(decision)
})

const HELD: AheadFacts = {
  kept: 0,
  held: 2,
  ready: 0,
  soonReady: 0,
  waiting: 0,
  isGrowing: false,
  hasSnapshot: false,
  isBooting: false,
}

test.each<[string, Partial<AheadFacts>, number, number]>([
  ['nobody wants any', {}, 0, 0],
  ['those to be held are there', { kept: 2 }, 0, 0],
  ['some are missing', { kept: 5 }, 3, 0],
  ['it grows, and none is free', { isGrowing: true }, 0, 1],
  ['it grows, and one is free', { isGrowing: true, ready: 1 }, 0, 0],
  ['it grows, and one is on its way', { isGrowing: true, soonReady: 1 }, 0, 0],
  ['it grows, and that one is spoken for', { isGrowing: true, soonReady: 1, waiting: 1 }, 0, 1],
  ['others boot, who are waited for', { isGrowing: true, isBooting: true }, 0, 0],
  ['its snapshot has been used', { hasSnapshot: true }, 0, 1],
  ['its snapshot waits', { hasSnapshot: true, ready: 1 }, 0, 0],
  ['what is to be held goes before a spare', { kept: 3, isGrowing: true }, 1, 0],
])('ahead of work: %s', (_name, facts, provisioned, spare) => {
  expect(startAhead({ ...HELD, ...facts })).toEqual({ provisioned, spare })
})
