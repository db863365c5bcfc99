// What `hearth alias` asks for, and what it shows.

import { describe, expect, test } from 'vitest'
import { renderAliases, shareOf, wishOf } from './aliases.ts'

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:f'

test('aliases are told by their versions and what is beside them', () => {
  const text = renderAliases([
    {
      ...{ AliasArn: `${ARN}:live`, FunctionVersion: '3', Description: 'for all' },
      RoutingConfig: { AdditionalVersionWeights: { 4: 0.07 } },
    },
    { AliasArn: `${ARN}:beta`, FunctionVersion: '$LATEST', Description: '' },
  ])
  const [, first, second] = text.split('\n').map((line) => line.split(/ {3,}/))
  expect(first).toEqual(['f:live', '3', '4 (7 %)', 'for all'])
  expect(second).toEqual(['f:beta', '$LATEST'])
  expect(renderAliases([])).toMatch(/^No aliases/)
})

test('a canary is said in percent, a weight as a share', () => {
  expect(shareOf({ canary: 10 })).toBe(0.1)
  expect(shareOf({ weight: 0.25 })).toBe(0.25)
  expect(shareOf({})).toBeUndefined()
  for (const bad of [{ canary: 101 }, { weight: 2 }, { canary: 1, weight: 1 }]) {
    expect(() => shareOf(bad)).toThrow(/between|same/)
  }
})

describe('setting an alias', () => {
  const current = { FunctionVersion: '3' }
  const all = (FunctionVersion: string) => ({
    FunctionVersion,
    RoutingConfig: { AdditionalVersionWeights: {} },
  })
  const beside = (weights: Record<string, number>) => ({
    RoutingConfig: { AdditionalVersionWeights: weights },
  })
  test.each([
    ['moves it whole', 4, undefined, all('4')],
    ['moves it whole by 100 percent', 4, 1, all('4')],
    ['puts a version beside it', 4, 0.1, beside({ 4: 0.1 })],
    ['takes what is beside it away', 4, 0, beside({})],
  ] as const)('%s', (_, version, share, wish) => {
    expect(wishOf(current, { version: String(version), share, name: 'live' })).toEqual(wish)
  })

  test('has no canary beside nothing, or beside itself', () => {
    const wish = { share: 0.1, name: 'live' }
    expect(() => wishOf(undefined, { version: '4', ...wish })).toThrow('There is no live yet.')
    expect(() => wishOf(current, { version: '3', ...wish })).toThrow('live is version 3 already')
    expect(wishOf(undefined, { version: '4', name: 'live' })).toEqual(all('4'))
  })
})
