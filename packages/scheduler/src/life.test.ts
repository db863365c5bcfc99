// Lives grow whatever the clock does, and one that grows is given tokens.

import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { beginLife } from './life.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hearth-life-'))
})
afterEach(() => rm(directory, { recursive: true }))

const NOON = Date.UTC(2026, 10, 26, 12)
const HOUR_MS = 3_600_000

test('a life is the time at which it begins', async () => {
  expect(await beginLife(directory, NOON)).toBe(NOON)
  expect(await beginLife(directory, NOON + 1)).toBe(NOON + 1)
  expect(await readdir(directory)).toEqual(['life'])
})

test('a clock that is set back makes no earlier life', async () => {
  await beginLife(directory, NOON)
  expect(await beginLife(directory, NOON - HOUR_MS)).toBe(NOON + 1)
  expect(await beginLife(directory, NOON - HOUR_MS)).toBe(NOON + 2)
  expect(await beginLife(directory, NOON + HOUR_MS)).toBe(NOON + HOUR_MS)
})

test('what a power cut left of the file keeps nobody from starting', async () => {
  await writeFile(join(directory, 'life'), '')
  expect(await beginLife(directory, NOON)).toBe(NOON)
})
