// How the command shows things: tables for people, JSON for programs. Results go to standard
// output, everything else to standard error. Nothing here decides what is shown.

import Table from 'cli-table3'

/** Only bills are told as CSV; main.ts refuses it elsewhere. */
export type Format = 'csv' | 'json' | 'table'

/** The value itself as JSON, or its rendering for people. */
export function show(format: Format, value: unknown, render: () => string): void {
  console.log(format === 'json' ? JSON.stringify(value, null, 2) : render())
}

/** Rows under their headings, in columns that can be read, and cut with other tools. */
export function tableOf(headings: string[], rows: (number | string)[][]): string {
  const table = new Table({
    head: headings,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    chars: LINES,
    colAligns: headings.map((_, column) =>
      rows.length > 0 && rows.every((row) => typeof row[column] === 'number') ? 'right' : 'left',
    ),
  })
  table.push(...rows)
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

/** RFC 4180: quotes where a value needs them, and lines that end with CR and LF. */
export function csvOf(headings: string[], rows: (number | string)[][]): string {
  const cell = (value: number | string) => {
    const text = typeof value === 'number' ? decimal(value) : value
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  return [headings, ...rows].map((row) => row.map(cell).join(',')).join('\r\n')
}

/** A number without an exponent, which spreadsheets read as text. */
export function decimal(value: number): string {
  if (Number.isInteger(value)) return String(value)
  return value.toFixed(DECIMALS).replace(/\.?0+$/, '')
}

const DECIMALS = 12
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
  middle: '   ',
}

const KB = 1024
const MB = 1024 * KB

export function bytes(size: number): string {
  if (size < KB) return `${size} B`
  if (size < MB) return `${(size / KB).toFixed(1)} KB`
  return `${(size / MB).toFixed(1)} MB`
}

/** Dollars, with as many digits as small amounts need. */
export function dollars(amount: number): string {
  if (amount === 0 || amount >= 0.01) return `$${amount.toFixed(2)}`
  // Enough places for two digits that say something, and never an exponent.
  const places = Math.min(1 - Math.floor(Math.log10(amount)), 12)
  return `$${amount.toFixed(places)}`
}

/** JSON laid out for reading; anything else as it is. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
