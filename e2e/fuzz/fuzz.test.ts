// The fuzz in short, by a fixed seed, so that it stays whole and each change meets a few hundred
// bad requests; `make faults` does it at length. And each of its judges can fail: planted faults
// show.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Figure, isBroken, render } from '../faults/figure.ts'
import { abuse } from './abuse.ts'
import { fuzzEcho } from './echo.ts'
import { fuzzModel } from './model.ts'
import { openWorld, type World } from './world.ts'
import { fuzzZips } from './zips.ts'

const SEED = 20_261_126
let world: World
const brokenOf = (figures: Figure[]) => figures.filter(isBroken).map(render)
const tell = () => {}

beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world?.stop())

test('requests by the model, most of them wrong, have answers as AWS gives them', async () => {
  expect(brokenOf(await fuzzModel({ seed: SEED, requests: 400 }, world, tell))).toEqual([])
})

test('payloads come back as they were, and what is no JSON is refused', async () => {
  expect(brokenOf(await fuzzEcho({ seed: SEED, payloads: 100 }, world))).toEqual([])
})

test('raw HTTP that no client would send hurts nobody', async () => {
  const few = { idle: 200, bodyMb: 80, leavers: 4, patient: false }
  expect(brokenOf(await abuse(few, world, tell))).toEqual([])
})

test('bad zips do no harm', async () => {
  expect(brokenOf(await fuzzZips({ seed: SEED, zips: 16, quick: true }, world, tell))).toEqual([])
})

test('when everything is deleted, nothing is left', async () => {
  expect(await world.clear()).toEqual([])
})
