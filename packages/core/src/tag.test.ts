// The laws of tags: what is set replaces what was, what is taken away is gone, and AWS's limits
// hold to the last tag and character.

import { describe, expect, test } from 'vitest'
import { checkTags, tagged, untagged } from './tag.ts'

const many = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v']))

describe('tags', () => {
  test('are set over those that are there', () => {
    expect(tagged({ a: '1', b: '2' }, { b: '3', c: '' })).toEqual({ a: '1', b: '3', c: '' })
  })

  test('go by their keys, and strange keys change nothing', () => {
    const tags = { a: '1', b: '2' }
    expect(untagged(tags, ['b'])).toEqual({ a: '1' })
    expect(untagged(tags, ['z'])).toBe(tags)
  })

  test('may be fifty, counted with those that are there', () => {
    expect(Object.keys(tagged(many(49), { z: '' }))).toHaveLength(50)
    expect(Object.keys(tagged(many(50), { k1: 'w' }))).toHaveLength(50)
    expect(() => tagged(many(50), { z: '' })).toThrow('Number of tags exceeds resource tag limit.')
  })

  test('must be some', () => {
    expect(() => tagged({ a: '1' }, {})).toThrow(
      'An error occurred and the request cannot be processed.',
    )
  })

  test.each([
    ['k'.repeat(128), 'v'.repeat(256), true],
    ['k'.repeat(129), '', false],
    ['k', 'v'.repeat(257), false],
    ['', 'v', false],
  ])('have keys and values of some length (%#)', (key, value, good) => {
    const check = () => checkTags({ [key]: value })
    if (good) expect(check).not.toThrow()
    else expect(check).toThrow('has no valid length')
  })
})
