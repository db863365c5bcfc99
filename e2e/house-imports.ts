// The house rules about who may know whom: floors, one home for each vendor, nothing undeclared,
// nothing declared in vain, and no file that only its own test knows.

import {
  FLOORS,
  isTest,
  packageOf,
  SERVICES_FLOOR,
  type Source,
  target,
  type Violation,
} from './house.ts'

/** Each role names and owns its metrics (metrics.ts, metrics-*.ts); serve.ts only joins the texts. */
const metricsOf = (name: string) => `packages/${name}/src/metrics`

/** Where each vendor may be imported: path prefixes. `types` may be named elsewhere, too. */
const HOMES: readonly { vendor: RegExp; homes: string[]; types?: true }[] = [
  { vendor: /^ioredis$/, homes: ['packages/leases/', 'packages/poller/src/sources/redis'] },
  { vendor: /^@nats-io\//, homes: ['packages/bus/', 'packages/poller/src/sources/jetstream'] },
  { vendor: /^@opentelemetry\//, homes: ['packages/bus/src/traces'] },
  { vendor: /^dockerode$/, homes: ['packages/scheduler/src/drivers/docker'] },
  { vendor: /^(hono|@hono\/.*)$/, homes: ['packages/gateway/', 'e2e/'] },
  { vendor: /^@platformatic\//, homes: ['packages/poller/src/sources/kafka', 'e2e/'] },
  { vendor: /^croner$/, homes: ['packages/gateway/src/schedule.ts'] },
  {
    vendor: /^prom-client$/,
    homes: ['cli', 'gateway', 'metering', 'poller', 'scheduler'].map(metricsOf),
  },
  {
    vendor: /^@aws-sdk\//,
    homes: [
      ...['packages/gateway/src/contract', 'packages/gateway/src/objects', 'packages/cli/', 'e2e/'],
      ...['packages/poller/src/sources/', 'packages/poller/src/destinations/'],
    ],
    types: true,
  },
]
const ENVIRONMENT = /\bprocess(\.env|\[['"]env)\b|\benv\b[^']*\} from 'node:process'/
const ENVIRONMENT_HOMES = ['packages/cli/src/config.ts', 'packages/cli/src/settings.ts']

export function layers({ path, imports }: Source): Violation[] {
  const own = packageOf(path)
  if (own === undefined) return []
  return imports.flatMap(({ specifier, line }) => {
    const at = { rule: 'layers', at: `${path}:${line}` }
    const [, hearth, inner] = /^@hearth\/([^/]+)(\/.+)?$/.exec(specifier) ?? []
    const other = specifier.startsWith('.') ? packageOf(target(path, specifier)) : hearth
    if (other === own && hearth === undefined) return []
    if (other === undefined) {
      // Service tests start real servers with e2e/servers.ts; nothing else looks outside.
      return specifier.startsWith('.') && !isTest(path)
        ? [{ ...at, what: 'leaves packages/; move it inside' }]
        : []
    }
    const floor = FLOORS[other] ?? SERVICES_FLOOR
    if (floor >= (FLOORS[own] ?? -1)) {
      return [{ ...at, what: `${own} may not import ${other}; only a lower floor` }]
    }
    if (hearth === undefined) return [{ ...at, what: `say @hearth/${other}, not a path to it` }]
    return inner !== undefined && floor === SERVICES_FLOOR
      ? [{ ...at, what: `${other} is a service: only its start.ts, as @hearth/${other}` }]
      : []
  })
}

export function vendors({ path, lines, imports }: Source): Violation[] {
  const strays = imports.flatMap(({ specifier, line, typeOnly }) => {
    const known = HOMES.find(({ vendor }) => vendor.test(specifier))
    if (!known || (typeOnly && known.types)) return []
    return known.homes.some((prefix) => path.startsWith(prefix))
      ? []
      : [
          {
            rule: 'vendors',
            at: `${path}:${line}`,
            what: `${specifier} lives in ${known.homes.join(', ')}; ask through that`,
          },
        ]
  })
  const free = !path.startsWith('packages/') || isTest(path) || ENVIRONMENT_HOMES.includes(path)
  if (free) return strays
  const read = lines.flatMap((text, index) =>
    ENVIRONMENT.test(text) && !/^\s*(\/\/|\*)/.test(text)
      ? [
          {
            rule: 'vendors',
            at: `${path}:${index + 1}`,
            what: 'the environment is read in cli/config.ts and settings.ts; take an argument',
          },
        ]
      : [],
  )
  return [...strays, ...read]
}

/** What starts by itself: roles, programs, tests, what vitest.config.ts names, and what is copied
 * into images or functions.
 */
const ENTRIES =
  /\/(start|main|unpack)\.ts$|\.test\.ts$|^e2e\/((prepare|engine-watch)\.ts|bench\/|functions\/)|\/scripts\/|^images\//
/** What exists for tests alone, and says so by its name or in its opening comment. */
const isForTests = ({ path, lines }: Source) =>
  /^e2e\/|-harness\.ts$|\.contract\.ts$|\/fake\.ts$/.test(path) ||
  /\bfor tests\b/.test(lines.slice(0, 4).join(' '))

/** Files that nobody imports and that are no entry; a file that only tests know is dead, too. */
export function orphans(sources: Source[]): Violation[] {
  const wantedBy = (readers: Source[]) =>
    new Set(
      readers.flatMap(({ path, imports }) =>
        imports.map(({ specifier }) => {
          if (specifier.startsWith('.')) return target(path, specifier)
          const [, own, noun] = /^@hearth\/([^/]+)\/(.+)$/.exec(specifier) ?? []
          return own ? `packages/${own}/src/${noun}.ts` : specifier
        }),
      ),
    )
  const byAll = wantedBy(sources)
  const byProduct = wantedBy(
    sources.filter((source) => !isTest(source.path) && !isForTests(source)),
  )
  return sources
    .filter(({ path }) => path.endsWith('.ts') && !ENTRIES.test(path))
    .filter((source) => !(isForTests(source) ? byAll : byProduct).has(source.path))
    .map(({ path }) => ({
      rule: 'orphans',
      at: path,
      what: byAll.has(path) ? 'only tests import it; delete both' : 'nobody imports it; delete it',
    }))
}

/** What is imported is declared beside the code that needs it, and the other way round. */
export function declared(
  sources: Source[],
  manifestOf: (name: string) => { dependencies?: Record<string, string> },
): Violation[] {
  return Object.keys(FLOORS).flatMap((own) => {
    const mine = sources.filter(({ path }) => packageOf(path) === own && !isTest(path))
    if (mine.length === 0) return []
    const dependencies = Object.keys(manifestOf(own).dependencies ?? {})
    const needed = mine.flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier }) => !/^(\.|node:)/.test(specifier))
        .map(({ specifier, line }) => ({ at: `${path}:${line}`, name: nameOf(specifier) })),
    )
    const missing = needed
      .filter(({ name }) => !dependencies.includes(name))
      .map(({ at, name }) => ({ at, what: `${name} is not in its package.json; declare it` }))
    const unused = dependencies
      .filter((name) => !needed.some((one) => one.name === name))
      .map((name) => ({
        at: `packages/${own}/package.json`,
        what: `${name} is declared and nobody imports it; remove it`,
      }))
    return [...missing, ...unused].map((one) => ({ rule: 'declared', ...one }))
  })
}

/** `@scope/name/inner` is a file of the package `@scope/name`. */
const nameOf = (specifier: string) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
