// Policies decide as IAM does: tables of documents, operators and principals. Random
// policies are in policy-oracle.test.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AccessRequest, decide, type Principal, requireAllowed } from './authorisation.ts'
import { parsePolicy, readPolicy } from './policy.ts'
import type { Context } from './policy-condition.ts'
import { matchesArn, matchesText } from './policy-pattern.ts'

/** `make faults` asks for more. */
const CASES = Number(process.env.HEARTH_POLICY_CASES ?? 2_000)
const ACCOUNT = '000000000000'
const F = `arn:aws:lambda:us-east-1:${ACCOUNT}:function:f`
const ADA = `arn:aws:iam::${ACCOUNT}:user/ada`
const OTHER = '111111111111'

const statement = (more: object = {}) => ({
  Effect: 'Allow',
  Action: 'lambda:InvokeFunction',
  Resource: '*',
  ...more,
})
const document = (...statements: object[]) => ({ Version: '2012-10-17', Statement: statements })
const identity = (...statements: object[]) => readPolicy(document(...statements), 'identity')
const resource = (...statements: object[]) => readPolicy(document(...statements), 'resource')
const user = (...statements: object[]): Principal => ({
  kind: 'user',
  account: ACCOUNT,
  arn: ADA,
  policies: statements.length === 0 ? [] : [identity(...statements)],
})
const asks = (principal: Principal, more: Partial<AccessRequest> = {}) =>
  decide({
    principal,
    action: 'lambda:InvokeFunction',
    resource: F,
    account: ACCOUNT,
    context: new Map(),
    ...more,
  })

describe('a decision', () => {
  const allowed = { allowed: true }
  const refused = (by: string, explicit = false) => ({ allowed: false, explicit, by })
  const deny = statement({ Effect: 'Deny' })
  const to = (principal: unknown, more: object = {}) => statement({ Principal: principal, ...more })
  const elsewhere: Principal = {
    kind: 'user',
    account: OTHER,
    arn: `arn:aws:iam::${OTHER}:user/bob`,
    policies: [identity(statement())],
  }
  const service: Principal = { kind: 'service', name: 's3.amazonaws.com' }
  const nobody: Principal = { kind: 'anonymous' }

  test.each<[string, Principal, object[], object]>([
    ['nothing is allowed by default', user(), [], refused('identity')],
    ['an identity policy allows', user(statement()), [], allowed],
    ['an explicit deny wins', user(statement(), deny), [], refused('identity', true)],
    ['a resource policy allows by name', user(), [to({ AWS: ADA })], allowed],
    ['a grant to the account is no grant', user(), [to({ AWS: ACCOUNT })], refused('identity')],
    ['everybody is also somebody', user(), [to('*')], allowed],
    [
      'the resource may deny',
      user(statement()),
      [to({ AWS: ACCOUNT }, { Effect: 'Deny' })],
      refused('resource', true),
    ],
    ['another account needs consent', elsewhere, [], refused('resource')],
    ['of the resource', elsewhere, [to({ AWS: `arn:aws:iam::${OTHER}:root` })], allowed],
    [
      'and its own',
      { ...elsewhere, policies: [] } as Principal,
      [to({ AWS: OTHER })],
      refused('identity'),
    ],
    ['a service needs consent', service, [], refused('resource')],
    ['and may have it', service, [to({ Service: 's3.amazonaws.com' })], allowed],
    ['itself', service, [to({ Service: 'sns.amazonaws.com' })], refused('resource')],
    ['nobody in particular', nobody, [to({ AWS: ACCOUNT })], refused('resource')],
    ['is among everybody', nobody, [to({ AWS: '*' })], allowed],
    ['the root is bound by nothing', { kind: 'root', account: ACCOUNT }, [], allowed],
  ])('%s', (_, principal, statements, decision) => {
    const policy = statements.length > 0 ? { policy: resource(...statements) } : {}
    expect(asks(principal, policy)).toEqual(decision)
  })

  test.each<[object, string, string, boolean]>([
    [{ Action: 'lambda:*' }, 'lambda:GetFunction', F, true],
    [{ Action: 'LAMBDA:get*' }, 'lambda:GetFunction', F, true],
    [{ Action: ['lambda:GetFunctio?'] }, 'lambda:GetFunction', F, true],
    [{ Action: 'lambda:Get*' }, 'lambda:ListFunctions', '*', false],
    [{ Action: undefined, NotAction: 'lambda:Delete*' }, 'lambda:GetFunction', F, true],
    [{ Action: undefined, NotAction: 'lambda:Delete*' }, 'lambda:DeleteFunction', F, false],
    [{ Action: '*', Resource: F }, 'lambda:GetFunction', `${F}:1`, false],
    [{ Action: '*', Resource: `${F}*` }, 'lambda:GetFunction', `${F}:1`, true],
    [{ Action: '*', Resource: 'arn:aws:lambda' }, 'lambda:GetFunction', F, true],
    [{ Action: '*', Resource: 'arn:aws:*:function:f' }, 'lambda:GetFunction', F, false],
    [{ Action: '*', Resource: undefined, NotResource: F }, 'lambda:GetFunction', F, false],
    [{ Action: '*', Resource: undefined, NotResource: F }, 'lambda:GetFunction', `${F}g`, true],
  ])('%j has %s on %s: %s', (more, action, arn, isAllowed) => {
    expect(asks(user(statement(more)), { action, resource: arn }).allowed).toBe(isAllowed)
  })

  test('is told in AWS’s words', () => {
    const told = (principal: Principal) => () =>
      requireAllowed({
        principal,
        action: 'lambda:InvokeFunction',
        resource: F,
        account: ACCOUNT,
        context: new Map(),
      })
    const start = `User: ${ADA} is not authorized to perform: lambda:InvokeFunction on resource: ${F}`
    expect(told(user())).toThrow(
      `${start} because no identity-based policy allows the lambda:InvokeFunction action`,
    )
    expect(told(user(deny))).toThrow(`${start} with an explicit deny in an identity-based policy`)
  })
})

