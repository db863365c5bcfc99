// Event patterns in tables: what AWS answered for each operator, how paths and lists are looked at,
// and what AWS refuses; and properties that hold for all events.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { matches, parsePattern } from './event-pattern.ts'
import { isWithin, parseRange } from './ip-range.ts'

const fits = (pattern: unknown, event: unknown) =>
  matches(parsePattern(JSON.stringify(pattern)), event)
const leaf = (condition: unknown, value: unknown) => fits({ a: [condition] }, { a: value })

describe('one condition', () => {
  test.each<[unknown, unknown[], unknown[]]>([
    ['x', ['x', ['y', 'x']], ['X', 'xx', 1, null, [], {}, ['y'], { x: 'x' }]],
    ['', [''], [' ', null, []]],
    [300, [300, 3e2], ['300', 301, true]],
    [true, [true], [false, 'true', 1]],
    [null, [null, [null]], ['', 0, false, [], {}, 'null']],
    [{ exists: true }, ['x', 0, null, false, [1]], [{}, { b: 1 }, []]],
    [{ exists: false }, [{}, [], { b: 1 }], ['x', null, [1]]],
    [{ prefix: 'ab' }, ['ab', 'abc', ['x', 'abd']], ['Abc', 'cab', '', 12, null]],
    [{ prefix: '' }, ['', 'x'], [1, null]],
    [{ prefix: { 'equals-ignore-case': 'aB' } }, ['ABc', 'ab'], ['cab', 1]],
    [{ suffix: '.png' }, ['.png', 'a.png'], ['a.PNG', 'png', 3]],
    [{ suffix: { 'equals-ignore-case': '.png' } }, ['a.PNG'], ['.png.x']],
    [{ 'equals-ignore-case': 'aLice' }, ['ALICE', 'alice'], ['alicf', 'al', null]],
    [{ wildcard: 'a*c' }, ['ac', 'abc', 'abcbc'], ['abcd', 'xac', 'a', 7]],
    [{ wildcard: 'a*b*c' }, ['abc', 'a-b-c', 'abbc'], ['acb', 'ac']],
    [{ wildcard: '*' }, ['', 'x'], [1]],
    [{ wildcard: 'aa*aa' }, ['aaaa', 'aaxaa'], ['aaa', 'aa']],
    [{ wildcard: '' }, [''], ['x']],
    [{ wildcard: '1\\*2\\\\*' }, ['1*2\\', '1*2\\z'], ['1x2\\', '1*2']],
    [{ 'anything-but': 'x' }, ['y', 1, null, ['x', 'y']], ['x', [], {}, ['x']]],
    [{ 'anything-but': 5 }, [6, '5', null], [5]],
    [{ 'anything-but': 0 }, [7], [0]],
    [{ 'anything-but': ['x', 'y'] }, ['z', 1], ['x', 'y']],
    [{ 'anything-but': [1, 2] }, [3, '1'], [1, 2]],
    [{ 'anything-but': { prefix: 'in' } }, ['out', 12, null], ['in', 'inside', {}]],
    [{ 'anything-but': { prefix: ['a', 'b'] } }, ['c'], ['ax', 'b']],
    [{ 'anything-but': { suffix: '.png' } }, ['a.txt'], ['a.png']],
    [{ 'anything-but': { suffix: ['.a', '.b'] } }, ['x.c'], ['x.a', 'x.b']],
    [{ 'anything-but': { 'equals-ignore-case': 'on' } }, ['off'], ['ON', 'on']],
    [{ 'anything-but': { 'equals-ignore-case': ['on', 'up'] } }, ['off'], ['ON', 'Up']],
    [{ 'anything-but': { wildcard: '*/lib/*' } }, ['/bin/x', 3], ['/lib/x']],
    [{ 'anything-but': { wildcard: ['a*', '*z'] } }, ['bc'], ['ab', 'yz']],
    [{ numeric: ['=', 5] }, [5, 5.0], [6, '5', null]],
    [{ numeric: ['>', 5] }, [5.1, [1, 9]], [5, '9']],
    [{ numeric: ['<=', -1] }, [-1, -2], [0]],
    [{ numeric: ['>=', 0, '<', 10] }, [0, 9.99], [10, -0.1]],
    [{ cidr: '10.0.0.0/24' }, ['10.0.0.0', '10.0.0.255'], ['10.0.1.0', '::a00:1', 'x', 10]],
    [{ cidr: '0.0.0.0/0' }, ['255.1.2.3'], ['256.1.2.3', '1.2.3']],
    [{ cidr: '2001:db8::/32' }, ['2001:db8:1::9', '2001:DB8::'], ['2001:db9::', '1.2.3.4']],
    [{ cidr: '::ffff:1.2.3.0/120' }, ['::ffff:1.2.3.9'], ['1.2.3.9', '::1.2.3.9']],
  ])('%j', (condition, yes, no) => {
    for (const value of yes) expect([value, leaf(condition, value)]).toEqual([value, true])
    for (const value of no) expect([value, leaf(condition, value)]).toEqual([value, false])
  })
})

