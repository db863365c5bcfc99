// Tables of how Kafka is signed in to, and of secrets that are not there or not whole.

import { expect, test } from 'vitest'
import { accessOf } from './kafka-access.ts'

const SECRETS: Record<string, unknown> = {
  user: { username: 'u', password: 'p' },
  open: { username: 'u', password: 'p', protocol: 'SASL_PLAINTEXT' },
  client: { certificate: 'CERT', privateKey: 'KEY', privateKeyPassword: 'word' },
  root: { certificate: 'CA' },
  half: { username: 'u' },
}
const readSecret = async (uri: string) => {
  if (uri === 'broken') return 'hunter2'
  if (!SECRETS[uri]) throw new Error(`there is no secret ${uri}`)
  return JSON.stringify(SECRETS[uri])
}
const access = (...pairs: [type: string, uri: string][]) =>
  accessOf(
    pairs.map(([type, uri]) => ({ type, uri })),
    readSecret,
  )
const sasl = (mechanism: string) => ({ mechanism, username: 'u', password: 'p' })

test.each([
  ['nothing', [], {}],
  ['a network alone', [['VPC_SUBNET', 'subnet:a']], {}],
  ['PLAIN', [['BASIC_AUTH', 'user']], { sasl: sasl('PLAIN'), tls: {} }],
  ['SCRAM 256', [['SASL_SCRAM_256_AUTH', 'user']], { sasl: sasl('SCRAM-SHA-256'), tls: {} }],
  ['in the clear', [['SASL_SCRAM_512_AUTH', 'open']], { sasl: sasl('SCRAM-SHA-512') }],
  [
    'a certificate',
    [['CLIENT_CERTIFICATE_TLS_AUTH', 'client']],
    { tls: { cert: 'CERT', key: 'KEY', passphrase: 'word' } },
  ],
  ...(['root first', 'root last'] as const).map((name) => {
    const pairs: [string, string][] = [
      ['SERVER_ROOT_CA_CERTIFICATE', 'root'],
      ['BASIC_AUTH', 'user'],
    ]
    if (name === 'root last') pairs.reverse()
    return [name, pairs, { sasl: sasl('PLAIN'), tls: { ca: 'CA' } }] as const
  }),
] as const)('signs in by %s', async (_, pairs, expected) => {
  const given = (pairs as readonly (readonly [string, string])[]).map(
    ([type, uri]): [string, string] => [type, uri],
  )
  expect(await access(...given)).toEqual(expected)
})

test.each([
  ['BASIC_AUTH', 'none', 'there is no secret none'],
  ['BASIC_AUTH', 'half', 'the secret half has no password'],
  ['VIRTUAL_HOST', 'user', 'Kafka is not signed in to by VIRTUAL_HOST'],
])('refuses %s with %s', async (type, uri, message) => {
  await expect(access([type, uri])).rejects.toThrow(message)
})

test('never shows a secret that it cannot read', async () => {
  await expect(access(['BASIC_AUTH', 'broken'])).rejects.toThrow(/^(?!.*hunter2).*JSON object/)
})
