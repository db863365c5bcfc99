// Signatures as the libraries of Standard Webhooks expect them: their own example, and our forms of
// secrets.

import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { signatureOf } from './webhook-signature.ts'

const signed = {
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestamp: 1614265330,
  body: '{"test": 2432232314}',
}
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const SIGNATURE = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='

test("the standard's own example has the standard's own signature", () => {
  expect(signatureOf(signed, [SECRET])).toBe(SIGNATURE)
})

test('two secrets make two signatures, so that one can replace the other', () => {
  const [first, second, ...rest] = signatureOf(signed, ['whsec_b3RoZXI=', SECRET]).split(' ')
  expect(first).toMatch(/^v1,[A-Za-z0-9+/]{43}=$/)
  expect(second).toBe(SIGNATURE)
  expect(rest).toEqual([])
})

test('a secret in no form is a key as it is', () => {
  const text = `${signed.id}.${signed.timestamp}.${signed.body}`
  const expected = createHmac('sha256', 'plain words').update(text).digest('base64')
  expect(signatureOf(signed, ['plain words'])).toBe(`v1,${expected}`)
})