describe('a pattern', () => {
  const pair = {
    list: [
      { k: 'a', v: 1 },
      { k: 'b', v: 2 },
    ],
  }
  test.each<[string, unknown, unknown, boolean]>([
    ['that asks nothing takes everything', {}, { a: 1 }, true],
    ['that asks nothing takes what is no object', {}, 'text', true],
    ['asks all of its keys', { a: [1], b: [2] }, { a: 1, b: 2 }, true],
    ['asks all of its keys, also what is missing', { a: [1], b: [2] }, { a: 1 }, false],
    ['asks one of a list', { a: [1, { prefix: 'x' }] }, { a: 'xy' }, true],
    ['goes into objects', { a: { b: { c: ['x'] } } }, { a: { b: { c: 'x' } } }, true],
    ['does not read JSON in a text', { a: { b: ['x'] } }, { a: '{"b":"x"}' }, false],
    ['tells small letters from large', { A: ['x'] }, { a: 'x' }, false],
    ['joins keys of the event', { a: { b: ['x'] } }, { 'a.b': 'x' }, true],
    ['joins its own keys', { 'a.b': ['x'] }, { a: { b: 'x' } }, true],
    ['sees both where keys meet', { a: { b: [2] } }, { 'a.b': 1, a: { b: 2 } }, true],
    ['takes a way through a dotted key', { a: { b: { c: [1] } } }, { 'a.b': { c: 1 } }, true],
    ['is one member of a list at a time', { list: { k: ['a'], v: [1] } }, pair, true],
    ['never mixes members of a list', { list: { k: ['a'], v: [2] } }, pair, false],
    ['mixes members of two lists', { x: [1], y: [4] }, { x: [1, 2], y: [3, 4] }, true],
    ['looks into lists of lists', { a: [3] }, { a: [[1, [2, 3]]] }, true],
    ['wants absence below what is absent', { a: { b: [{ exists: false }] } }, {}, true],
    ['takes an object as no value', { a: [{ exists: true }] }, { a: { b: 1 } }, false],
    [
      'wants absence from all members',
      { l: { x: [{ exists: false }] } },
      { l: [{ x: 1 }, {}] },
      false,
    ],
    [
      'wants absence from the chosen member',
      { l: { k: [2], x: [{ exists: false }] } },
      { l: [{ k: 1, x: 1 }, { k: 2 }] },
      true,
    ],
    ['takes a value or its absence', { a: ['x', { exists: false }] }, { b: 1 }, true],
    ['refuses another value than that', { a: ['x', { exists: false }] }, { a: 'y' }, false],
    ['has alternatives', { $or: [{ a: [1] }, { b: [2] }] }, { b: 2 }, true],
    [
      'has alternatives beside other keys',
      { c: [3], $or: [{ a: [1] }, { b: [2] }] },
      { a: 1 },
      false,
    ],
    ['has alternatives within', { d: { $or: [{ a: [1] }, { b: [2] }] } }, { d: { a: 1 } }, true],
    [
      'has alternatives of alternatives',
      { $or: [{ a: [1] }, { $or: [{ b: [2] }, { c: [3] }] }] },
      { c: 3 },
      true,
    ],
    [
      'has alternatives of one member',
      { l: { k: ['a'], $or: [{ v: [2] }, { v: [3] }] } },
      {
        l: [
          { k: 'a', v: 1 },
          { k: 'b', v: 2 },
        ],
      },
      false,
    ],
    ['takes $or of scalars as a key', { $or: ['x', 'y'] }, { $or: 'y' }, true],
  ])('%s', (_, pattern, event, expected) => {
    expect(fits(pattern, event)).toBe(expected)
  })
})

