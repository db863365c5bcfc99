// Whose a key is: the operator's, a user's or a session's; what has ended, was taken away or was
// sealed under another master key opens nothing.

import { addPolicyVersion, createPolicy, policyArn } from '@hearth/core/customer-policy'
import { attachRolePolicy, createRole, LAMBDA_TRUST, putRolePolicy } from '@hearth/core/role'
import { type AccessKey, accessKeyPurpose } from '@hearth/store/access-keys'
import { createEnvelope } from '@hearth/store/envelope'
import { issueSession, openSession } from '@hearth/store/sessions'
import { expect, test } from 'vitest'
import { createIdentities } from './identities.ts'

const ACCOUNT = '000000000000'
const NOW = Date.UTC(2026, 0, 1)
const envelope = createEnvelope([Buffer.alloc(32, 1)])
const key: AccessKey = {
  account: ACCOUNT,
  id: 'AKIA1',
  name: 'ada',
  secret: envelope.seal('secret', accessKeyPurpose('AKIA1')),
  createdAt: NOW,
}
const allow = (Action: string) =>
  JSON.stringify({ Statement: { Effect: 'Allow', Action, Resource: '*' } })
const wish = { account: ACCOUNT, name: 'worker', path: '/x/', trust: LAMBDA_TRUST }
const role = putRolePolicy(
  createRole(wish, { id: 'AROA1', now: NOW }),
  'p',
  allow('lambda:GetFunction'),
)
let policy = createPolicy(
  { account: ACCOUNT, name: 'own', text: allow('lambda:ListFunctions') },
  { id: 'ANPA1', now: NOW },
)
const bearer = attachRolePolicy(
  createRole({ ...wish, name: 'bearer' }, { id: 'AROA2', now: NOW }),
  policyArn(policy),
  () => ({ statements: [] }),
)
const make = (used = envelope) =>
  createIdentities({
    account: ACCOUNT,
    rootKeys: new Map([['hearth', 'root secret']]),
    accessKeys: { cached: (id) => [key].find((one) => one.id === id) },
    roleRecords: { cached: (_, name) => [role, bearer].find((one) => one.name === name) },
    policyRecords: { cached: (_, name) => [policy].find((one) => one.name === name) },
    envelope: used,
  })
const session = (name: string, expiresAt = NOW + 1) =>
  issueSession(envelope, { account: ACCOUNT, role: name, name: 'f', expiresAt })

test('a root key is the account’s, and a user’s key the user’s', () => {
  const identities = make()
  const root = identities.find('hearth', undefined, NOW)
  expect(root).toMatchObject({ secret: 'root secret', principal: { kind: 'root' } })
  expect(identities.find('AKIA1', undefined, NOW)).toMatchObject({
    secret: 'secret',
    principal: { kind: 'user', arn: `arn:aws:iam::${ACCOUNT}:user/ada` },
    userName: 'ada',
  })
  expect(identities.find('AKIA2', undefined, NOW)).toBeUndefined()
})

test('a key that was sealed under another master key opens nothing', () => {
  const other = createEnvelope([Buffer.alloc(32, 2)])
  expect(make(other).find('AKIA1', undefined, NOW)).toBeUndefined()
})

test('a session is its role’s, with the policies that this has now', () => {
  const { accessKeyId, secretAccessKey, sessionToken } = session('worker')
  const found = make().find(accessKeyId, sessionToken, NOW)
  expect(found).toMatchObject({
    secret: secretAccessKey,
    userId: 'AROA1:f',
    principal: {
      kind: 'role',
      arn: `arn:aws:sts::${ACCOUNT}:assumed-role/worker/f`,
      alias: `arn:aws:iam::${ACCOUNT}:role/x/worker`,
    },
  })
  const [policy] = found?.principal.kind === 'role' ? found.principal.policies : []
  expect(policy?.statements[0]?.actions.patterns).toEqual(['lambda:GetFunction'])
})

test('policies of the account’s own count as they are now', () => {
  const { accessKeyId, sessionToken } = session('bearer')
  const identities = make()
  const actions = () => {
    const { principal } = identities.find(accessKeyId, sessionToken, NOW) ?? {}
    const policies = principal?.kind === 'role' ? principal.policies : []
    return policies.flatMap(({ statements }) => statements[0]?.actions.patterns)
  }
  expect(actions()).toEqual(['lambda:ListFunctions'])
  policy = addPolicyVersion(policy, { text: allow('lambda:Get*'), isDefault: true }, NOW)
  expect(actions()).toEqual(['lambda:Get*'])
})

test('a role that nobody made may invoke and write logs', () => {
  const { accessKeyId, sessionToken } = session('nobody')
  const { principal } = make().find(accessKeyId, sessionToken, NOW) ?? {}
  const [policy] = principal?.kind === 'role' ? principal.policies : []
  expect(policy?.statements[0]?.actions.patterns).toContain('lambda:InvokeFunction')
})

test('a session ends, and is nobody’s with another token or none', () => {
  const identities = make()
  const one = session('worker')
  const two = session('worker')
  expect(() => identities.find(one.accessKeyId, one.sessionToken, NOW + 1)).toThrow('is expired')
  expect(identities.find(one.accessKeyId, two.sessionToken, NOW)).toBeUndefined()
  expect(identities.find(one.accessKeyId, undefined, NOW)).toBeUndefined()
  expect(identities.find(one.accessKeyId, `${one.sessionToken}A`, NOW)).toBeUndefined()
  expect(openSession(envelope, envelope.seal('{}', 'something else'))).toBeUndefined()
})
