// Figures as people read them.

import { expect, test } from 'vitest'
import { ago, bytes, dollars, duration, gbSeconds, moment, share, shortCount } from './format.ts'

test.each([
  [0, '0'],
  [9_999, '9,999'],
  [12_345, '12.3k'],
  [2_500_000, '2.5M'],
])('%s in short is %s', (number, text) => {
  expect(shortCount(number)).toBe(text)
})

test.each([
  [0, '0 ms'],
  [0.25, '0.25 ms'],
  [95.57, '95.6 ms'],
  [1_240, '1.24 s'],
  [90_000, '1.5 min'],
  [7_200_000, '2 h'],
  [172_800_000, '2 days'],
])('%s milliseconds are %s', (ms, text) => {
  expect(duration(ms)).toBe(text)
})

test.each([
  [0, '$0.00'],
  [-1e-21, '$0.00'],
  [1234.5, '$1,234.50'],
  [0.25, '$0.2500'],
  [0.000_031, '$0.000031'],
  [0.000_000_2, 'under $0.000001'],
])('%s dollars are %s', (amount, text) => {
  expect(dollars(amount)).toBe(text)
})

test('sizes, shares and times have their units', () => {
  expect([bytes(271), bytes(2_048), bytes(5_500_000_000)]).toEqual(['271 B', '2 KB', '5.1 GB'])
  expect([share(1, 3), share(0, 0), share(1, 1e6)]).toEqual(['33.3 %', '–', 'under 0.1 %'])
  expect([gbSeconds(1.005), gbSeconds(400_000)]).toEqual(['1.01 GB-s', '400,000 GB-s'])
  expect(moment(Date.UTC(2026, 10, 26, 14, 20, 57))).toBe('26 Nov 2026, 14:20:57 UTC')
  const since = (ms: number) => ago(0, ms)
  expect([since(1_000), since(59_000), since(60_000), since(7_200_000), since(864e5 * 3)]).toEqual([
    'just now',
    '59 s ago',
    '1 min ago',
    '2 h ago',
    '3 days ago',
  ])
})
