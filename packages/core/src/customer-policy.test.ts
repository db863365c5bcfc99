// Policies with names of their own change by IAM's laws, and mean what their default version says.

import { describe, expect, test } from 'vitest'
import {
  addPolicyVersion,
  type CustomerPolicy,
  createPolicy,
  deletePolicyVersion,
  meaningOf,
  policyArn,
  requireUnused,
  useVersion,
} from './customer-policy.ts'
import { managedDocument, managedPolicy } from './managed-policies.ts'

const account = '000000000000'
const text = (Action: string) =>
  JSON.stringify({ Statement: { Effect: 'Allow', Action, Resource: '*' } })
const make = (wish: object = {}) =>
  createPolicy(
    { account, name: 'p', path: '/x/', text: text('lambda:A'), ...wish },
    { id: 'ANPA1', now: 1 },
  )
const add = (policy: CustomerPolicy, action: string, isDefault = false) =>
  addPolicyVersion(policy, { text: text(action), isDefault }, 2)
const actions = (policy: CustomerPolicy) =>
  meaningOf(policy).statements.flatMap(({ actions }) => actions.patterns)

test('a policy means what its default version says', () => {
  const policy = make()
  expect([policyArn(policy), actions(policy)]).toEqual([
    'arn:aws:iam::000000000000:policy/x/p',
    ['lambda:A'],
  ])
  const more = add(policy, 'lambda:B')
  expect([more.defaultVersion, actions(more)]).toEqual(['v1', ['lambda:A']])
  expect(actions(useVersion(more, 'v2', 3))).toEqual(['lambda:B'])
  expect(actions(add(policy, 'lambda:C', true))).toEqual(['lambda:C'])
})

test('a number is never used again', () => {
  const policy = deletePolicyVersion(add(make(), 'lambda:B'), 'v2')
  expect(add(policy, 'lambda:C').versions.map(({ id }) => id)).toEqual(['v1', 'v3'])
})

test('five versions are the most', () => {
  const five = ['B', 'C', 'D', 'E'].reduce((one, name) => add(one, `lambda:${name}`), make())
  expect(() => add(five, 'lambda:F')).toThrow('A managed policy can have up to 5 versions.')
})

test('white space does not count as length', () => {
  const long = text(`lambda:${'A'.repeat(6_000)}`)
  expect(() => make({ text: `${long}${' '.repeat(999)}` })).not.toThrow()
})

describe('refused is', () => {
  test.each<[string, () => unknown]>([
    ['policyName', () => make({ name: 'a b' })],
    ["'path'", () => make({ path: 'x' })],
    ['it is not JSON', () => make({ text: 'x' })],
    [
      'Cannot exceed quota for PolicySize: 6144',
      () => make({ text: text(`lambda:${'A'.repeat(6_144)}`) }),
    ],
    ['version v9 does not exist or is not attachable', () => useVersion(make(), 'v9', 2)],
    ['Cannot delete the default version', () => deletePolicyVersion(make(), 'v1')],
    ['Cannot delete a policy attached to entities.', () => requireUnused(make(), 1)],
    ['more than one version', () => requireUnused(add(make(), 'lambda:B'), 0)],
  ])('%s', (message, refused) => {
    expect(refused).toThrow(message)
  })
})

test('AWS’s policies show what is obeyed of them', () => {
  const arn = 'arn:aws:iam::aws:policy/service-role/AWSLambdaRole'
  const { Statement } = JSON.parse(managedDocument(arn) ?? '') as { Statement: object[] }
  expect(Statement).toEqual([{ Effect: 'Allow', Action: ['lambda:InvokeFunction'], Resource: '*' }])
  expect(managedPolicy(arn)?.statements[0]?.actions.patterns).toEqual(['lambda:InvokeFunction'])
  expect(managedDocument('arn:aws:iam::aws:policy/AmazonS3FullAccess')).toContain('"Statement":[]')
  expect(managedDocument('arn:aws:iam::aws:policy/AWSLambdaNew')).toBeUndefined()
})
