// The share of each version is exact at every moment, for any weight.

import { type FunctionDocument, type FunctionVersion, versionOf } from '@hearth/core/function'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRouting } from './routing.ts'

const published = ['1', '2'].map((version) => ({ version }) as FunctionVersion)
const documentWith = (weight: number) =>
  ({
    published,
    latest: { version: '$LATEST' } as FunctionVersion,
    aliases: { live: { version: '1', description: '', revisionId: '', weights: { 2: weight } } },
  }) as unknown as FunctionDocument

test('after any number of invocations a version has had its share to within one half', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (weight) => {
      const choose = createRouting()
      const document = documentWith(weight)
      let second = 0
      for (let count = 1; count <= 500; count += 1) {
        if (choose(document, 'live')?.version === '2') second += 1
        if (Math.abs(second - weight * count) > 0.5 + 1e-6) return false
      }
      return true
    }),
  )
})

test('all or none is all or none', () => {
  for (const [weight, version] of [
    [0, '1'],
    [1, '2'],
  ] as const) {
    const choose = createRouting()
    const document = documentWith(weight)
    const chosen = Array.from({ length: 100 }, () => choose(document, 'live')?.version)
    expect(new Set(chosen)).toEqual(new Set([version]))
  }
})

test('what is no alias is what it always was', () => {
  const choose = createRouting()
  const document = documentWith(0.5)
  for (const qualifier of [undefined, '$LATEST', '1', '2', '3']) {
    expect(choose(document, qualifier)).toBe(versionOf(document, qualifier))
  }
})
