// How the command shows things: tables for people, JSON for programs. Results go to standard output, everything
// else to standard error.

import Table from 'cli-table3'

export type Format = 'json' | 'table'

/** Rows under their headings, or the values themselves as JSON. */
export function show(format: Format, value: unknown, table: () => string): void {
  console.log(format === 'json' ? JSON.stringify(value, null, 2) : table())
}

export function tableOf(headings: string[], rows: (number | string)[][]): string {
  const plain = { head: [], border: [] }
  const table = new Table({ head: headings, style: plain, chars: LINES })
  table.push(...rows)
  return table.toString()
}

/** Only a rule under the headings: a table that can be read, and cut with other tools. */
const LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}

export function bytes(size: number): string {
  if (size < 1024) return `${size} B`
  if (size < 1024 * 1024) return `${(size / 1024).toFixed(1)} KB`
  return `${(size / 1024 / 1024).toFixed(1)} MB`
}

/** Dollars, with as many digits as small amounts need. */
export function dollars(amount: number): string {
  return amount === 0 || amount >= 0.01 ? `$${amount.toFixed(2)}` : `$${amount.toPrecision(2)}`
}
