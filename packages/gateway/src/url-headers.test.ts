// What a function's answer may say to a browser of the origin that it shares with the console.

import { expect, test } from 'vitest'
import { SANDBOX, withOwn } from './url-headers.ts'

const theirs = {
  'set-cookie': ['Hearth-console4574=x', 'a=b', 'c=d; Path=/console/functions'],
  'clear-site-data': '"cookies"',
  'x-own': 'kept',
}

test('a sandboxed answer rules nothing of the origin, and no cookie of the console', () => {
  expect(withOwn(theirs, SANDBOX)).toEqual({
    'set-cookie': ['a=b'],
    'x-own': 'kept',
    ...SANDBOX,
  })
})

test('under a name of its own an answer says what it will', () => {
  expect(withOwn(theirs, {})).toEqual(theirs)
})

test('a policy of the function holds beside the sandbox', () => {
  const policy = "default-src 'self'"
  expect(withOwn({ 'content-security-policy': policy }, SANDBOX)).toEqual({
    'content-security-policy': `${policy}, ${SANDBOX['content-security-policy']}`,
  })
})
