// Laws of times on the command line.

import { expect, test } from 'vitest'
import { parseMonth, parseSince } from './time-span.ts'

const NOW = Date.parse('2026-11-24T12:00:00Z')

test.each([
  ['90s', NOW - 90_000],
  ['10m', NOW - 600_000],
  ['2h', NOW - 7_200_000],
  ['1d', NOW - 86_400_000],
  ['1w', NOW - 604_800_000],
  ['0s', NOW],
  ['999999999w', 0],
  ['2026-11-24', Date.parse('2026-11-24')],
  ['2026-11-24T08:00:00Z', Date.parse('2026-11-24T08:00:00Z')],
  ['2026-11-24T08:00:00+02:00', Date.parse('2026-11-24T06:00:00Z')],
])('%s is a time', (text, expected) => {
  expect(parseSince(text, NOW)).toBe(expected)
})

test.each(['', 'yesterday', '10', 'm', '-5m', '1.5h', '10 m', '2026', '2026-13-01', '1y'])(
  '"%s" is no time',
  (text) => {
    expect(() => parseSince(text, NOW)).toThrow(/is no time. Write how long ago/)
  },
)

test('a month is a year and a month', () => {
  expect(parseMonth('2026-01')).toBe('2026-01')
  for (const text of ['2026-1', '2026-13', '2026-00', '26-01', '2026-01-01', 'nope']) {
    expect(() => parseMonth(text)).toThrow(/is no month/)
  }
})
