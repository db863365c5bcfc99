// Charts as inline SVG, drawn on the server: bars that stand on one another, and lines. The plot
// stretches with the page while its labels stay text of the page, so that they can be read on a
// phone. Each has its axes, its unit, a sentence for those who cannot see it, and a table.

import { html } from 'hono/html'
import type { Html } from './elements.ts'
import { clock } from './format.ts'

export type Tone = 'accent' | 'bad' | 'calm' | 'faint' | 'good' | 'warn'

export interface Series {
  name: string
  tone: Tone
  /** One a step; undefined where there was nothing to measure. */
  values: readonly (number | undefined)[]
}

export interface ChartOptions {
  /** Unique in the page. */
  id: string
  title: string
  /** What one step shows: `per minute`. */
  unit: string
  kind: 'bars' | 'lines'
  series: readonly Series[]
  /** Of the first step, in milliseconds since the epoch. */
  from: number
  stepMs: number
  /** Axis labels and values. */
  show(value: number): string
  /** Where a step is labelled by its day, not its time. */
  label?(time: number): string
}

const HEIGHT = 100
const GAP = 0.14
/** Steps that are labelled on the time axis: the first, two in between and the last. */
const LABELS = 4

export function chart(options: ChartOptions): Html {
  const { id, title, unit, series } = options
  const top = topOf(options)
  return html`<figure class="chart" aria-labelledby="${id}-title">
  <figcaption>
    <h3 id="${id}-title">${title}</h3> <span class="unit">${unit}</span>
    <ul class="legend" role="list">
      ${series.map(({ name, tone }) => html`<li><i class="key ${tone}"></i>${name}</li>`)}
    </ul>
  </figcaption>
  <div class="plot">
    <div class="axis-y" aria-hidden="true">
      ${[top, top / 2, 0].map((value) => html`<span>${options.show(value)}</span>`)}
    </div>
    ${picture(options, top)}
    <div class="axis-x" aria-hidden="true">
      ${timesOf(options).map((time) => html`<span>${labelOf(options, time)}</span>`)}
    </div>
  </div>
  ${table(options)}
</figure>`
}

/** A line without axes, beside its figure in a table. */
export function sparkline(values: readonly number[], label: string): Html {
  const top = Math.max(...values, 1)
  const width = Math.max(values.length - 1, 1)
  const points = values.map((value, at) => `${at},${round(HEIGHT - (value / top) * HEIGHT)}`)
  const box = `0 -8 ${width} ${HEIGHT + 16}`
  return html`<svg class="spark" viewBox="${box}" preserveAspectRatio="none" role="img"
  aria-label="${label}"><polyline class="line accent" points="${points.join(' ')}"/></svg>`
}

/** A part of a whole, in words beside it. */
export function bar(part: number, whole: number, tone: Tone = 'accent'): Html {
  const width = whole === 0 ? 0 : Math.min(part / whole, 1) * HEIGHT
  return html`<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
<rect class="trough" width="100" height="8"/><rect class="fill ${tone}" width="${round(width)}"
 height="8"/></svg>`
}

function picture(options: ChartOptions, top: number): Html {
  const steps = stepsOf(options)
  const draw = options.kind === 'bars' ? bars : lines
  return html`<svg class="picture" viewBox="0 0 ${steps} ${HEIGHT}" preserveAspectRatio="none"
  role="img" aria-label="${inWords(options)}">
  ${[0, 50, 100].map((y) => html`<path class="grid" d="M0 ${y}H${steps}"/>`)}
  ${draw(options, top)}
</svg>`
}

function bars(options: ChartOptions, top: number): Html[] {
  const { series, show } = options
  return Array.from({ length: stepsOf(options) }, (_, at) => {
    let y = HEIGHT
    const parts = series.map(({ tone, values }) => {
      const height = ((values[at] ?? 0) / top) * HEIGHT
      y -= height
      const place = `x="${round(at + GAP)}" width="${1 - 2 * GAP}"`
      return height === 0 ? '' : { place, y: round(y), height: round(height), tone }
    })
    const drawn = parts.filter((part) => part !== '')
    if (drawn.length === 0) return html``
    const told = series.map(({ name, values }) => `${name}: ${show(values[at] ?? 0)}`)
    const tip = `${labelOf(options, options.from + at * options.stepMs)}  ${told.join(', ')}`
    return html`<g><title>${tip}</title>${drawn.map(
      ({ y, height, tone }) =>
        html`<rect class="fill ${tone}" x="${round(at + GAP)}" width="${round(1 - 2 * GAP)}"
 y="${y}" height="${height}"/>`,
    )}</g>`
  })
}

