// Chores are done again, also after one that failed, and never twice at a time; what anybody may
// still want is kept.

import type { FunctionDocument } from '@hearth/core/function'
import type { LayerDocument } from '@hearth/core/layer'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startUpkeep, wantedCode } from './upkeep.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('a chore is done at once and after each while, until it is closed', async () => {
  const work = vi.fn(async () => {})
  const upkeep = startUpkeep({ work, everyMs: 1_000, problem: '' }, () => {})
  expect(work).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(2_500)
  expect(work).toHaveBeenCalledTimes(3)
  upkeep.close()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(work).toHaveBeenCalledTimes(3)
})

test('one that fails is told of, and one that takes long is waited for', async () => {
  const problems: string[] = []
  const turns = [
    () => Promise.reject(new Error('the disk')),
    () => new Promise((resolve) => setTimeout(resolve, 2_500)),
  ]
  const work = vi.fn(async () => turns.shift()?.())
  const chore = { work, everyMs: 1_000, problem: 'it waits' }
  const upkeep = startUpkeep(chore, (problem) => problems.push(problem))
  await vi.advanceTimersByTimeAsync(3_400)
  expect(problems).toEqual(['it waits: Error: the disk'])
  expect(work).toHaveBeenCalledTimes(2)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(work).toHaveBeenCalledTimes(3)
  upkeep.close()
})

test('code is wanted by versions, by the layers that they use, and by layers', () => {
  const code = (sha256: string) => ({ code: { sha256, size: 1 } })
  const version = (sha256: string, ...layers: string[]) => ({
    ...code(sha256),
    configuration: { layers: layers.map((one) => ({ arn: one, ...code(one) })) },
  })
  const functions = [
    { latest: version('a', 'x', 'gone'), published: [version('b'), version('a')] },
  ] as unknown as FunctionDocument[]
  const layers = [{ versions: [code('x'), code('y')] }] as unknown as LayerDocument[]
  expect([...wantedCode(functions, layers)].sort()).toEqual(['a', 'b', 'gone', 'x', 'y'])
})
