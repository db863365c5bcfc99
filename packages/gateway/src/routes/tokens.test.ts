// AssumeRole gives a session to whom the role trusts and nobody else, whatever he may do otherwise.

import { type Policy, readPolicy } from '@hearth/core/policy'
import { createRole, LAMBDA_TRUST } from '@hearth/core/role'
import { createEnvelope } from '@hearth/store/envelope'
import { openSession } from '@hearth/store/sessions'
import { expect, test } from 'vitest'
import type { Asker } from '../access.ts'
import { assumeRole } from './tokens.ts'

const ACCOUNT = '000000000000'
const ADA = `arn:aws:iam::${ACCOUNT}:user/ada`
const ARN = `arn:aws:iam::${ACCOUNT}:role/deploy`
const envelope = createEnvelope([Buffer.alloc(32, 1)])
const everything = readPolicy(
  { Statement: { Effect: 'Allow', Action: '*', Resource: '*' } },
  'identity',
)
const trusting = (Principal: unknown) =>
  JSON.stringify({ Statement: { Effect: 'Allow', Principal, Action: 'sts:AssumeRole' } })

function assume(trust: string, policies: readonly Policy[], more: Record<string, string> = {}) {
  const principal = { kind: 'user', account: ACCOUNT, arn: ADA, policies } as const
  const asker: Asker = {
    identity: { accessKeyId: 'AKIA1', userId: 'AIDA1', principal },
    place: { account: ACCOUNT, region: 'us-east-1' },
    request: { headers: {}, socket: {} } as never,
  }
  const role = createRole({ account: ACCOUNT, name: 'deploy', trust }, { id: 'AROA1', now: 0 })
  const form = new URLSearchParams({ RoleArn: ARN, RoleSessionName: 'me', ...more })
  const roleRecords = {
    cached: (_: string, name: string) => (name === 'deploy' ? role : undefined),
  }
  const answer = assumeRole(form, asker, { envelope, roleRecords })
  return (answer as { Credentials: Record<string, string> }).Credentials
}

test.each<[string, string, readonly Policy[], boolean]>([
  ['trusts Lambda alone', LAMBDA_TRUST, [everything], false],
  ['trusts the account', trusting({ AWS: ACCOUNT }), [everything], true],
  ['trusts the account', trusting({ AWS: ACCOUNT }), [], false],
  ['trusts him', trusting({ AWS: ADA }), [], true],
  ['trusts another', trusting({ AWS: `${ADA}2` }), [everything], false],
])('a role that %s (%#)', (_, trust, policies, isAllowed) => {
  const assuming = () => assume(trust, policies)
  if (isAllowed) expect(assuming).not.toThrow()
  else expect(assuming).toThrow(`not authorized to perform: sts:AssumeRole on resource: ${ARN}`)
})

test('a session ends when it was asked to, within what the role allows', () => {
  const trust = trusting({ AWS: ADA })
  const { SessionToken = '', Expiration = '' } = assume(trust, [], { DurationSeconds: '900' })
  const session = openSession(envelope, SessionToken)
  expect(session).toMatchObject({ role: 'deploy', name: 'me' })
  expect(new Date(session?.expiresAt ?? 0).toISOString()).toBe(Expiration)
  expect(Math.abs(Date.parse(Expiration) - Date.now() - 900_000)).toBeLessThan(60_000)
  for (const seconds of ['60', '7200', 'x']) {
    expect(() => assume(trust, [], { DurationSeconds: seconds })).toThrow('DurationSeconds')
  }
})

test.each([
  [{ RoleArn: `${ARN}2` }, 'not authorized'],
  [{ RoleArn: ARN.replace('role/', 'role/x/') }, 'not authorized'],
  [{ RoleSessionName: 'a b' }, 'roleSessionName'],
  [{ Policy: '{}' }, 'session policies'],
])('%j is refused', (more, message) => {
  expect(() => assume(trusting({ AWS: ACCOUNT }), [everything], more)).toThrow(message)
})
