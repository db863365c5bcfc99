// What the pool is told about provisioned concurrency, turn by turn, and what heartbeats say of it.

import { expect, test } from 'vitest'
import { Provisioned, type ProvisionedWish } from './provisioned.ts'
import { makeVersion } from './scheduler-harness.ts'

const version = { ...makeVersion({}), version: '1' }
const place = { account: '000000000000', functionName: 'hello', version }

test('a wish is held until it is gone, and is told as it stands', () => {
  let wishes: ProvisionedWish[] = [{ place, count: 3, tokens: 3, running: 1, modifiedAt: 7 }]
  const told: [string, number][] = []
  let state: { initialised: number; failure?: string } = { initialised: 1 }
  const keep = (kept: typeof place, count: number) => {
    told.push([kept.version.version, count])
    return state
  }
  const provisioned = new Provisioned({ keep }, () => wishes)
  expect(provisioned.shares).toEqual([])
  provisioned.turn()
  const share = { account: '000000000000', functionName: 'hello', version: '1', modifiedAt: 7 }
  expect(provisioned.shares).toEqual([{ ...share, initialised: 1 }])
  state = { initialised: 0, failure: 'init error' }
  provisioned.turn()
  expect(provisioned.shares).toEqual([
    { ...share, initialised: 0, failed: 'FUNCTION_ERROR_INIT_FAILURE' },
  ])
  state = { initialised: 3 }
  wishes = [{ place, count: 3, tokens: 2, running: 2, modifiedAt: 7 }]
  provisioned.turn()
  expect(provisioned.shares).toEqual([{ ...share, initialised: 2 }])
  const figure = { functionName: 'hello', version: '1', requested: 3, initialised: 2, inUse: 2 }
  expect(provisioned.figures).toEqual([figure])
  wishes = [{ place, count: 0, tokens: 0, running: 0, modifiedAt: 8 }]
  provisioned.turn()
  provisioned.turn()
  expect(provisioned.shares).toEqual([])
  expect(provisioned.figures).toEqual([])
  expect(told).toEqual([
    ['1', 3],
    ['1', 3],
    ['1', 3],
    ['1', 0],
  ])
})
