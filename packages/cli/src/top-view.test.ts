// What `hearth top` shows: it fits the terminal, adds up what several schedulers hold, and puts
// first what was asked for.

import type { FunctionCensus, SchedulerCensus } from '@hearth/bus/messages'
import { expect, test } from 'vitest'
import { mergeFunctions, renderEnvironments, renderStarts, sortFunctions } from './top-view.ts'

const of = (functionName: string, changes: Partial<FunctionCensus> = {}): FunctionCensus => ({
  account: '000000000000',
  functionName,
  version: '$LATEST',
  states: {},
  waiting: 0,
  running: 0,
  memoryMb: 0,
  ...changes,
})
const scheduler = (schedulerId: string, ...functions: FunctionCensus[]): SchedulerCensus => ({
  schedulerId,
  memoryMb: 4096,
  memoryMbFree: 512,
  functions,
  stems: [{ kind: 'hearth/nodejs24.x 128', state: 'Parked', count: 2 }],
  starts: [
    { start: 'warm', count: 20 },
    { start: 'stem', coldReason: 'first invocation', count: 1 },
  ],
})
const busy = of('busy', {
  running: 2,
  waiting: 1,
  states: { Busy: 2, Settling: 1, Initialising: 1, Frozen: 1 },
  memoryMb: 640,
})

test('a screen of eighty columns', () => {
  const long = of('a-function-with-a-very-long-name', { version: '12', memoryMb: 2048 })
  const found = { schedulers: [scheduler('one', long, busy)], silent: ['two'] }
  const lines = renderEnvironments(found, 'running', 80)
  expect(lines).toEqual([
    'scheduler   running   environments   memory free',
    'one               2              5   512 MB of 4.0 GB',
    'two does not answer; its environments are missing here.',
    '',
    'stems: nodejs24.x 128 2 parked',
    'started in the last minute: 20 warm',
    '                            1 stem: first invocation (1)',
    '',
    'function             running   waiting   starting   ready   frozen   memory',
    'busy                       2         1          1       1        1    640 MB'.slice(0, 80),
    'a-function-with-a…         0         0          0       0        0    2.0 GB',
  ])
  for (const line of renderEnvironments(found, 'running', 40)) {
    expect(line.length).toBeLessThanOrEqual(40)
  }
  expect(renderEnvironments(found, 'running').join('\n')).toContain(
    'a-function-with-a-very-long-name:12 ',
  )
})

test('an empty house says so', () => {
  const text = (schedulers: SchedulerCensus[]) =>
    renderEnvironments({ schedulers, silent: [] }, 'running').join('\n')
  expect(text([])).toContain('No scheduler is alive')
  const idle = { ...scheduler('one'), stems: [], starts: [] }
  expect(text([idle])).toContain('stems: none\nstarted in the last minute: none\n')
  expect(text([idle])).toContain('No function has an execution environment.')
})

test('a version on several schedulers is one row', () => {
  const there = of('busy', { running: 1, states: { Busy: 1 }, memoryMb: 128 })
  const other = of('busy', { version: '2', running: 1 })
  const found = { schedulers: [scheduler('one', busy), scheduler('two', other, there)], silent: [] }
  expect(mergeFunctions(found)).toEqual([
    { ...busy, running: 3, memoryMb: 768, states: { ...busy.states, Busy: 3 } },
    other,
  ])
  expect(busy.running).toBe(2)
})

test('what is asked for comes first, then running, memory and name', () => {
  const all = [
    of('c', { memoryMb: 512, states: { Frozen: 4 } }),
    of('a', { memoryMb: 512, waiting: 3 }),
    of('b', { running: 1, memoryMb: 128, states: { Busy: 1 } }),
    of('a', { version: '10' }),
    of('a', { version: '9' }),
  ]
  const order = (sort: Parameters<typeof sortFunctions>[1]) =>
    sortFunctions(all, sort)
      .map(({ functionName, version }) => functionName + version.replace('$LATEST', ''))
      .join(' ')
  expect(order('running')).toBe('b a c a9 a10')
  expect(order('memory')).toBe('a c b a9 a10')
  expect(order('waiting')).toBe('a b c a9 a10')
  expect(order('environments')).toBe('c b a a9 a10')
  expect(order('name')).toBe('a a9 a10 b c')
})

test('reasons stand with the starts that they explain, most frequent first', () => {
  expect(
    renderStarts([
      { start: 'stem', coldReason: 'first invocation', count: 1 },
      { start: 'cold', coldReason: 'evicted for memory', count: 4 },
      { start: 'stem', coldReason: 'all environments busy', count: 2 },
      { start: 'stem', coldReason: 'first invocation', count: 3 },
      { start: 'provisioned', count: 5 },
    ]).map((line) => line.replace(/^.*?(?=\d)/, '')),
  ).toEqual([
    '6 stem: first invocation (4), all environments busy (2)',
    '5 provisioned',
    '4 cold: evicted for memory (4)',
  ])
})
