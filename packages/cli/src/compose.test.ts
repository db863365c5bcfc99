// Laws of deploy/compose.yaml: what README.md says can be set is passed on to Hearth, and the API
// is not offered to others with keys that everybody knows.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test, vi } from 'vitest'
import { upPublish } from './settings.ts'

const read = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8')

/** The command's own, and what compose.yaml lays down: where its servers are, who has a role. */
const NOT_ITS_OWN = [
  'HEARTH_CLAIMS_ADVERTISE',
  'HEARTH_CLAIMS_HOST',
  'HEARTH_DATA_DIR',
  'HEARTH_HOST',
  'HEARTH_NATS_MONITOR_URL',
  'HEARTH_NATS_URL',
  'HEARTH_REGISTRY',
  'HEARTH_ROLES',
  'HEARTH_SCHEDULER_ID',
  'HEARTH_VALKEY_URL',
]

/** Of tests, of compose.yaml, or told by the end of its name. */
const NOT_TOLD = [
  'HEARTH_ALLOW_UNSAFE_NATS',
  'HEARTH_FUNCTION_SECRET_ACCESS_KEY',
  'HEARTH_FUNCTION_SESSION_TOKEN',
  'HEARTH_OWNER',
]

test('every variable of README.md reaches Hearth under `make up`', () => {
  const [, table = ''] = read('README.md').split('\n## Configure it\n')
  const names = table
    .split('\n')
    .filter((line) => line.startsWith('| `HEARTH_'))
    .flatMap((line) => line.split('|')[1]?.match(/HEARTH_[A-Z_]+/g) ?? [])
  expect(names.length).toBeGreaterThan(30)
  const compose = read('deploy/compose.yaml')
  const passed = (name: string) =>
    compose.includes(`\${${name}:-`) || compose.includes(`\n      ${name}:\n`)
  expect(names.filter((name) => !passed(name)).sort()).toEqual(NOT_ITS_OWN)
})

test('Hearth starts when NATS has its store, and has time to finish what it accepted', () => {
  const compose = read('deploy/compose.yaml')
  expect(compose).toContain('nats: { condition: service_healthy }')
  const [, hearth = ''] = compose.split('\n  hearth:\n')
  const graceMs = Number(/stop_grace_period: (\d+)s/.exec(hearth)?.[1]) * 1000
  const msOf = (path: string, pattern: RegExp) => {
    const digits = pattern.exec(read(`packages/${path}`))?.[1]?.replaceAll('_', '')
    return Number(digits)
  }
  const takenMs =
    msOf('scheduler/src/start.ts', /DRAIN_MS_MAX = ([\d_]+)/) +
    msOf('scheduler/src/start.ts', /END_MS_MAX = ([\d_]+)/) +
    msOf('bus/src/connect.ts', /AWAY_MS_MAX = ([\d_]+)/) +
    msOf('bus/src/connect.ts', /DRAIN_MS_MAX = ([\d_]+)/) +
    msOf('gateway/src/start.ts', /closeAllConnections\(\), ([\d_]+)\)/)
  expect(takenMs).toBeGreaterThan(0)
  expect(graceMs).toBeGreaterThan(takenMs)
})

test('all of it comes back when an engine that was killed does', () => {
  // That engine stops what ran first, and would take `unless-stopped` for stopped by a person.
  const compose = read('deploy/compose.yaml')
  const services = compose.match(/^ {4}image: /gm) ?? []
  expect(services.length).toBeGreaterThan(2)
  expect(compose.match(/^ {4}restart: always$/gm)).toHaveLength(services.length)
})

afterEach(() => {
  vi.unstubAllEnvs()
})

test('the API is on loopback, and elsewhere only with keys of the operator', () => {
  vi.stubEnv('HEARTH_PUBLISH', '')
  vi.stubEnv('HEARTH_ACCESS_KEYS', '')
  expect(upPublish()).toBe('127.0.0.1')
  vi.stubEnv('HEARTH_PUBLISH', '0.0.0.0')
  expect(upPublish).toThrow('HEARTH_ACCESS_KEYS=<id>:<secret>')
  vi.stubEnv('HEARTH_ACCESS_KEYS', 'mine:kept')
  expect(upPublish()).toBe('0.0.0.0')
  vi.stubEnv('HEARTH_PUBLISH', '10.1.2.3')
  expect(upPublish).toThrow('must be 127.0.0.1 or 0.0.0.0')
})

test('README.md tells of every variable that the server reads', () => {
  const server = read('packages/cli/src/config.ts').matchAll(/^ {2}(HEARTH_[A-Z_]+):/gm)
  const readme = read('README.md')
  const untold = [...server].map(([, name = '']) => name).filter((name) => !readme.includes(name))
  expect(untold.sort()).toEqual(NOT_TOLD)
})
