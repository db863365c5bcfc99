// Each operation is asked for by its own action on its own resource, with what is known of it; root
// is let pass whatever it asks.

import { publishLayer } from '@hearth/core/layer'
import { addLayerPermission } from '@hearth/core/layer-policy'
import { readPolicy } from '@hearth/core/policy'
import { expect, test } from 'vitest'
import { type Asker, requireOperation, requireTarget } from './access.ts'
import type { Identity } from './identities.ts'

const place = { account: '000000000000', region: 'us-east-1' }
const ARN = 'arn:aws:lambda:us-east-1:000000000000'
const LOGS = 'arn:aws:logs:us-east-1:000000000000:log-group'
const request = { headers: { 'user-agent': 'curl' }, socket: { remoteAddress: '::ffff:10.0.0.1' } }
const functions = { cached: () => ({ tags: { team: 'core' } }) as never }
const mappings = { cached: () => ({ functionName: 'f' }) as never }
/** Version 1 is everybody's. */
const layers = {
  cached: () => publishLayer({ account: place.account, name: 'l' }, undefined, LAYER).document,
}
const LAYER = {
  ...{ description: '', code: { sha256: '', size: 0 }, runtimes: [], architectures: [] },
  createdAt: 0,
  policy: addLayerPermission(
    undefined,
    { id: 's', action: 'lambda:GetLayerVersion', principal: '*' },
    { resource: `${ARN}:layer:l:1`, revisionId: '' },
  ).policy,
}

function asker(principal: Identity['principal']): Asker {
  const identity = { accessKeyId: 'AKIA1', userId: 'AIDA1', userName: 'ada', principal }
  return { identity, place, request: request as never }
}
const user = (...statements: object[]) =>
  asker({
    kind: 'user',
    account: place.account,
    arn: 'arn:aws:iam::000000000000:user/ada',
    policies: [readPolicy({ Statement: statements }, 'identity')],
  })
const allow = (Resource: string, Condition: object = {}) =>
  user({ Effect: 'Allow', Action: '*', Resource, Condition })
const known = { functions, mappings, layers }
const ask = (who: Asker, name: string, input: object) => () =>
  requireOperation(who, name, { input: input as Record<string, unknown>, ...known })

test.each<[string, object, string]>([
  ['GetFunction', { FunctionName: 'f' }, `${ARN}:function:f`],
  ['GetFunction', { FunctionName: `${ARN}:function:f:1` }, `${ARN}:function:f`],
  ['GetEventSourceMapping', { UUID: 'u' }, `${ARN}:event-source-mapping:u`],
  ['ListEventSourceMappings', { FunctionName: 'f' }, '*'],
  ['ListFunctions', {}, '*'],
  ['ListTags', { Resource: `${ARN}:function:f` }, `${ARN}:function:f`],
  ['GetResourcePolicy', { ResourceArn: `${ARN}:function:f:1` }, `${ARN}:function:f:1`],
  ['GetLayerVersion', { LayerName: 'l', VersionNumber: 2 }, `${ARN}:layer:l:2`],
])('%s of %j is on %s', (name, input, resource) => {
  const words = `ada is not authorized to perform: lambda:${name} on resource: ${resource} because`
  expect(ask(user({ Effect: 'Allow', Action: 'sts:*', Resource: '*' }), name, input)).toThrow(words)
  expect(ask(allow(resource), name, input)).not.toThrow()
  expect(ask(allow(`${resource}x`.replace('*x', 'arn:x')), name, input)).toThrow(words)
})

test.each<[string, object, object]>([
  ['GetFunction', { FunctionName: 'f' }, { StringEquals: { 'aws:ResourceTag/team': 'core' } }],
  ['GetFunction', { FunctionName: 'f' }, { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }],
  ['GetFunction', { FunctionName: 'f' }, { StringEquals: { 'aws:username': 'ada' } }],
  ['GetFunction', { FunctionName: 'f' }, { DateGreaterThan: { 'aws:CurrentTime': '2020-01-01' } }],
  ['DeleteEventSourceMapping', { UUID: 'u' }, { ArnLike: { 'lambda:FunctionArn': `${ARN}:*:f` } }],
  ['AddPermission', { FunctionName: 'f', Principal: 's' }, like('lambda:Principal', 's')],
  [
    'CreateFunctionUrlConfig',
    { FunctionName: 'f', AuthType: 'NONE' },
    like('lambda:FunctionUrlAuthType', 'NONE'),
  ],
  ['TagResource', { Resource: ARN, Tags: { team: 'x' } }, like('aws:RequestTag/team', 'x')],
  [
    'TagResource',
    { Resource: `${ARN}:function:f`, Tags: { team: 'x' } },
    like('aws:ResourceTag/team', 'core'),
  ],
  [
    'UntagResource',
    { Resource: ARN, TagKeys: ['team'] },
    { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['team'] }, Null: { 'aws:TagKeys': false } },
  ],
])('%s of %j is known by %j', (name, input, condition) => {
  expect(ask(allow('*', condition), name, input)).not.toThrow()
  const [[operator = '', keys] = []] = Object.entries(condition)
  const inverse = { Null: Object.fromEntries(Object.keys(keys ?? {}).map((key) => [key, true])) }
  expect(operator).not.toBe('')
  expect(ask(allow('*', inverse), name, input)).toThrow('is not authorized')
})

