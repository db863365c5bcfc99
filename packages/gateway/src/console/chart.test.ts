// What a chart's markup says: its scale, its bars, its breaks and its words.

import { expect, test } from 'vitest'
import { bar, type ChartOptions, chart, niceAbove, sparkline } from './chart.ts'

const options = (changes: Partial<ChartOptions> = {}): ChartOptions => ({
  ...{ id: 'c', title: 'Things', unit: 'per minute', kind: 'bars', from: 0, stepMs: 60_000 },
  series: [
    { name: 'Good', tone: 'calm', values: [3, 0, 1] },
    { name: 'Bad', tone: 'bad', values: [1, 0, 0] },
  ],
  show: String,
  ...changes,
})
const drawn = (changes?: Partial<ChartOptions>) => String(chart(options(changes)))
const attributes = (markup: string, pattern: RegExp) =>
  [...markup.matchAll(pattern)].map(([, ...found]) => found.map(Number))

test.each([
  [0, 2],
  [0.3, 0.4],
  [1, 1],
  [3, 4],
  [9, 10],
  [51, 60],
  [1001, 2000],
])('the scale above %s ends at %s', (value, top) => {
  expect(niceAbove(value)).toBeCloseTo(top)
})

test('a scale of whole numbers has no half', () => {
  const series = [{ name: 'Running', tone: 'calm' as const, values: [1, 0] }]
  expect(drawn({ series, kind: 'bars' })).not.toContain('0.5<')
})

test('bars stand on one another, to scale', () => {
  const bars = attributes(drawn(), /<rect[^>]*y="([\d.]+)" height="([\d.]+)"/g)
  expect(bars).toEqual([
    [25, 75],
    [0, 25],
    [75, 25],
  ])
})

test('a line breaks where nothing was measured, and what stands alone is a dot', () => {
  const values = [1, 2, undefined, 4, undefined]
  const markup = drawn({ kind: 'lines', series: [{ name: 'Time', tone: 'accent', values }] })
  const [line = '', dots = ''] = [...markup.matchAll(/ d="(M[^"]*)"/g)]
    .map(([, path]) => path)
    .filter((path) => !path?.includes('H'))
  expect(line).toBe('M0.5 75L1.5 50M3.5 0')
  expect(dots).toBe('M3.5 0h0.001')
})

test('tells the same in words and in a table', () => {
  const markup = drawn()
  expect(markup).toContain('aria-label="Things, per minute: Good at most 3; Bad at most 1."')
  expect(markup).toMatch(/<title>00:00 {2}Good: 3, Bad: 1<\/title>/)
  expect(markup.match(/<th scope="row">/g)).toHaveLength(2)
  expect(drawn({ series: [{ name: 'None', tone: 'calm', values: [0, 0] }] })).toContain(
    'Nothing in',
  )
})

test('nothing of a name becomes markup', () => {
  const title = '<script>"&'
  const markup = drawn({ title, series: [{ name: title, tone: 'calm', values: [1] }] })
  expect(markup).not.toContain('<script>')
  expect(String(sparkline([0, 2], '"><b>'))).not.toContain('<b>')
})

test('a bar is a part of a whole, and never more', () => {
  const widthOf = (part: number, whole: number) =>
    attributes(String(bar(part, whole)), /fill accent" width="([\d.]+)"/g)[0]?.[0]
  expect([widthOf(1, 4), widthOf(9, 4), widthOf(1, 0)]).toEqual([25, 100, 0])
})
