// Filter patterns in tables: AWS's own examples of each form, what is refused, and properties: a
// phrase finds itself, and regular expressions agree with JavaScript's.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseLogPattern } from './log-pattern.ts'

const fits = (pattern: string, message: string) => parseLogPattern(pattern)(message)

function table(rows: [string, string[], string[]][]) {
  test.each(rows)('%s', (pattern, yes, no) => {
    for (const message of yes) expect([message, fits(pattern, message)]).toEqual([message, true])
    for (const message of no) expect([message, fits(pattern, message)]).toEqual([message, false])
  })
}

const LINES = ['[ERROR 400] BAD REQUEST', '[ERROR 401] UNAUTHORIZED REQUEST', '[WARN 4] SLOW']

describe('terms', () => {
  table([
    ['', ['', 'anything'], []],
    ['   ', ['anything'], []],
    ['ERROR', LINES.slice(0, 2), ['[error] x', '']],
    ['ERROR REQUEST', LINES.slice(0, 2), ['ERROR', 'REQUEST']],
    ['"ERROR 401"', LINES.slice(1, 2), ['ERROR  401', 'ERROR x 401']],
    ['?ERROR ?WARN', LINES, ['INFO']],
    ['?"BAD REQUEST" ?SLOW', [LINES[0] ?? '', LINES[2] ?? ''], [LINES[1] ?? '']],
    ['ERROR -401', LINES.slice(0, 1), LINES.slice(1)],
    ['-ERROR', [LINES[2] ?? ''], LINES.slice(0, 2)],
    ['-"BAD REQUEST" ERROR', LINES.slice(1, 2), LINES.slice(0, 1)],
    ['?SLOW ERROR', LINES.slice(0, 2), LINES.slice(2)],
    ['"say \\"hi\\""', ['to say "hi" now'], ['say hi']],
    ['8f-2c', ['id 8f-2c'], ['8f 2c']],
    ['%AUTHORIZED%', ['UNAUTHORIZED', 'AUTHORIZED'], ['authorized']],
    ['-%[0-9]{3}% REQUEST', ['REQUEST 12'], ['REQUEST 123', '12']],
  ])
})

const EVENT = JSON.stringify({
  eventType: 'UpdateTrail',
  sourceIPAddress: '111.111.111.111',
  arrayKey: ['value', 'another value'],
  objectList: [
    { name: 'a', id: 1 },
    { name: 'b', id: 2 },
  ],
  SomeObject: null,
  ThisFlag: true,
  'dotted.key': 'x',
  user: { id: 1, email: 'John.Stiles@example.com' },
  n: 4.5,
  text: '404',
  big: 1.2e3,
})

describe('JSON', () => {
  const yes = [
    '{ $.eventType = "UpdateTrail" }',
    '{$.eventType="UpdateTrail"}',
    '{ $.eventType = UpdateTrail }',
    '{ $.eventType = Update* }',
    '{ $.eventType = "*Trail" }',
    '{ $.eventType = "U*t*l" }',
    '{ $.sourceIPAddress != 123.123.* }',
    '{ $.arrayKey[0] = "value" }',
    '{ $.arrayKey[*] = "another value" }',
    '{ $.objectList[1].id = 2 }',
    '{ $.objectList[*].name = b }',
    '{ $.SomeObject IS NULL }',
    '{ $.ThisFlag IS TRUE }',
    '{ $.Other NOT EXISTS }',
    '{ $.eventType = * }',
    '{ $.user = * }',
    '{ $["dotted.key"] = "x" }',
    "{ $['user'].id = 1 }",
    '{ $.n > 4 && $.n < 5 }',
    '{ $.n >= 4.5 && $.n <= 4.5 && $.n != 4 }',
    '{ $.big = 1200 }',
    '{ $.text = 404 }',
    '{ $.text = 4* }',
    '{ $.n = 4* }',
    '{ ($.user.id = 1) && ($.user.email = "John.*") }',
    '{ $.user.id = 2 && $.n = 9 || $.n > 4 }',
    '{ ($.user.id = 2 || $.user.id = 1) && $.n > 4 }',
    '{ $.user.email = %@example\\.com$% }',
    '{ $.sourceIPAddress != %^10\\.% }',
  ]
  test.each(yes)('%s', (pattern) => expect(fits(pattern, EVENT)).toBe(true))
  const no = [
    '{ $.eventType = "updatetrail" }',
    '{ $.eventType = "Update" }',
    '{ $.eventType = "*T*T*" }',
    '{ $.sourceIPAddress != 111.* }',
    '{ $.arrayKey = "value" }',
    '{ $.arrayKey != "value" }',
    '{ $.missing != 1 }',
    '{ $.missing = * }',
    '{ $.user NOT EXISTS }',
    '{ $.ThisFlag IS FALSE }',
    '{ $.n = "4.5" }',
    '{ $.eventType > 3 }',
    '{ $.user.id = 2 && ($.n = 9 || $.n > 4) }',
    '{ $.constructor EXISTS }',
  ]
  test.each(no)('not %s', (pattern) => expect(fits(pattern, EVENT)).toBe(false))

  test('asks nothing of what is no JSON', () => {
    for (const message of ['', 'text', `INFO ${EVENT}`, '{ broken', '5']) {
      expect(fits('{ $.a NOT EXISTS }', message)).toBe(false)
    }
  })
})

