// Which forms are ours, where a sign-in may lead, and what the cookies say.

import { expect, test } from 'vitest'
import { readSession, readTheme, sessionCookie, themeCookie } from './cookies.ts'
import { isHttps, isOwnForm, isToken, ownPath } from './guard.ts'

const header = (all: Record<string, string>) => (name: string) => all[name]
const host = 'hearth.lan:4574'
const origin = `http://${host}`

test.each([
  [{ host, origin, 'sec-fetch-site': 'same-origin' }, true],
  [{ host, 'sec-fetch-site': 'same-origin' }, true],
  [{ host: 'gateway:4574', origin, 'sec-fetch-site': 'same-origin' }, true],
  [{ host: 'gateway:4574', origin }, false],
  [{ host, origin }, true],
  [{ host, origin: `https://${host}` }, true],
  [{ host }, false],
  [{ host, origin: 'null' }, false],
  [{ host, origin: 'http://hearth.lan' }, false],
  [{ host, origin: 'https://evil.example' }, false],
  [{ host, origin, 'sec-fetch-site': 'same-site' }, false],
  [{ host, origin, 'sec-fetch-site': 'cross-site' }, false],
  [{ host, origin, 'sec-fetch-site': 'none' }, false],
])('a form with %o is ours: %s', (headers, isOurs) => {
  expect(isOwnForm(header(headers))).toBe(isOurs)
})

test('a token is the session’s or none', () => {
  expect([isToken('a', 'a'), isToken('b', 'a'), isToken('', 'a'), isToken(undefined, 'a')]).toEqual(
    [true, false, false, false],
  )
})

test.each([
  ['/console/functions/f?q=a%20b&page=2', '/console/functions/f?q=a%20b&page=2'],
  ['/console', '/console'],
  ['/consoles', '/console'],
  ['//evil.example', '/console'],
  ['https://evil.example/console', '/console'],
  ['/console/\\evil', '/console'],
  ['/console\r\nset-cookie: a=b', '/console'],
  [undefined, '/console'],
])('signing in for %j leads to %s', (next, path) => {
  expect(ownPath(next)).toBe(path)
})

test.each(['/console/../function-urls/a/', '/console/%2e%2E/x', '/console/..', '/console/./a'])(
  'dots do not lead out: %s',
  (next) => expect(ownPath(next)).toBe('/console'),
)

test('cookies are for the console alone, and secure where the browser is', () => {
  const cookie = sessionCookie(host, 'sealed', false)
  expect(cookie).toBe(
    'hearth-console4574=sealed; Path=/console; Max-Age=43200; HttpOnly; SameSite=Strict',
  )
  expect(sessionCookie(host, 'sealed', true)).toBe(`${cookie}; Secure`)
  expect(sessionCookie('hearth.lan', '', false)).toContain('hearth-console=; ')
  expect(sessionCookie(host, '', false)).toContain('Max-Age=0')
  expect(readSession('a=b; hearth-console4574=sealed; c=d', host)).toBe('sealed')
  expect(readSession('hearth-console4574=sealed', 'hearth.lan:4575')).toBeUndefined()
  expect(readTheme(themeCookie('dark', false).split(';')[0])).toBe('dark')
  expect(readTheme('hearth-theme=purple')).toBeUndefined()
  expect(isHttps(header({ 'x-forwarded-proto': 'https' }))).toBe(true)
  expect(isHttps(header({ origin }))).toBe(false)
})