function like(key: string, value: string) {
  return { StringLike: { [key]: value } }
}

test('a role is passed on by leave only', () => {
  const update = { FunctionName: 'f', Role: 'arn:aws:iam::000000000000:role/r' }
  const lambda = { Effect: 'Allow', Action: 'lambda:*', Resource: '*' }
  const pass = { Effect: 'Allow', Action: 'iam:PassRole', Resource: update.Role }
  const condition = { StringEquals: { 'iam:PassedToService': 'lambda.amazonaws.com' } }
  const change = (who: Asker) => ask(who, 'UpdateFunctionConfiguration', update)
  expect(change(user(lambda))).toThrow(`iam:PassRole on resource: ${update.Role}`)
  expect(change(user(lambda, { ...pass, Condition: condition }))).not.toThrow()
})

test("a layer is given to a function by leave only, its own or the caller's", () => {
  const update = (version: number) => ({ FunctionName: 'f', Layers: [`${ARN}:layer:l:${version}`] })
  const lambda = { Effect: 'Allow', Action: 'lambda:Update*', Resource: '*' }
  const read = { Effect: 'Allow', Action: 'lambda:GetLayerVersion', Resource: '*' }
  const change = (version: number, ...statements: object[]) =>
    ask(user(lambda, ...statements), 'UpdateFunctionConfiguration', update(version))
  expect(change(2)).toThrow(`lambda:GetLayerVersion on resource: ${ARN}:layer:l:2`)
  expect(change(2, read)).not.toThrow()
  expect(change(1)).not.toThrow()
  expect(change(1, { ...read, Effect: 'Deny' })).toThrow('explicit deny')
  const byArn = ask(user(read), 'GetLayerVersionByArn', { Arn: `${ARN}:layer:l:2` })
  expect(byArn).not.toThrow()
})

test.each<[string, object, string]>([
  ['CreateFunction', { Code: { S3Bucket: 'b', S3Key: 'k' } }, 's3:GetObject'],
  ['PublishLayerVersion', { Content: { S3Bucket: 'b', S3Key: 'k' } }, 's3:GetObject'],
  [
    'UpdateFunctionCode',
    { S3Bucket: 'b', S3Key: 'k', S3ObjectVersion: '1' },
    's3:GetObjectVersion',
  ],
])('%s of %j takes leave to read the object', (name, input, action) => {
  const lambda = { Effect: 'Allow', Action: `lambda:${name}`, Resource: '*' }
  const read = { Effect: 'Allow', Action: action, Resource: 'arn:aws:s3:::b/k' }
  expect(ask(user(lambda), name, input)).toThrow(`${action} on resource: arn:aws:s3:::b/k because`)
  expect(ask(user(lambda, read), name, input)).not.toThrow()
})

test.each<[object, string]>([
  [{ logGroupName: '/g' }, `${LOGS}:/g:log-stream:`],
  [{ logGroupName: '/g', logStreamName: 's' }, `${LOGS}:/g:log-stream:s`],
  [{ logGroupIdentifier: `${LOGS}:/g:*` }, `${LOGS}:/g:log-stream:`],
  [{ logGroupIdentifiers: ['/g'] }, `${LOGS}:/g:log-stream:`],
  [{ resourceArn: `${LOGS}:/g` }, `${LOGS}:/g:log-stream:`],
  [{}, '*'],
  // What is no text names no group, whatever it calls its members.
  [{ logGroupName: { toString: 'a' }, logGroupIdentifiers: [{ toString: 'b' }, null] }, '*'],
])('logs of %j are on %s', (input, resource) => {
  const target = { service: 'logs', operation: 'GetLogEvents', input: input as never }
  const nothing = user({ Effect: 'Deny', Action: 'sts:*', Resource: '*' })
  expect(() => requireTarget(nothing, target)).toThrow(`logs:GetLogEvents on resource: ${resource}`)
  expect(() => requireTarget(allow(resource), target)).not.toThrow()
})

test('a tail of several groups takes leave for each', () => {
  const input = { logGroupIdentifiers: ['/g', `${LOGS}:/secret`] }
  const target = { service: 'logs', operation: 'StartLiveTail', input }
  const refusal = `logs:StartLiveTail on resource: ${LOGS}:/secret:log-stream:`
  expect(() => requireTarget(allow(`${LOGS}:/g:*`), target)).toThrow(refusal)
})

test.each([
  { logGroupIdentifiers: ['/g'], logGroupName: '/secret' },
  { logGroupIdentifier: '/g', logGroupName: '/secret' },
  { logGroupName: '/g', resourceArn: `${LOGS}:/secret` },
])('a group that is named beside another takes leave, too: %j', (input) => {
  const target = { service: 'logs', operation: 'GetLogEvents', input: input as never }
  const refusal = `logs:GetLogEvents on resource: ${LOGS}:/secret:log-stream:`
  expect(() => requireTarget(allow(`${LOGS}:/g:*`), target)).toThrow(refusal)
})

test('root is asked nothing', () => {
  const root = asker({ kind: 'root', account: place.account })
  expect(ask(root, 'DeleteFunction', { FunctionName: 'f', Role: 'x' })).not.toThrow()
})
