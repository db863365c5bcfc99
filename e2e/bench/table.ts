// What the bench prints: one row a figure, beside the floor that was measured in the same run, and
// whether the ratio keeps to its target. Pure but for printing.

/** The most that a ratio may be (the design's "Targets": must, and moonshot). */
export interface Target {
  must: number
  moonshot: number
}

export interface Row {
  what: string
  floor: number
  value: number
  unit: '/s' | 'MB' | 'ms'
  /** How many times worse than the floor; 2 is half of its throughput or twice its time. */
  ratio: number
  target?: Target
}

/** The same figure of the floor and of Hearth. */
export interface Pair {
  floor: number
  value: number
  unit: Row['unit']
}

export function row(what: string, { floor, value, unit }: Pair, target?: Target): Row {
  const ratio = unit === '/s' ? floor / value : value / floor
  return { what, floor, value, unit, ratio, ...(target && { target }) }
}

export function verdict({ ratio, target }: Row): string {
  if (!target) return ''
  if (ratio <= target.moonshot) return 'moonshot met'
  return ratio <= target.must ? 'met' : 'missed'
}

const WHAT_WIDTH = 52

export function print(rows: readonly Row[]): void {
  const show = (value: number) => (value >= 100 ? value.toFixed(0) : value.toFixed(2))
  const head = [
    'floor'.padStart(10),
    'Hearth'.padStart(10),
    '    ',
    '   ratio',
    '    must',
    '    moon',
  ]
  console.log(`\n${'figure'.padEnd(WHAT_WIDTH)}${head.join('')}  verdict`)
  for (const one of rows) {
    const { what, floor, value, unit, ratio, target } = one
    const figures = [show(floor).padStart(10), show(value).padStart(10), ` ${unit.padEnd(3)}`]
    const ratios = [ratio, target?.must, target?.moonshot].map((figure) =>
      (figure === undefined ? '' : figure.toFixed(2)).padStart(8),
    )
    console.log(`${what.padEnd(WHAT_WIDTH)}${figures.join('')}${ratios.join('')}  ${verdict(one)}`)
  }
  console.log('\nA ratio says how many times worse than the floor: 2 is half of its throughput.')
}
