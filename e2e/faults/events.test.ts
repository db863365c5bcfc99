// The short form of `make faults`: events and calls through five kills -9 of whatever a seed picks,
// and the same checker over what was seen outside and what the books say. Every figure is a line of
// the failure, and the seed makes the same trial again.

import { expect, test } from 'vitest'
import { isBroken, render } from './figure.ts'
import { runTrial } from './trial.ts'

const OPTIONS = { events: 300, calls: 100, functions: 6, kills: 5 }

test('nothing is lost, billed twice or beyond a limit', { timeout: 600_000 }, async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
  const { figures, log } = await runTrial({ seed, ...OPTIONS }, () => {})
  const shown = figures.map(render)
  console.log(`${shown.join('\n')}\nSEED=${seed}; the recorder's log is ${log}`)
  expect(figures.filter(isBroken).map(render), `SEED=${seed}, ${log}`).toEqual([])
})
