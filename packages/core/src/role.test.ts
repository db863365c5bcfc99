// Roles change by IAM's laws, and what a role may do is what its policies say, no more and no less.

import { describe, expect, test } from 'vitest'
import { decide } from './authorisation.ts'
import {
  attachRolePolicy,
  createRole,
  deleteRolePolicy,
  detachRolePolicy,
  LAMBDA_TRUST,
  policiesOf,
  putRolePolicy,
  type Role,
  requireBare,
  roleArn,
  roleNameOf,
  trustRole,
  updateRole,
} from './role.ts'

const account = '000000000000'
const AWS = 'arn:aws:iam::aws:policy/'
const role = createRole(
  { account, name: 'worker', path: '/x/', trust: LAMBDA_TRUST },
  { id: 'AROA1', now: 0 },
)
const policy = (Action: string) =>
  JSON.stringify({ Statement: { Effect: 'Allow', Action, Resource: '*' } })
const untrusting = policy('sts:AssumeRole').replace(',"Resource":"*"', '')
const may = (action: string, of: Role | undefined) =>
  decide({
    principal: { kind: 'role', account, arn: 'arn:aws:sts::1:x', policies: policiesOf(of) },
    action,
    resource: 'arn:aws:lambda:us-east-1:000000000000:function:f',
    account,
    context: new Map(),
  }).allowed

test('a role that nobody made invokes and writes logs, one that was made does nothing', () => {
  expect(['lambda:InvokeFunction', 'logs:PutLogEvents'].map((one) => may(one, undefined))).toEqual([
    true,
    true,
  ])
  expect(may('lambda:GetFunction', undefined)).toBe(false)
  expect(may('lambda:InvokeFunction', role)).toBe(false)
})

test('a role does what its own and its attached policies say', () => {
  const own = putRolePolicy(role, 'p', policy('lambda:Get*'))
  expect([may('lambda:GetFunction', own), may('lambda:InvokeFunction', own)]).toEqual([true, false])
  const both = attachRolePolicy(own, `${AWS}service-role/AWSLambdaRole`)
  expect(may('lambda:InvokeFunction', both)).toBe(true)
  const left = deleteRolePolicy(both, 'p')
  expect([may('lambda:GetFunction', left), may('lambda:InvokeFunction', left)]).toEqual([
    false,
    true,
  ])
  expect(() => requireBare(left)).toThrow('must detach all policies first')
  expect(() => requireBare(own)).toThrow('must delete policies first')
  expect(() =>
    requireBare(detachRolePolicy(left, `${AWS}service-role/AWSLambdaRole`)),
  ).not.toThrow()
})

test('policies of AWS about services that are not here allow nothing, unknown ones are refused', () => {
  const s3 = attachRolePolicy(role, `${AWS}AmazonS3FullAccess`)
  expect([s3.attached.length, may('lambda:GetFunction', s3)]).toEqual([1, false])
  expect(may('lambda:GetFunction', attachRolePolicy(role, `${AWS}AdministratorAccess`))).toBe(true)
  for (const arn of [`${AWS}AWSLambdaNew`, 'arn:aws:iam::000000000000:policy/mine']) {
    expect(() => attachRolePolicy(role, arn)).toThrow('does not exist or is not attachable')
  }
})

describe('refused is', () => {
  test.each<[string, () => unknown]>([
    ['cannot be found', () => deleteRolePolicy(role, 'constructor')],
    ['was not found', () => detachRolePolicy(role, AWS)],
    ['it is not JSON', () => putRolePolicy(role, 'p', 'x')],
    ['names no Principal', () => trustRole(role, untrusting)],
    [
      'is its own Resource',
      () => trustRole(role, policy('*').replace('"Effect"', '"Principal":"*","Effect"')),
    ],
    ['between 3600 and 43200', () => updateRole(role, { sessionSecondsMax: 60 })],
    [
      'roleName',
      () => createRole({ account, name: 'a b', trust: LAMBDA_TRUST }, { id: '', now: 0 }),
    ],
    ['20 policies at most', () => full()],
  ])('%s', (message, refused) => {
    expect(refused).toThrow(message)
  })
  function full() {
    let one = role
    for (let count = 0; count < 21; count += 1) one = putRolePolicy(one, `p${count}`, policy('*'))
  }
})

test('a role is found by the last part of its ARN', () => {
  expect(roleArn(role)).toBe('arn:aws:iam::000000000000:role/x/worker')
  expect(roleNameOf(roleArn(role))).toBe('worker')
})