describe('a condition', () => {
  const context: Context = new Map<string, string | string[]>([
    ['aws:username', 'Ada'],
    ['aws:sourceip', '10.1.2.3'],
    ['aws:currenttime', '2026-01-02T03:04:05Z'],
    ['aws:sourcearn', 'arn:aws:s3:::photos'],
    ['aws:securetransport', 'false'],
    ['aws:epochtime', '1767322800'],
    ['aws:tagkeys', ['stage', 'team']],
    ['aws:lambda', ['x']],
  ])
  test.each<[string, string, unknown, boolean]>([
    ['StringEquals', 'aws:username', 'Ada', true],
    ['StringEquals', 'AWS:UserName', ['Bob', 'Ada'], true],
    ['StringEquals', 'aws:username', 'ada', false],
    ['StringEquals', 'aws:absent', 'x', false],
    ['StringEqualsIfExists', 'aws:absent', 'x', true],
    ['StringEqualsIfExists', 'aws:username', 'x', false],
    ['StringNotEquals', 'aws:username', ['Bob', 'Ada'], false],
    ['StringNotEquals', 'aws:absent', 'x', true],
    ['StringEqualsIgnoreCase', 'aws:username', 'ADA', true],
    ['StringNotEqualsIgnoreCase', 'aws:username', 'ADA', false],
    ['StringLike', 'aws:username', 'A?a', true],
    ['StringNotLike', 'aws:username', 'A*', false],
    ['ArnLike', 'aws:sourcearn', 'arn:aws:s3:::ph*', true],
    ['ArnEquals', 'aws:sourcearn', 'arn:aws:s3:*', true],
    ['ArnNotLike', 'aws:sourcearn', 'arn:aws:s3:::ph*', false],
    ['ArnNotEquals', 'aws:sourcearn', 'arn:aws:sns:::x', true],
    ['Bool', 'aws:securetransport', 'False', true],
    ['Bool', 'aws:securetransport', true, false],
    ['Bool', 'aws:absent', 'false', false],
    ['NumericLessThan', 'aws:epochtime', 1767322801, true],
    ['NumericGreaterThanEquals', 'aws:epochtime', '1767322800', true],
    ['NumericEquals', 'aws:username', '3', false],
    ['NumericNotEquals', 'aws:epochtime', '3', true],
    ['DateGreaterThan', 'aws:currenttime', '2026-01-01T00:00:00Z', true],
    ['DateLessThan', 'aws:currenttime', '1700000000', false],
    ['DateNotEquals', 'aws:currenttime', '2026-01-02T03:04:05Z', false],
    ['IpAddress', 'aws:sourceip', '10.1.0.0/16', true],
    ['IpAddress', 'aws:sourceip', '10.1.2.3', true],
    ['NotIpAddress', 'aws:sourceip', ['10.2.0.0/16', '10.1.0.0/16'], false],
    ['NotIpAddress', 'aws:sourceip', '2001:db8::/32', true],
    ['Null', 'aws:absent', 'true', true],
    ['Null', 'aws:username', 'true', false],
    ['Null', 'aws:username', false, true],
    ['ForAnyValue:StringEquals', 'aws:tagkeys', ['team', 'cost'], true],
    ['ForAnyValue:StringEquals', 'aws:absent', ['team'], false],
    ['ForAnyValue:StringNotEquals', 'aws:absent', ['team'], false],
    ['ForAllValues:StringLike', 'aws:tagkeys', ['t*', 's*'], true],
    ['ForAllValues:StringEquals', 'aws:tagkeys', ['team'], false],
    ['ForAllValues:StringEquals', 'aws:absent', ['team'], true],
    ['ForAllValues:StringNotEquals', 'aws:tagkeys', ['team'], false],
  ])('%s %s %j: %s', (operator, key, value, holds) => {
    const own = user(statement({ Condition: { [operator]: { [key]: value } } }))
    expect(asks(own, { context }).allowed).toBe(holds)
  })

  test('has all its operators and keys to hold', () => {
    const own = (Condition: object) => asks(user(statement({ Condition })), { context }).allowed
    const both = { 'aws:username': 'Ada', 'aws:securetransport': 'false' }
    expect(own({ StringEquals: both })).toBe(true)
    expect(own({ StringEquals: { ...both, 'aws:username': 'Bob' } })).toBe(false)
    expect(own({ StringEquals: both, Bool: { 'aws:securetransport': true } })).toBe(false)
  })
})

