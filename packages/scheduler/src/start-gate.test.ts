// Who boots next: functions in turns, each in its order, and nobody past one that needs much.

import { expect, test } from 'vitest'
import type { Environment } from './environment.ts'
import { StartGate } from './start-gate.ts'

/** A gate for two that boot at a time, and environments by their names: `a1` is a function's, a. */
function openGate(memoryMb = 1_000) {
  const started: string[] = []
  const known = new Map<string, Environment>()
  const nameOf = (environment: Environment) => (environment as unknown as { name: string }).name
  const gate = new StartGate(
    { memoryMb, environmentsMax: 100, startsMax: 2 },
    {
      isWanted: () => true,
      isQuick: () => false,
      ownerOf: (environment) => nameOf(environment)[0],
    },
  )
  const of = (name: string) => known.get(name) as Environment
  return {
    started,
    add(names: string, needsMb = 1) {
      for (const name of names.split(' ')) {
        const parts = { memoryMb: needsMb }
        const made = { name, parts, start: () => started.push(name), stop: () => {} }
        known.set(name, made as unknown as Environment)
        gate.add(of(name))
      }
    },
    booted: (name: string) => gate.booted(of(name)),
    gone: (name: string) => gate.gone(of(name)),
  }
}

test('a function that starts many holds up nobody who starts one', () => {
  const { started, add, booted } = openGate()
  add('a1 a2 a3 a4 a5 b1 c1')
  expect(started).toEqual(['a1', 'a2'])
  for (const name of ['a1', 'a2', 'b1', 'a3', 'c1']) booted(name)
  expect(started).toEqual(['a1', 'a2', 'b1', 'a3', 'c1', 'a4', 'a5'])
})

test('one whose inits fail without end waits for its turn each time', () => {
  const { started, add, gone } = openGate()
  add('a1 a2 a3 a4')
  gone('a1')
  add('b1 a5')
  gone('a2')
  expect(started).toEqual(['a1', 'a2', 'a3', 'b1'])
})

test('one that needs much is not passed by those who came later', () => {
  const { started, add, gone } = openGate(10)
  add('a1', 8)
  add('b1', 9)
  add('c1')
  expect(started).toEqual(['a1'])
  gone('a1')
  expect(started).toEqual(['a1', 'b1', 'c1'])
})
