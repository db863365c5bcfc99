// What becomes of the variables that a caller wishes a function to have, or to have no longer.

import { expect, test } from 'vitest'
import { configurationFor, mergeConfiguration } from './function-wish.ts'

const wish = { Runtime: 'nodejs24.x', Handler: 'a.b', Role: 'r' } as const
const made = (Variables?: Record<string, string>) =>
  configurationFor('f', { ...wish, ...(Variables && { Environment: { Variables } }) }, false)

test('a map of variables is kept as it came, an empty one too', () => {
  expect(made({ A: 'b' }).environment).toEqual({ A: 'b' })
  expect(made({}).environment).toEqual({})
  expect(made()).not.toHaveProperty('environment')
})

test('an update that is silent leaves them, and an empty one takes them away', () => {
  expect(mergeConfiguration(made({}), { Timeout: 4 }).environment).toEqual({})
  expect(mergeConfiguration(made({ A: 'b' }), { Timeout: 4 }).environment).toEqual({ A: 'b' })
  for (const Environment of [{}, { Variables: {} }]) {
    expect(mergeConfiguration(made({ A: 'b' }), { Environment })).not.toHaveProperty('environment')
  }
})
