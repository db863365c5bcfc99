// Grafana's dashboards as its loader wants them, because Grafana itself is not at hand: the files
// are those of today, and each is checked against the part of its schema that they use. Whether a
// panel shows anything is e2e/observability.test.ts's affair.

import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { DATASOURCE } from '../scripts/dashboard.ts'
import { DASHBOARDS, FOLDER, fileOf, textOf } from '../scripts/dashboards.ts'

/** Of the ids in Grafana's list of units those that fit what Hearth measures. */
const UNITS = [
  ...['bytes', 'currencyUSD', 'decgbytes', 'none', 'ops', 'percentunit', 'reqps', 's', 'short'],
]
const datasource = z.strictObject({
  type: z.literal(DATASOURCE.type),
  uid: z.literal(DATASOURCE.uid),
})
const gridPos = z.strictObject({
  x: z.int().min(0).max(23),
  y: z.int().min(0),
  w: z.int().min(1).max(24),
  h: z.int().min(1),
})
const target = z.object({
  refId: z.string().regex(/^[A-Z]$/),
  datasource,
  expr: z.string().min(1),
  legendFormat: z.string().min(1),
  instant: z.boolean(),
  range: z.boolean(),
})
const step = z.strictObject({
  color: z.enum(['green', 'yellow', 'red']),
  value: z.number().nullable(),
})
const panel = z.object({
  id: z.int().positive(),
  type: z.enum(['bargauge', 'stat', 'table', 'timeseries']),
  title: z.string().min(1),
  description: z.string().min(10),
  datasource,
  gridPos,
  targets: z.array(target).min(1),
  fieldConfig: z.object({
    defaults: z.object({
      unit: z.enum(UNITS),
      thresholds: z.object({ mode: z.literal('absolute'), steps: z.array(step).min(1) }),
    }),
    overrides: z.array(z.unknown()),
  }),
  options: z.record(z.string(), z.unknown()),
})
const row = z.strictObject({
  id: z.int().positive(),
  type: z.literal('row'),
  title: z.string().min(1),
  collapsed: z.literal(false),
  panels: z.tuple([]),
  gridPos,
})
const variable = z.object({
  type: z.literal('query'),
  name: z.string(),
  datasource,
  definition: z.string(),
  query: z.object({ query: z.string(), refId: z.string() }),
  allValue: z.literal('.*'),
})
const dashboard = z.object({
  uid: z.string().regex(/^[a-z-]{1,40}$/),
  title: z.string().min(1),
  description: z.string().min(10),
  schemaVersion: z.int().min(36),
  tags: z.array(z.string()),
  time: z.strictObject({ from: z.string(), to: z.string() }),
  links: z.array(z.object({ type: z.literal('dashboards'), tags: z.array(z.string()) })).min(1),
  templating: z.object({ list: z.array(variable) }),
  panels: z.array(z.union([panel, row])).min(1),
})

type Loaded = z.output<typeof dashboard>
const load = (text: string): Loaded => dashboard.parse(JSON.parse(text))
const panelsOf = ({ panels }: Loaded) =>
  panels.filter((one): one is z.output<typeof panel> => one.type !== 'row')

test('the files are those of the descriptions; else run packages/cli/scripts/dashboards.ts', () => {
  const files = readdirSync(FOLDER).sort()
  expect(files).toEqual(DASHBOARDS.map(({ uid }) => `${uid}.json`).sort())
  for (const one of DASHBOARDS) expect(readFileSync(fileOf(one), 'utf8')).toBe(textOf(one))
})

test('each has a name of its own, and a link to all others', () => {
  const loaded = DASHBOARDS.map((one) => load(textOf(one)))
  for (const of of ['uid', 'title'] as const) {
    expect(new Set(loaded.map((one) => one[of])).size).toBe(loaded.length)
  }
  for (const { tags, links } of loaded) expect(links[0]?.tags).toEqual(tags)
})

describe.each(DASHBOARDS.map((one) => ({ title: one.title, text: textOf(one) })))(
  'the dashboard $title',
  ({ text }) => {
    const loaded = load(text)

    test('places its panels beside each other, none over another, none beyond the edge', () => {
      const taken = new Map<string, string>()
      for (const one of loaded.panels) {
        const { x, y, w, h } = one.gridPos
        expect(x + w, one.title).toBeLessThanOrEqual(24)
        for (let column = x; column < x + w; column += 1) {
          for (let line = y; line < y + h; line += 1) {
            const cell = `${column},${line}`
            expect(taken.get(cell), `${one.title} at ${cell}`).toBeUndefined()
            taken.set(cell, one.title)
          }
        }
      }
    })

    test('leaves no hole in a row of panels', () => {
      const lines = Map.groupBy(panelsOf(loaded), ({ gridPos: { y } }) => y)
      for (const [y, panels] of lines) {
        const width = panels.reduce((sum, { gridPos: { w } }) => sum + w, 0)
        expect(width, `${panels.map(({ title }) => title).join(', ')} at ${y}`).toBe(24)
        expect(new Set(panels.map(({ gridPos: { h } }) => h)).size).toBe(1)
      }
    })

    test('numbers its panels and their queries', () => {
      const ids = loaded.panels.map(({ id }) => id)
      expect(new Set(ids).size).toBe(ids.length)
      for (const { targets } of panelsOf(loaded)) {
        const names = targets.map(({ refId }) => refId)
        expect(names).toEqual(['A', 'B', 'C', 'D'].slice(0, names.length))
      }
    })

    test('has rising thresholds, the first without a value', () => {
      for (const { fieldConfig, title } of panelsOf(loaded)) {
        const [first, ...rest] = fieldConfig.defaults.thresholds.steps.map(({ value }) => value)
        expect(first, title).toBeNull()
        expect(rest, title).toEqual(rest.toSorted((a, b) => Number(a) - Number(b)))
      }
    })

    test('asks only by variables that it has', () => {
      const known = loaded.templating.list.map(({ name }) => name)
      const used = [...text.matchAll(/\$(?!\{?__)\{?(\w+)/g)].map(([, name = '']) => name)
      for (const name of used) expect(known).toContain(name)
      for (const name of known) expect(used).toContain(name)
    })
  },
)
