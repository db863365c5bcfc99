// Laws of help: no command's is wider than the terminal, and wrapping loses no word.

import { Command } from 'commander'
import { expect, test } from 'vitest'
import { addAliasCommands } from './alias-commands.ts'
import { addBillCommands } from './bill-commands.ts'
import { addEventCommands } from './event-commands.ts'
import { addFunctionCommands } from './function-commands.ts'
import { shapeHelp, wrapHelp } from './help-text.ts'
import { addIdentityCommands } from './identity-commands.ts'
import type { Surroundings } from './main.ts'
import { addPlatformCommands } from './platform-commands.ts'

const surroundings: Surroundings = {
  globals: () => ({ output: 'table' }),
  version: '0',
  act: () => async () => {},
}

/** Every command's help. */
function helps(columns: number): string[] {
  let shown = ''
  const write = (text: string) => {
    shown += text
  }
  const program = shapeHelp(new Command('hearth'), write, columns)
  for (const add of [
    addAliasCommands,
    addBillCommands,
    addEventCommands,
    addFunctionCommands,
    addIdentityCommands,
    addPlatformCommands,
  ]) {
    add(program, surroundings)
  }
  const all: string[] = []
  const walk = (command: Command) => {
    shown = ''
    command.outputHelp()
    all.push(shown)
    for (const one of command.commands) walk(one)
  }
  walk(program)
  return all
}

test.each([80, 100])('no help is wider than a terminal of %i columns', (columns) => {
  const all = helps(columns)
  expect(all.length).toBeGreaterThan(30)
  const long = all.flatMap((text) => text.split('\n'))
  expect(long.filter((line) => line.length > columns)).toEqual([])
})

test('paragraphs are wrapped, and lists and examples stay as they are', () => {
  const text = 'Some words that are\nwrapped anew.\n\nExamples:\n  hearth invoke greeter --tail\n'
  expect(wrapHelp(text, 16)).toBe(
    'Some words that\nare wrapped\nanew.\n\nExamples:\n  hearth invoke greeter --tail\n',
  )
  expect(wrapHelp(text, 40)).toBe(text)
})