/** A line breaks where nothing was measured, and a value between two such is a dot. */
function lines({ series }: ChartOptions, top: number): Html[] {
  return series.map(({ tone, values }) => {
    let isDrawing = false
    const path = values.map((value, at) => {
      if (value === undefined) {
        isDrawing = false
        return ''
      }
      const point = `${at + 0.5} ${round(HEIGHT - (value / top) * HEIGHT)}`
      const step = isDrawing ? `L${point}` : `M${point}`
      isDrawing = true
      return step
    })
    // A dot is a line of no length with round ends, which stretching leaves round.
    const dots = values.map((value, at) => {
      const isAlone = values[at - 1] === undefined && values[at + 1] === undefined
      if (value === undefined || !isAlone) return ''
      return `M${at + 0.5} ${round(HEIGHT - (value / top) * HEIGHT)}h0.001`
    })
    return html`<path class="line ${tone}" d="${path.join('')}"/>
<path class="line dot ${tone}" d="${dots.join('')}"/>`
  })
}

function table(options: ChartOptions): Html {
  const { title, series, show } = options
  const rows = Array.from({ length: stepsOf(options) }, (_, at) => at).filter((at) =>
    series.some(({ values }) => values[at]),
  )
  if (rows.length === 0) return html`<p class="quiet small">Nothing in this time.</p>`
  return html`<details class="figures"><summary>Figures</summary>
<div class="scroll" tabindex="0" role="region" aria-label="${title}, in figures">
<table class="dense"><thead><tr><th scope="col">Time</th>
${series.map(({ name }) => html`<th scope="col" class="number">${name}</th>`)}</tr></thead>
<tbody>${rows.map(
    (at) => html`<tr><th scope="row">${labelOf(options, options.from + at * options.stepMs)}</th>
${series.map(({ values }) => html`<td class="number">${shown(values[at], show)}</td>`)}</tr>`,
  )}</tbody></table></div></details>`
}

function inWords(options: ChartOptions): string {
  const { title, unit, series, show } = options
  const told = series.map(({ name, values }) => {
    const known = values.filter((value) => value !== undefined)
    return `${name} at most ${show(Math.max(0, ...known))}`
  })
  return `${title}, ${unit}: ${told.join('; ')}.`
}

/** The highest value rounded up to 1, 2 or 5 of its size, so that half of it is a good label, too. */
function topOf(options: ChartOptions): number {
  const { series, kind } = options
  const values = Array.from({ length: stepsOf(options) }, (_, at) => {
    const here = series.map((one) => one.values[at] ?? 0)
    return kind === 'bars' ? here.reduce((sum, value) => sum + value, 0) : Math.max(...here)
  })
  const top = niceAbove(Math.max(...values))
  // There is no half of an invocation to label.
  return top === 1 && kind === 'bars' && values.every(Number.isInteger) ? 2 : top
}

export function niceAbove(value: number): number {
  if (value <= 0) return 2
  const size = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 4, 6, 8, 10].find((step) => step * size >= value) ?? 10) * size
}

function timesOf({ from, stepMs, ...options }: ChartOptions): number[] {
  const last = stepsOf({ from, stepMs, ...options }) - 1
  return Array.from({ length: LABELS }, (_, at) => {
    return from + Math.round((last * at) / (LABELS - 1)) * stepMs
  })
}

const stepsOf = ({ series }: ChartOptions) => series[0]?.values.length ?? 0
const labelOf = ({ label = clock }: ChartOptions, time: number) => label(time)
const shown = (value: number | undefined, show: (value: number) => string) =>
  value === undefined ? '–' : show(value)
const round = (number: number) => Math.round(number * 100) / 100
