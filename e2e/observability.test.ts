// What an operator looks at, on trial: a real Prometheus scrapes a Hearth in which everything
// happens, by the configuration and the rules that are shipped; no panel of any dashboard may be
// empty, no rule may fail, and promtool finds no fault.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DASHBOARDS } from '../packages/cli/scripts/dashboards.ts'
import { eventually, type Hearth, http, startHearth } from './hearth.ts'
import { enliven, type Lively, surroundings } from './lively.ts'
import { startMoto } from './neighbours.ts'
import { type Prometheus, promtool, promtoolOn, SHIPPED, startPrometheus } from './prometheus.ts'
import type { Server } from './servers.ts'

/** What shows zero where nothing is wrong, or for all but moments. */
const MAY_BE_ZERO: readonly string[] = [
  'Cost: Ledger not yet counted, segments',
  'Cost: It costs here, here',
  'Cost: Here and at AWS, it costs here',
  'Overview: Concurrency, waiting for an environment',
  'Cold starts: Invocations that wait for an environment, waiting',
  'Event sources and queues: Loops stopped, dropped',
  'Event sources and queues: Deliveries in hand, in hand',
  'Event sources and queues: Refusals, {{function}} from {{source}}',
  'Event sources and queues: Iterator age, {{function}} from {{source}}',
  'Event sources and queues: Backlog, {{function}} from {{source}}',
]

const RULES = ['rules/recording.yml', 'rules/alerts.yml']

let moto: Server
let hearth: Hearth
let lively: Lively
let prometheus: Prometheus
beforeAll(async () => {
  moto = await startMoto()
  hearth = await startHearth({ env: surroundings(moto.url) })
  const metrics = new URL(addressOf(hearth))
  prometheus = await startPrometheus(metrics.host)
  lively = await enliven(hearth, moto.url)
})
afterAll(async () => {
  await prometheus?.stop()
  await hearth?.stop()
  await moto?.stop()
})

const addressOf = ({ main }: Hearth) => /^Metrics on (\S+)$/m.exec(main.output())?.[1] ?? ''

/** Every query of every panel: under which name, and what it asks. */
const queries = DASHBOARDS.flatMap(({ title: dashboard, rows }) =>
  rows
    .flatMap(({ panels }) => panels)
    .flatMap(({ title, queries: asked }) => {
      const panel = `${dashboard}: ${title}`
      return asked.map(([expression, legend]) => ({
        panel,
        name: `${panel}, ${legend}`,
        expression,
      }))
    }),
)

interface Series {
  metric: Record<string, string>
  values: [number, string][]
}

/** What Grafana would draw of the last half minute. */
async function shown(expression: string): Promise<number[]> {
  const query = expression
    .replaceAll(/\$(function|version)\b/g, '.*')
    .replaceAll('$__rate_interval', '20s')
  const end = Date.now() / 1000
  const range = { start: String(end - 30), end: String(end), step: '1' }
  const { result } = await prometheus.ask<{ result: Series[] }>('query_range', { query, ...range })
  const values = result.flatMap((one) => one.values.map(([, text]) => Number(text)))
  return values.filter(Number.isFinite)
}

test('no panel is empty, and the queries of none fail', async () => {
  const isSeen = async ({ name, expression }: (typeof queries)[number]) => {
    const values = await shown(expression)
    return values.length > 0 && (MAY_BE_ZERO.includes(name) || values.some((value) => value !== 0))
  }
  let left = queries
  const look = async () => {
    await lively.round()
    const seen = await Promise.all(left.map(isSeen))
    left = left.filter((_, index) => !seen[index])
    return left.length === 0
  }
  await eventually('each panel shows something', look, 60_000).catch((error: Error) => {
    throw new Error(`${error.message}: ${left.map(({ name }) => name).join(' | ')}`)
  })
})

test('each variable has values to choose from', async () => {
  const variables = DASHBOARDS.flatMap((one) => one.variables)
  for (const { name, metric } of variables) {
    const selector = metric.replaceAll('$function', '.*')
    const values = await prometheus.ask<string[]>(`label/${name}/values`, { 'match[]': selector })
    expect(values.length, name).toBeGreaterThan(1)
  }
})

interface Rule {
  name: string
  type: 'alerting' | 'recording'
  health: string
  lastError?: string
  state?: string
  annotations?: Record<string, string>
  alerts?: { annotations: Record<string, string> }[]
}
const rules = async () => {
  const { groups } = await prometheus.ask<{ groups: { rules: Rule[] }[] }>('rules')
  return groups.flatMap((group) => group.rules)
}

test('no rule fails, every recorded series is there, and what went wrong is told', async () => {
  const all = await rules()
  expect(all.filter(({ health }) => health !== 'ok')).toEqual([])
  const recorded = all.filter(({ type }) => type === 'recording')
  expect(recorded.length).toBeGreaterThan(10)
  for (const { name } of recorded) expect((await shown(name)).length, name).toBeGreaterThan(0)
  // Events were given up, and one destination is none; whatever else fires would be a false alarm.
  const wanted = ['LambdaDeadLetters', 'LambdaDeliveriesFail']
  let firing: Rule[] = []
  await eventually('alerts fire', async () => {
    firing = (await rules()).filter(({ state }) => state === 'firing')
    return firing.length >= wanted.length
  })
  expect(firing.map(({ name }) => name).sort()).toEqual(wanted)
  const said = firing[0]?.alerts?.map(({ annotations }) => annotations.summary)
  expect(said).toContain('Dead letters of doomed were put aside (event).')
})

test('promtool finds no fault, and each alert has been seen to fire and to keep still', async () => {
  const [config, checked, tried, tests] = await Promise.all([
    promtool('check', 'config', 'prometheus.yml'),
    promtool('check', 'rules', '--lint=all', '--lint-fatal', ...RULES),
    promtool('test', 'rules', 'tests/alerts.yml'),
    readFile(join(SHIPPED, 'tests', 'alerts.yml'), 'utf8'),
  ])
  expect(config).toContain('SUCCESS: prometheus.yml is valid prometheus config file syntax')
  expect(checked.match(/SUCCESS/g)).toHaveLength(2)
  expect(tried).toContain('SUCCESS')
  for (const { name, type, annotations = {} } of await rules()) {
    if (type === 'recording') continue
    expect(tests, `${name} is tried`).toContain(`alertname="${name}"`)
    expect(Object.keys(annotations).sort(), name).toEqual(['action', 'summary'])
  }
})

test('promtool finds nothing wrong with what is scraped', async () => {
  const { body } = await http(addressOf(hearth))
  const said = await promtoolOn(body, 'check', 'metrics')
  // Its advice about names is for those who name them; prom-client names Node's own, and AWS the
  // GB-second, of which it thinks that it is abbreviated.
  const ours = said.split('\n').filter((line) => /^(lambda|hearth)_(?!.*gb_seconds)/.test(line))
  expect(ours).toEqual([])
  expect(said).not.toContain('error while linting')
})
