// The house style as a test that nobody has to argue with. Each rule is one test; its failure lists
// where and what.

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { stateDiagram } from '../packages/scheduler/src/environment-states.ts'
import { FLOORS, violations } from './house.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const RULES = ['layers', 'vendors', 'sizes', 'words', 'purity', 'prelude', 'orphans', 'declared']
const read = (path: string) => readFileSync(join(root, path), 'utf8')

describe('this house', () => {
  const found = violations(root)
  test.each(RULES)('keeps the rule of %s', (rule) => {
    const broken = found.filter((one) => one.rule === rule).map(({ at, what }) => `${at}: ${what}`)
    expect(broken).toEqual([])
  })

  test('has a page for each package, of at most thirty lines', () => {
    for (const name of Object.keys(FLOORS)) {
      expect(read(`packages/${name}/README.md`).split('\n').length, name).toBeLessThanOrEqual(31)
    }
  })

  test('decides in entries of at most twelve lines', () => {
    const entries = read('DECISIONS.md').split(/^## /m).slice(1)
    expect(entries.length).toBeGreaterThan(0)
    for (const entry of entries) {
      const lines = entry.trim().split('\n').length
      expect(lines, entry.split('\n')[0]).toBeLessThanOrEqual(12)
    }
  })

  test('draws its states as they are', () => {
    const page = read('ARCHITECTURE.md')
    expect(page.split('\n').length).toBeLessThanOrEqual(301)
    expect(page).toContain(stateDiagram())
  })

  test('names in its specification only tests that exist', () => {
    const rows = [...read('ARCHITECTURE.md').matchAll(/`((?:e2e|packages)\/[^`]+\.test\.ts)`/g)]
    expect(rows.length).toBeGreaterThan(5)
    for (const [, path = ''] of rows) expect(() => read(path), path).not.toThrow()
  })

  test('names no package host and no path of the machine that it was built on', () => {
    const files = execFileSync('git', ['ls-files'], { cwd: root }).toString().trim().split('\n')
    const bad = new RegExp(
      ['deb\\.deb' + 'ian\\.org', 'registry\\.npm' + 'js', '/wo' + 'rk/', 'snapshot\\.deb'].join(
        '|',
      ),
    )
    const guilty = files.filter((path) => !path.endsWith('LICENSE') && bad.test(read(path)))
    expect(guilty).toEqual([])
  })
})

describe('a house that is not tidy', () => {
  const bad = mkdtempSync(join(tmpdir(), 'untidy-'))
  afterAll(() => rmSync(bad, { recursive: true }))
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(bad, path)), { recursive: true })
    writeFileSync(join(bad, path), text)
  }
  for (const name of Object.keys(FLOORS)) {
    put(`packages/${name}/package.json`, JSON.stringify({ dependencies: { '@hearth/core': '*' } }))
  }
  put(
    'packages/core/src/up.ts',
    "// Prose.\nimport { x } from '@hearth/bus/connect'\nexport const now = Date.now() + x\n",
  )
  put(
    'packages/gateway/src/start.ts',
    "// Prose.\nimport '@hearth/scheduler'\nimport { Redis } from 'ioredis'\nexport const e = process.env.X ?? Redis\n",
  )
  put(
    'packages/store/src/utils.ts',
    `export const long = ${'1 + '.repeat(50)}1\n\n\n\nconst y = '${'FIX' + 'ME'}'\n`,
  )
  put(
    'packages/bus/src/big.ts',
    `// Prose.\nexport function big() {\n${'  step()\n'.repeat(70)}}\n${'\n'.repeat(400)}`,
  )

  test.each([
    ['layers', 'packages/core/src/up.ts:2'],
    ['layers', 'packages/gateway/src/start.ts:2'],
    ['vendors', 'packages/gateway/src/start.ts:3'],
    ['vendors', 'packages/gateway/src/start.ts:4'],
    ['purity', 'packages/core/src/up.ts:3'],
    ['words', 'packages/store/src/utils.ts'],
    ['words', 'packages/store/src/utils.ts:5'],
    ['sizes', 'packages/store/src/utils.ts:1'],
    ['sizes', 'packages/bus/src/big.ts'],
    ['prelude', 'packages/store/src/utils.ts'],
    ['orphans', 'packages/bus/src/big.ts'],
    ['declared', 'packages/core/src/up.ts:2'],
  ])('breaks the rule of %s at %s', (rule, at) => {
    expect(violations(bad).map((one) => `${one.rule} ${one.at}`)).toContain(`${rule} ${at}`)
  })
})
