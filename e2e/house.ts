// The house rules as data: which floor each package is on, which vendor lives where, and the words
// that no path may have. tidy.test.ts applies them; `violations` can be pointed at any tree, so
// that the rules themselves are tested.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

/** Floors of STYLE: an import goes strictly down, or stays inside its package. */
export const FLOORS: Readonly<Record<string, number>> = {
  core: 0,
  bus: 1,
  leases: 1,
  store: 2,
  invocation: 3,
  gateway: 4,
  scheduler: 4,
  metering: 4,
  cli: 5,
}

/** Where each vendor may be imported: path prefixes. */
const HOMES: readonly [RegExp, string[]][] = [
  [/^ioredis$/, ['packages/leases/']],
  [/^@nats-io\//, ['packages/bus/']],
  [/^dockerode$/, ['packages/scheduler/src/drivers/docker.ts']],
  [/^(hono|@hono\/.*)$/, ['packages/gateway/', 'e2e/']],
  [/^@aws-sdk\//, ['packages/gateway/', 'packages/cli/', 'e2e/']],
]

const ENVIRONMENT_HOMES = ['packages/cli/src/config.ts', 'packages/cli/src/settings.ts', 'e2e/']
const BANNED_WORDS = /(^|[/.-])(common|shared|utils?|helpers?|misc|types|manager|impl|v2)([/.-]|$)/
const UNFINISHED = new RegExp(
  ['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', '\\.on' + 'ly\\(', '\\.sk' + 'ip\\('].join('|'),
)
const FILE_LINES_MAX = 400
const LINE_LENGTH_MAX = 100
/** Literal texts and patterns are not cut; the formatter cuts everything else. */
const UNBREAKABLE = /['"`]|= \/|^\s+\//
const FUNCTION_LINES_MAX = 60
const PRELUDE_LINES_MIN = 1
/** What core may not touch, being pure. */
const IMPURE =
  /\b(Date\.now|Math\.random|performance\.|crypto\.|setTimeout|setInterval|fetch\()|from 'node:/

export interface Violation {
  rule: string
  at: string
  what: string
}

interface Source {
  /** Relative to the root, with forward slashes. */
  path: string
  text: string
  lines: string[]
  imports: { specifier: string; line: number; typeOnly: boolean }[]
}

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
    ...undeclared(root, sources),
  ]
}

export function readSources(root: string): Source[] {
  return ['packages', 'e2e', 'images']
    .flatMap((folder) => walk(join(root, folder)))
    .filter((path) => /\.(ts|cjs|mjs|py|c)$/.test(path))
    .map((path) => {
      const text = readFileSync(path, 'utf8')
      const lines = text.split('\n')
      return { path: relative(root, path), text, lines, imports: importsOf(lines) }
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

function importsOf(lines: string[]): Source['imports'] {
  return lines.flatMap((text, index) => {
    const specifier = /^(?:import|export|\}|.*\bimport\()\s*(?:.*\bfrom\s+)?'([^']+)'/.exec(
      text,
    )?.[1]
    if (specifier === undefined) return []
    let start = index
    while (start > 0 && !/^\s*(import|export|const|await)\b/.test(lines[start] ?? '')) start -= 1
    return [
      {
        specifier,
        line: index + 1,
        typeOnly: /^\s*(import|export) type\b/.test(lines[start] ?? ''),
      },
    ]
  })
}

const packageOf = (path: string) => /^packages\/([^/]+)\//.exec(path)?.[1]

function layers({ path, imports }: Source): Violation[] {
  const own = packageOf(path)
  if (own === undefined) return []
  return imports.flatMap(({ specifier, line }) => {
    const other = specifier.startsWith('.')
      ? packageOf(join(dirname(path), specifier))
      : /^@hearth\/([^/]+)/.exec(specifier)?.[1]
    if (other === undefined || other === own) return []
    const down = (FLOORS[other] ?? 9) < (FLOORS[own] ?? -1)
    return down
      ? []
      : [{ rule: 'layers', at: `${path}:${line}`, what: `${own} may not import ${other}` }]
  })
}

function vendors({ path, lines, imports }: Source): Violation[] {
  const strays = imports
    .filter(({ specifier, typeOnly }) => {
      const home = HOMES.find(([vendor]) => vendor.test(specifier))?.[1]
      return home && !typeOnly && !home.some((prefix) => path.startsWith(prefix))
    })
    .map(({ specifier, line }) => ({
      rule: 'vendors',
      at: `${path}:${line}`,
      what: `${specifier} has another home`,
    }))
  const environment = ENVIRONMENT_HOMES.some((prefix) => path.startsWith(prefix))
  if (environment || !path.startsWith('packages/')) return strays
  return [
    ...strays,
    ...find(lines, /process\.env\b/, {
      path,
      rule: 'vendors',
      what: 'the environment is read in config.ts and settings.ts',
    }),
  ]
}

function sizes({ path, lines }: Source): Violation[] {
  if (path.includes('.data.')) return []
  const long = lines.flatMap((text, index) =>
    text.length > LINE_LENGTH_MAX && !UNBREAKABLE.test(text) && !path.includes('.test.')
      ? [{ rule: 'sizes', at: `${path}:${index + 1}`, what: `a line of ${text.length} characters` }]
      : [],
  )
  if (lines.length <= FILE_LINES_MAX + 1) return [...long, ...longFunctions(path, lines)]
  return [...long, { rule: 'sizes', at: path, what: `${lines.length} lines; split it by noun` }]
}

/** From a line that opens a function to the line that closes it at the same depth. */
function longFunctions(path: string, lines: string[]): Violation[] {
  if (!path.endsWith('.ts') || path.includes('.test.')) return []
  return lines.flatMap((text, index) => {
    const indent = /^( *)(?:export )?(?:async )?function\b/.exec(text)?.[1]
    if (indent === undefined) return []
    const end = lines.findIndex((line, at) => at > index && line.startsWith(`${indent}}`))
    const length = end - index + 1
    return length > FUNCTION_LINES_MAX
      ? [{ rule: 'sizes', at: `${path}:${index + 1}`, what: `a function of ${length} lines` }]
      : []
  })
}

function words({ path, lines }: Source): Violation[] {
  const banned = BANNED_WORDS.test(path)
    ? [{ rule: 'words', at: path, what: 'say what it is: this word says nothing' }]
    : []
  return [...banned, ...find(lines, UNFINISHED, { path, rule: 'words', what: 'unfinished work' })]
}

function purity({ path, lines }: Source): Violation[] {
  if (!path.startsWith('packages/core/src/') || path.includes('.test.')) return []
  return find(lines, IMPURE, { path, rule: 'purity', what: 'core is pure' })
}

function prelude({ path, lines }: Source): Violation[] {
  const first = lines.slice(0, 4).findIndex((text) => /^(\/\/|\/\*|"""|# )/.test(text))
  const body = lines.slice(Math.max(first, 0), first + 6).filter((text) => text.trim() !== '')
  return first >= 0 && body.length >= PRELUDE_LINES_MIN
    ? []
    : [
        {
          rule: 'prelude',
          at: path,
          what: 'open with prose: what it is, and what it must never do',
        },
      ]
}

function find(
  lines: string[],
  pattern: RegExp,
  as: { path: string; rule: string; what: string },
): Violation[] {
  return lines.flatMap((text, index) =>
    pattern.test(text) && !/^\s*(\/\/|\*)/.test(text)
      ? [
          {
            rule: as.rule,
            at: `${as.path}:${index + 1}`,
            what: `${as.what}: ${text.trim().slice(0, 60)}`,
          },
        ]
      : [],
  )
}

const ENTRIES =
  /(start|main|unpack)\.ts$|\.test\.ts$|^e2e\/(prepare\.ts|bench\/|functions\/)|scripts\/|^images\//

/** Files that nobody imports and that are no entry. */
function orphans(sources: Source[]): Violation[] {
  const wanted = new Set(
    sources.flatMap(({ path, imports }) =>
      imports.map(({ specifier }) => {
        if (specifier.startsWith('.')) return join(dirname(path), specifier)
        const [, own, noun] = /^@hearth\/([^/]+)\/(.+)$/.exec(specifier) ?? []
        return own ? `packages/${own}/src/${noun}.ts` : specifier
      }),
    ),
  )
  return sources
    .filter(({ path }) => path.endsWith('.ts') && !ENTRIES.test(path) && !wanted.has(path))
    .map(({ path }) => ({ rule: 'orphans', at: path, what: 'nobody imports it' }))
}

/** Packages that are imported but not declared beside the code that needs them. */
function undeclared(root: string, sources: Source[]): Violation[] {
  return sources.flatMap(({ path, imports }) => {
    const own = packageOf(path)
    if (own === undefined || path.includes('.test.')) return []
    const manifest = JSON.parse(
      readFileSync(resolve(root, 'packages', own, 'package.json'), 'utf8'),
    )
    const declared = new Set(Object.keys(manifest.dependencies ?? {}))
    return imports.flatMap(({ specifier, line, typeOnly }) => {
      if (/^(\.|node:)/.test(specifier) || typeOnly) return []
      const name = specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/')
      return declared.has(name)
        ? []
        : [{ rule: 'declared', at: `${path}:${line}`, what: `${name} is not in its package.json` }]
    })
  })
}
