// A tree of sources, and every house rule that it breaks. tidy.test.ts points it at this
// repository and at a tree with planted faults, so that the rules themselves are tested.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { declared, layers, orphans, vendors } from './house-imports.ts'
import { prelude, purity, sizes, words } from './house-text.ts'

/** Floors of STYLE: an import goes strictly down, or stays inside its package. */
export const FLOORS: Readonly<Record<string, number>> = {
  core: 0,
  bus: 1,
  leases: 1,
  store: 2,
  invocation: 3,
  gateway: 4,
  scheduler: 4,
  poller: 4,
  metering: 4,
  cli: 5,
}
export const SERVICES_FLOOR = 4

export interface Violation {
  rule: string
  /** `path:line`, or a path where the whole file is meant. */
  at: string
  /** What is wrong, and the mend. */
  what: string
}

export interface Import {
  specifier: string
  line: number
  typeOnly: boolean
}

export interface Source {
  /** Relative to the root, with forward slashes. */
  path: string
  lines: string[]
  imports: Import[]
}

/** A contract is the part of a test that several implementations share. */
export const isTest = (path: string) => /\.(test|contract)\./.test(path)
export const packageOf = (path: string) => /^packages\/([^/]+)\//.exec(path)?.[1]

/** Every rule that a tree breaks. */
export function violations(root: string): Violation[] {
  const sources = readSources(root)
  return [
    ...sources.flatMap((source) => [
      ...layers(source),
      ...vendors(source),
      ...sizes(source),
      ...words(source),
      ...purity(source),
      ...prelude(source),
    ]),
    ...orphans(sources),
    ...declared(sources, (name) => manifestOf(root, name)),
  ]
}

export function readSources(root: string): Source[] {
  return ['packages', 'e2e', 'images']
    .flatMap((folder) => walk(join(root, folder)))
    .filter((path) => /\.(ts|cjs|mjs|py|rb|java|cs|c)$/.test(path))
    .map((path) => {
      const text = readFileSync(path, 'utf8')
      return { path: relative(root, path), lines: text.split('\n'), imports: importsOf(text) }
    })
}

function walk(folder: string): string[] {
  const entries = statSync(folder, { throwIfNoEntry: false })
    ? readdirSync(folder, { withFileTypes: true })
    : []
  return entries.flatMap((entry) => {
    if (entry.name === 'node_modules') return []
    const path = join(folder, entry.name)
    return entry.isDirectory() ? walk(path) : [path]
  })
}

/** Static imports and re-exports start a line; dynamic ones may stand anywhere. */
const IMPORTS = [
  /^import\s+(?<type>type\s)?(?:[\w*{}\s,$]+?\s+from\s+)?['"](?<specifier>[^'"]+)['"]/gm,
  /^export\s+(?<type>type\s+)?(?:\*(?:\s+as\s+\w+)?|\{[^}]*\})\s*from\s+['"](?<specifier>[^'"]+)['"]/gm,
  /(?<type>typeof\s+)?\bimport\(\s*['"](?<specifier>[^'"]+)['"]/g,
]

function importsOf(text: string): Import[] {
  return IMPORTS.flatMap((pattern) =>
    [...text.matchAll(pattern)].map(({ index, 0: whole, groups = {} }) => ({
      specifier: groups.specifier ?? '',
      line: text.slice(0, index + whole.length).split('\n').length,
      typeOnly: groups.type !== undefined,
    })),
  )
}

function manifestOf(root: string, name: string): { dependencies?: Record<string, string> } {
  return JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'))
}

/** The path that a relative import means. */
export const target = (path: string, specifier: string) => join(dirname(path), specifier)
