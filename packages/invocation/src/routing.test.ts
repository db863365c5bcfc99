// The share of each version is exact at every moment, for any weight.

import { type FunctionDocument, type FunctionVersion, versionOf } from '@hearth/core/function'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRouting } from './routing.ts'

const published = ['1', '2'].map((version) => ({ version }) as FunctionVersion)
const documentWith = (weight: number, revisionId = 'a') =>
  ({
    account: '000000000000',
    name: 'f',
    published,
    latest: { version: '$LATEST' } as FunctionVersion,
    aliases: { live: { version: '1', description: '', revisionId, weights: { 2: weight } } },
  }) as unknown as FunctionDocument

test('after any number of invocations a version has had its share to within one half', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (weight) => {
      const choose = createRouting()
      const document = documentWith(weight)
      let second = 0
      for (let count = 1; count <= 500; count += 1) {
        if (choose(document, 'live').version?.version === '2') second += 1
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
    const chosen = Array.from({ length: 100 }, () => choose(document, 'live').version?.version)
    expect(new Set(chosen)).toEqual(new Set([version]))
  }
})

test('what is no alias is what it always was', () => {
  const choose = createRouting()
  const document = documentWith(0.5)
  for (const qualifier of [undefined, '$LATEST', '1', '2', '3']) {
    expect(choose(document, qualifier).version).toBe(versionOf(document, qualifier))
  }
})

test('other changes of the function take nobody’s share, and a change of the alias begins anew', () => {
  const choose = createRouting()
  const of = (revisionId: string) =>
    choose(documentWith(0.25, revisionId), 'live').version?.version === '2' ? 1 : 0
  let second = 0
  for (let count = 0; count < 100; count += 1) second += of('a')
  expect(second).toBe(25)
  expect([of('b'), of('b'), of('b'), of('b')]).toEqual([0, 1, 0, 0])
})

test('what nobody ran is nobody’s share', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 200, maxLength: 200 }), (refusals) => {
      const choose = createRouting()
      const document = documentWith(0.3)
      let [ran, second] = [0, 0]
      for (const isRefused of refusals) {
        const { version, giveBack } = choose(document, 'live')
        if (isRefused) giveBack()
        else {
          ran += 1
          if (version?.version === '2') second += 1
        }
      }
      return Math.abs(second - 0.3 * ran) <= 0.5 + 1e-6
    }),
  )
})