test.each([
  ['"text"'],
  ['simple string'],
  ['null'],
  ['[]'],
  ['{'],
  ['{"a":"x"}'],
  ['{"a":1}'],
  ['{"a":[]}'],
  ['{"a":[["x"]]}'],
  ['{"a":[{}]}'],
  ['{"a":[{"exists":true,"prefix":"x"}]}'],
  ['{"a":[{"EXISTS":true}]}'],
  ['{"a":[{"exists":"yes"}]}'],
  ['{"a":[{"prefix":1}]}'],
  ['{"a":[{"prefix":["x"]}]}'],
  ['{"a":[{"prefix":{"suffix":"x"}}]}'],
  ['{"a":[{"suffix":null}]}'],
  ['{"a":[{"equals-ignore-case":["x"]}]}'],
  ['{"a":[{"equals-ignore-case":{"prefix":"x"}}]}'],
  ['{"a":[{"wildcard":"a**b"}]}'],
  ['{"a":[{"wildcard":"a\\\\b"}]}'],
  ['{"a":[{"wildcard":1}]}'],
  ['{"a":[{"anything-but":null}]}'],
  ['{"a":[{"anything-but":true}]}'],
  ['{"a":[{"anything-but":[]}]}'],
  ['{"a":[{"anything-but":["x",1]}]}'],
  ['{"a":[{"anything-but":["x",null]}]}'],
  ['{"a":[{"anything-but":{"prefix":""}}]}'],
  ['{"a":[{"anything-but":{"prefix":{"equals-ignore-case":"x"}}}]}'],
  ['{"a":[{"anything-but":{"suffix":[1]}}]}'],
  ['{"a":[{"anything-but":{"numeric":["=",1]}}]}'],
  ['{"a":[{"numeric":5}]}'],
  ['{"a":[{"numeric":[">",0,">",0]}]}'],
  ['{"a":[{"numeric":[">",0,"<"]}]}'],
  ['{"a":[{"numeric":["<",5,">",0]}]}'],
  ['{"a":[{"numeric":[">",5,"<",5]}]}'],
  ['{"a":[{"numeric":["toString",5]}]}'],
  ['{"a":[{"numeric":["=","5"]}]}'],
  ['{"a":[{"cidr":"10.0.0.0"}]}'],
  ['{"a":[{"cidr":"10.0.0.0/33"}]}'],
  ['{"a":[{"cidr":"x/8"}]}'],
  ['{"a":[{"cidr":"1:2::3::/8"}]}'],
  ['{"$or":[{"a":[1]},{"a":"x"}]}'],
  ['{"a":[1],"$or":[{"a":[2]},{"b":[3]}]}'],
])('%s is no pattern', (text) => {
  expect(() => parsePattern(text)).toThrow(
    expect.objectContaining({
      code: 'InvalidParameterValueException',
      message: 'Invalid filter pattern definition.',
    }),
  )
})