describe('fields', () => {
  const apache =
    '127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'
  table([
    ['[ip, user, name, time, request, code, bytes]', [apache], ['1 2 3 4 5 6']],
    ['[ip, user, name, time, request = *.html*, code = 4*, bytes]', [apache], []],
    ['[ip, user, name, time, request, code, bytes > 1534]', [], [apache]],
    ['[..., code = 404 || code = 410, bytes >= 1534]', [apache], ['x 405 2000']],
    ['[ip = 127.*, ...]', [apache], ['128.0.0.1 x']],
    ['[ip, ..., bytes = 1534]', [apache], ['1534']],
    ['[..., time = "10/Oct*", request, code, bytes]', [apache], []],
    ['[w1 = ERROR, w2]', ['ERROR 401 UNAUTHORIZED', 'ERROR x'], ['ERROR', 'x ERROR y']],
    ['[w1 != ERROR && w1 != WARN, w2]', ['INFO all well'], ['ERROR x y', 'WARN x']],
  ])
})

describe('what is no pattern is refused', () => {
  test.each([
    '{ $.a = }',
    '{ $.a = 1',
    '{ $.a = 1 } x',
    '{ $ = 1 }',
    '{ a = 1 }',
    '{ $.a > x }',
    '{ ($.a = 1 }',
    '{ $.a = 1 && }',
    '{ $.a = %a% && $.b = %b% && $.c = %c% }',
    '[a, b',
    '[..., a, ...]',
    '"open',
    '%open',
    '%a(b)%',
    '%a!%',
    '%[b-a]%',
    '%[a%',
    '%a{3,2}%',
    '%a{999}%',
    '%a|%',
    '?',
    'x'.repeat(1_025),
  ])('%s', (pattern) => {
    expect(() => parseLogPattern(pattern)).toThrow(
      expect.objectContaining({ code: 'InvalidParameterException' }),
    )
  })
})

describe('properties', () => {
  test('a phrase finds itself in any line around it', () => {
    const text = fc.string({ maxLength: 20 })
    fc.assert(
      fc.property(text, text, text, (before, phrase, after) => {
        const quoted = `"${phrase.replace(/["\\]/g, '\\$&')}"`
        return fits(quoted, before + phrase + after)
      }),
    )
  })

  test('regular expressions agree with JavaScript’s', () => {
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\d', '\\w', '[a-c]', '\\.')
    const count = fc.constantFrom('', '', '?', '*', '+', '{2}', '{1,2}', '{2,}')
    const branch = fc
      .tuple(
        fc.constantFrom('', '^'),
        fc.array(fc.tuple(atom, count), { minLength: 1, maxLength: 5 }),
        fc.constantFrom('', '$'),
      )
      .map(([start, parts, end]) => start + parts.flat().join('') + end)
    const regex = fc.array(branch, { minLength: 1, maxLength: 3 }).map((all) => all.join('|'))
    const line = fc.array(fc.constantFrom('a', 'b', 'c', '1', '.'), { maxLength: 12 })
    fc.assert(
      fc.property(regex, line, (text, parts) => {
        const message = parts.join('')
        expect(fits(`%${text}%`, message)).toBe(new RegExp(text, 's').test(message))
      }),
      { numRuns: 2_000 },
    )
  })

  test('no expression makes a search take long', () => {
    const line = 'a'.repeat(20_000)
    const startedAt = performance.now()
    expect(fits('%a*a*a*a*a*a*b%', line)).toBe(false)
    expect(fits('{ $.x = *a*a*a*a*b }', JSON.stringify({ x: line }))).toBe(false)
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  })
})
