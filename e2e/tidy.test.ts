// The house style as a test that nobody has to argue with. Each rule is one test; its failure lists
// where and what.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mappingDiagram } from '@hearth/core/event-source-mapping'
import { afterAll, describe, expect, test } from 'vitest'
import { stateDiagram } from '../packages/scheduler/src/environment-states.ts'
import { FLOORS, violations } from './house.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const RULES = ['layers', 'vendors', 'sizes', 'words', 'purity', 'prelude', 'orphans', 'declared']
const HOSTS =
  /\b(deb|security|snapshot)\.debian|registry\.npmjs|registry-1\.docker|\b(ghcr|quay)\.io\b|pypi\.org|files\.pythonhosted/
const MACHINE = /\/work\/(main|shared)\b|\/root\//
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
    expect(page).toContain(mappingDiagram())
  })

  test('names in its specification only tests that exist', () => {
    const rows = [...read('ARCHITECTURE.md').matchAll(/`((?:e2e|packages)\/[^`]+\.test\.ts)`/g)]
    expect(rows.length).toBeGreaterThan(5)
    for (const [, path = ''] of rows) expect(() => read(path), path).not.toThrow()
  })

  test('names no package host and no path of the machine that it was built on', () => {
    const files = execFileSync('git', ['ls-files'], { cwd: root }).toString().trim().split('\n')
    const guilty = files
      .filter((path) => path !== 'LICENSE' && existsSync(join(root, path)))
      .flatMap((path) =>
        read(path)
          .split('\n')
          .flatMap((text, index) =>
            HOSTS.test(text) || MACHINE.test(text)
              ? [`${path}:${index + 1}: say it in config`]
              : [],
          ),
      )
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
  const prose = '// Prose, and\n// more of it.\n'
  put(
    'packages/core/src/up.ts',
    `${prose}import { x } from '@hearth/bus/connect'\nexport const now = Date.now() + x\n`,
  )
  put(
    'packages/gateway/src/start.ts',
    `${prose}import '@hearth/scheduler'\nimport type { Redis } from 'ioredis'\n` +
      "import { y } from '../../store/src/utils.ts'\nexport const e = process.env.X ?? y\n",
  )
  put('packages/cli/src/main.ts', `${prose}import {\n  pool,\n} from '@hearth/scheduler/pool'\n`)
  put('packages/metering/src/start.ts', `${prose}await import('../../../e2e/hearth.ts')\n`)
  put(
    'packages/store/src/utils.ts',
    `export const long = ${'1 + '.repeat(50)}1\n\n\n\n// ${'FIX' + 'ME'}: it's ${'w'.repeat(100)}\n` +
      'export const freeSlots = 1\n',
  )
  put(
    'packages/bus/src/big.ts',
    `${prose}export function big({\n  a,\n}: A) {\n${'  step()\n'.repeat(60)}}\n\nclass Big {\n` +
      `  grow(a: number) {\n${'    step()\n'.repeat(60)}  }\n}\n${'\n'.repeat(400)}`,
  )
  put('packages/bus/src/small.ts', `${prose}export function small() {\n${' s()\n'.repeat(58)}}\n`)
  put('packages/bus/src/small.test.ts', "// Prose.\nimport { small } from './small.ts'\n")
  const broken = violations(bad).map((one) => `${one.rule} ${one.at}`)

  test.each([
    ['layers', 'packages/core/src/up.ts:3'],
    ['layers', 'packages/gateway/src/start.ts:3'],
    ['layers', 'packages/gateway/src/start.ts:5'],
    ['layers', 'packages/cli/src/main.ts:5'],
    ['layers', 'packages/metering/src/start.ts:3'],
    ['vendors', 'packages/gateway/src/start.ts:4'],
    ['vendors', 'packages/gateway/src/start.ts:6'],
    ['purity', 'packages/core/src/up.ts:4'],
    ['words', 'packages/store/src/utils.ts'],
    ['words', 'packages/store/src/utils.ts:5'],
    ['words', 'packages/store/src/utils.ts:6'],
    ['sizes', 'packages/store/src/utils.ts:1'],
    ['sizes', 'packages/store/src/utils.ts:5'],
    ['sizes', 'packages/bus/src/big.ts'],
    ['sizes', 'packages/bus/src/big.ts:3'],
    ['sizes', 'packages/bus/src/big.ts:69'],
    ['prelude', 'packages/store/src/utils.ts'],
    ['orphans', 'packages/bus/src/big.ts'],
    ['orphans', 'packages/bus/src/small.ts'],
    ['declared', 'packages/core/src/up.ts:3'],
    ['declared', 'packages/bus/package.json'],
  ])('breaks the rule of %s at %s', (rule, at) => {
    expect(broken).toContain(`${rule} ${at}`)
  })

  test('is not blamed for what is in order', () => {
    expect(broken).not.toContain('sizes packages/bus/src/small.ts:3')
    expect(broken.filter((one) => one.startsWith('prelude'))).toHaveLength(1)
  })
})