test('a pattern that is longer than AWS allows is none', () => {
  const longest = `{"a":["${'x'.repeat(4_086)}"]}`
  expect(longest.length).toBe(4_096)
  parsePattern(longest)
  expect(() => parsePattern(`${longest} `)).toThrow('Invalid filter pattern')
})

test('more combinations than AWS allows are no pattern', () => {
  const two = (key: string) => ({ $or: [{ [`${key}x`]: [1] }, { [`${key}y`]: [1] }] })
  const nested = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, two('a')]))
  expect(fits(nested(9), {})).toBe(false)
  expect(() => parsePattern(JSON.stringify(nested(10)))).toThrow('Invalid filter pattern')
})

describe('for all events', () => {
  const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null))
  const key = fc
    .string({ minLength: 1 })
    .filter((name) => !/[.$]/.test(name) && name !== '__proto__')
  const event = fc.dictionary(key, fc.oneof(scalar, fc.dictionary(key, scalar)), { minKeys: 1 })

  /** The pattern that asks for exactly what is there. */
  const asPattern = (value: unknown): unknown =>
    typeof value === 'object' && value !== null
      ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, asPattern(inner)]))
      : [value]

  test('a pattern made of an event takes it, and no longer once a value is another', () => {
    fc.assert(
      fc.property(event, fc.string(), (given, other) => {
        expect(fits(asPattern(given), given)).toBe(true)
        const [name, value] = Object.entries(given)[0] as [string, unknown]
        fc.pre(typeof value === 'string' && value !== other)
        expect(fits(asPattern(given), { ...given, [name]: other })).toBe(false)
      }),
    )
  })

  test('anything-but is the opposite of the value, wherever there is a value', () => {
    fc.assert(
      fc.property(fc.string(), scalar, (word, value) => {
        expect(leaf({ 'anything-but': word }, value)).toBe(!leaf(word, value))
      }),
    )
  })

  test('exists is the opposite of its absence', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(leaf({ exists: true }, value)).toBe(!leaf({ exists: false }, value))
      }),
    )
  })

  test('$or is the or of its alternatives', () => {
    fc.assert(
      fc.property(scalar, scalar, event, (one, two, given) => {
        const [left, right] = [{ a: [one] }, { b: [two] }]
        expect(fits({ $or: [left, right] }, given)).toBe(fits(left, given) || fits(right, given))
      }),
    )
  })

  test('a wildcard is what the regular expression says', () => {
    const letters = fc
      .array(fc.constantFrom('a', 'b', '*'), { maxLength: 8 })
      .map((all) =>
        all.filter((letter, index) => letter !== '*' || all[index - 1] !== '*').join(''),
      )
    const word = fc.array(fc.constantFrom('a', 'b'), { maxLength: 10 }).map((all) => all.join(''))
    fc.assert(
      fc.property(letters, word, (pattern, text) => {
        const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(text)
        expect(leaf({ wildcard: pattern }, text)).toBe(expected)
      }),
    )
  })

  test('a range has the addresses that agree in its first bits', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), fc.nat(32), (one, other, length) => {
        const bits = (address: string) =>
          address
            .split('.')
            .map((byte) => Number(byte).toString(2).padStart(8, '0'))
            .join('')
        const range = parseRange(`${one}/${length}`)
        if (!range) throw new Error(`${one} is an address`)
        expect(isWithin(range, other)).toBe(
          bits(one).slice(0, length) === bits(other).slice(0, length),
        )
      }),
    )
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const range = parseRange(`${address}/128`)
        if (!range) throw new Error(`${address} is an address`)
        expect(isWithin(range, address)).toBe(true)
      }),
    )
  })
})

test('a list of a depth that a sender chose is no trouble', () => {
  let deep: unknown = 'x'
  for (let depth = 0; depth < 100_000; depth += 1) deep = [deep]
  expect(leaf('x', deep)).toBe(true)
})