describe('a document', () => {
  const broken: [string, unknown, 'identity' | 'resource'][] = [
    ['it is not an object', [], 'identity'],
    ['it has no Statement', { Version: '2012-10-17' }, 'identity'],
    ['it has no Statement', document(), 'identity'],
    ['its Version is none of', { Version: '2020-01-01', Statement: statement() }, 'identity'],
    ['Statements is no member', { Statements: [] }, 'identity'],
    ['NotPrincipal is no member', document(statement({ NotPrincipal: '*' })), 'resource'],
    ['an Effect is neither', document(statement({ Effect: 'allow' })), 'identity'],
    ['names no Principal', document(statement({ Principal: '*' })), 'identity'],
    ['names no Principal', document(statement()), 'resource'],
    ['either Action or NotAction', document(statement({ NotAction: '*' })), 'identity'],
    ['either Resource or', document(statement({ Resource: undefined })), 'identity'],
    ['Invoke is no action', document(statement({ Action: 'Invoke' })), 'identity'],
    ['f is no resource', document(statement({ Resource: 'f' })), 'identity'],
    ['a policy variable', document(statement({ Resource: 'arn:aws:x:::$' + '{y}' })), 'identity'],
    [
      'a Sid is there twice',
      document(statement({ Sid: 'a' }), statement({ Sid: 'a' })),
      'identity',
    ],
    ['ada is no principal', document(statement({ Principal: { AWS: 'ada' } })), 'resource'],
    ['Federated is no member', document(statement({ Principal: { Federated: 'x' } })), 'resource'],
    ['no operator', document(statement({ Condition: { BinaryEquals: { k: 'a' } } })), 'identity'],
    ['no operator', document(statement({ Condition: { NullIfExists: { k: 'a' } } })), 'identity'],
    ['not a number', document(statement({ Condition: { NumericEquals: { k: 'a' } } })), 'identity'],
    ['not true or false', document(statement({ Condition: { Bool: { k: 'a' } } })), 'identity'],
    ['not a date', document(statement({ Condition: { DateEquals: { k: 'a' } } })), 'identity'],
    ['not an ARN', document(statement({ Condition: { ArnLike: { k: 'a' } } })), 'identity'],
    ['not an address', document(statement({ Condition: { IpAddress: { k: 'a' } } })), 'identity'],
    ['compared with text', document(statement({ Condition: { Bool: { k: {} } } })), 'identity'],
  ]
  test.each(broken)('is refused because %s', (why, given, kind) => {
    expect(() => readPolicy(given, kind)).toThrow(why)
  })

  test('is JSON of a bounded size', () => {
    expect(() => parsePolicy('{', 'identity')).toThrow('it is not JSON')
    expect(() => parsePolicy(' '.repeat(30_000), 'identity')).toThrow('20480 characters')
  })
})

test('wildcards match what the same regular expression does, and never take long', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', ':', '.'), maxLength: 12 })
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', ':', '*', '?', '.'), maxLength: 12 })
  fc.assert(
    fc.property(pattern, text, (wanted, given) => {
      const source = wanted.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')
      expect(matchesText(wanted, given)).toBe(new RegExp(`^${source}$`).test(given))
    }),
    { numRuns: CASES },
  )
  const began = performance.now()
  expect(matchesText(`${'*a'.repeat(500)}b`, 'a'.repeat(10_000))).toBe(false)
  expect(performance.now() - began).toBeLessThan(5_000)
  expect(matchesArn('*', 'arn:aws:lambda')).toBe(true)
})
