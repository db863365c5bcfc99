// Who gets a session, what ends it, and who may not try any more.

import { randomBytes } from 'node:crypto'
import { createEnvelope } from '@hearth/store/envelope'
import { expect, test } from 'vitest'
import type { KnownKey } from '../identities.ts'
import {
  ADDRESS_TRIES_MAX,
  type FailedSignIns,
  openFailedSignIns,
  TRIES_MAX,
  type Try,
} from './failed-sign-ins.ts'
import { openSessions, SESSION_SECONDS } from './session.ts'

const keys = new Map<string, KnownKey>()
const envelope = createEnvelope([randomBytes(32)])
const sessions = openSessions(envelope, { find: (id) => keys.get(id) })
const key = (secret: string): KnownKey => ({
  ...{ accessKeyId: 'ada', secret, userId: 'ada' },
  principal: { kind: 'root', account: '000000000000' },
})

test('a session is its key’s, and ends with it, with its secret, and with time', () => {
  keys.set('ada', key('right'))
  expect(sessions.begin('ada', 'wrong', 0)).toBeUndefined()
  expect(sessions.begin('bob', 'right', 0)).toBeUndefined()
  expect(sessions.begin('ada', '', 0)).toBeUndefined()
  const cookie = sessions.begin('ada', 'right', 0) ?? ''
  const open = (now: number) => sessions.open(cookie, now)
  expect(open(1)?.identity).toEqual({ ...key('right'), secret: undefined })
  expect(open(1)?.session.formToken).toHaveLength(32)
  expect(open(SESSION_SECONDS * 1000)).toBeUndefined()
  keys.set('ada', key('another'))
  expect(open(1)).toBeUndefined()
  keys.set('ada', key('right'))
  expect(open(1)).toBeDefined()
  keys.delete('ada')
  expect(open(1)).toBeUndefined()
})

test('a cookie that was changed, sealed elsewhere or for something else is none', () => {
  keys.set('ada', key('right'))
  const cookie = sessions.begin('ada', 'right', 0) ?? ''
  const [id, body = ''] = cookie.split('.')
  const changed = `${id}.${body.startsWith('A') ? 'B' : 'A'}${body.slice(1)}`
  const elsewhere = openSessions(createEnvelope([randomBytes(32)]), { find: (id) => keys.get(id) })
  const text = JSON.stringify(sessions.open(cookie, 1)?.session)
  const others = [changed, '', 'x', elsewhere.begin('ada', 'right', 0), 'A'.repeat(5_000)]
  others.push(envelope.seal(text, 'session'))
  for (const one of others) expect(sessions.open(one ?? '', 1)).toBeUndefined()
})

const from = (address: string, accessKeyId: string) => ({ address, accessKeyId })
function fail(failed: FailedSignIns, times: number, one: (count: number) => Try): void {
  for (let count = 0; count < times; count += 1) failed.add(one(count), 1_000)
}

test('a key that fails too often from an address waits, and nobody else does', () => {
  const failed = openFailedSignIns()
  const ada = from('192.0.2.1', 'ada')
  fail(failed, TRIES_MAX - 1, () => ada)
  expect(failed.waitSeconds(ada, 1_000)).toBe(0)
  fail(failed, 1, () => ada)
  expect(failed.waitSeconds(ada, 2_000)).toBe(299)
  expect(failed.waitSeconds(from('192.0.2.1', 'bob'), 2_000)).toBe(0)
  expect(failed.waitSeconds(from('192.0.2.2', 'ada'), 2_000)).toBe(0)
  failed.succeeded(from('192.0.2.1', 'bob'), 2_000)
  expect(failed.waitSeconds(ada, 2_000)).toBe(299)
  expect(failed.waitSeconds(ada, 301_000)).toBe(0)
})

test('a good sign-in forgets what its own key had failed', () => {
  const failed = openFailedSignIns()
  const ada = from('192.0.2.1', 'ada')
  fail(failed, TRIES_MAX - 1, () => ada)
  failed.succeeded(ada, 1_000)
  fail(failed, TRIES_MAX - 1, () => ada)
  expect(failed.waitSeconds(ada, 1_000)).toBe(0)
})

test('many keys from one address wait, but those that signed in from there before', () => {
  const failed = openFailedSignIns()
  const bob = from('192.0.2.1', 'bob')
  failed.succeeded(bob, 1_000)
  fail(failed, ADDRESS_TRIES_MAX, (count) => from('192.0.2.1', `guess-${count}`))
  expect(failed.waitSeconds(from('192.0.2.1', 'one more'), 2_000)).toBe(299)
  expect(failed.waitSeconds(bob, 2_000)).toBe(0)
  expect(failed.waitSeconds(from('192.0.2.2', 'one more'), 2_000)).toBe(0)
  fail(failed, TRIES_MAX, () => bob)
  expect(failed.waitSeconds(bob, 2_000)).toBe(299)
})

test('addresses of one IPv6 network are one', () => {
  const failed = openFailedSignIns()
  fail(failed, TRIES_MAX, (count) => from(`2001:db8:0:7::${count}`, 'ada'))
  expect(failed.waitSeconds(from('2001:db8:0:7:ffff::1', 'ada'), 1_000)).toBe(300)
  expect(failed.waitSeconds(from('2001:db8:0:8::1', 'ada'), 1_000)).toBe(0)
})

test('what is remembered is bounded, and ids of keys are cut', () => {
  const failed = openFailedSignIns()
  const long = 'x'.repeat(5_000)
  fail(failed, TRIES_MAX, (count) => from('192.0.2.1', long + count))
  expect(failed.waitSeconds(from('192.0.2.1', long), 1_000)).toBe(300)
  fail(failed, 10_000, (count) => from(`192.0.2.2`, `guess-${count}`))
  expect(failed.waitSeconds(from('192.0.2.1', long), 1_000)).toBe(0)
})
