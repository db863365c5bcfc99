// Every operation that the fuzz asks for: Lambda's and CloudWatch Logs' from their SDKs' schemas,
// and those of services whose SDKs are not at hand from what Hearth answers of them.

import * as logs from '@aws-sdk/client-cloudwatch-logs'
import * as lambda from '@aws-sdk/client-lambda'
import { NormalizedSchema } from '@smithy/core/schema'
import fc from 'fast-check'
import { OPERATIONS } from '../../packages/gateway/src/contract.ts'
import { changes, mutate, TEXTS } from './mutations.ts'
import { INHERITED } from './pools.ts'
import { type Asked, lambdaRequest, type Members, queryRequest, targetRequest } from './requests.ts'
import { inputOf } from './shapes.ts'

/** An operation of the SDK's schemas: kind, namespace, name, traits, input, output. */
type Schema = readonly [number, string, string, { http?: [string, string, number] }, never, never]

const OPERATION_KIND = 9
/** Of a hundred requests, as many are as the model wants them. */
const VALID_PERCENT = 40
/** Follow for minutes what is written, by design. */
const ENDLESS = ['StartLiveTail']
const LOGS = 'Logs_20140328'
const SCALING = 'AnyScaleFrontendService'

const schemasOf = (module: object) =>
  Object.values(module).filter(
    (value): value is Schema => Array.isArray(value) && value[0] === OPERATION_KIND,
  )

/** One request, of any operation, good or bad. */
export function anyRequest(): fc.Arbitrary<Asked> {
  return fc.oneof(
    { weight: 88, arbitrary: fc.oneof(...schemasOf(lambda).map(lambdaAsked)) },
    { weight: 20, arbitrary: fc.oneof(...logsAsked()) },
    { weight: 6, arbitrary: fc.oneof(...scalingAsked()) },
    { weight: 8, arbitrary: roleAsked },
    { weight: 2, arbitrary: unknownAsked },
    { weight: 4, arbitrary: ownAsked },
  )
}

function lambdaAsked([, , name, traits, input]: Schema): fc.Arbitrary<Asked> {
  const operation = OPERATIONS.get(name)
  const uri = traits.http?.[1]
  if (!operation || uri === undefined) throw new Error(`${name} is not in the contract`)
  return perhapsWrong(inputOf(NormalizedSchema.of(input))).map((members) =>
    lambdaRequest(operation, uri, members),
  )
}

function logsAsked(): fc.Arbitrary<Asked>[] {
  return schemasOf(logs)
    .filter(([, , name]) => /Log(Group|Stream|Event)|Retention|Tag|LiveTail/.test(name))
    .filter(([, , name]) => !ENDLESS.includes(name))
    .map(([, , name, , input]) =>
      perhapsWrong(inputOf(NormalizedSchema.of(input))).map((members) =>
        targetRequest('logs', `${LOGS}.${name}`, members),
      ),
    )
}

function perhapsWrong(valid: fc.Arbitrary<Members>): fc.Arbitrary<Members> {
  return fc.oneof(
    { weight: VALID_PERCENT, arbitrary: valid },
    {
      weight: 100 - VALID_PERCENT,
      arbitrary: fc.tuple(valid, changes).map(([input, wanted]) => mutate(input, wanted)),
    },
  )
}

const SCALING_INPUT: Readonly<Record<string, readonly unknown[]>> = {
  ServiceNamespace: ['lambda', 'lambda', 'ecs'],
  ResourceId: ['function:fuzz-a:live', 'function:fuzz-b:1', 'function:constructor:constructor'],
  ScalableDimension: ['lambda:function:ProvisionedConcurrency'],
  MinCapacity: [0, 1],
  MaxCapacity: [1, 2],
  ScheduledActionName: ['a', 'constructor'],
  Schedule: ['cron(0 8 ? * MON-FRI *)', 'rate(5 minutes)', 'at(2100-01-01T00:00:00)', 'cron(*)'],
  Timezone: ['Europe/Berlin', 'Nowhere/None'],
  ScalableTargetAction: [{ MinCapacity: 1, MaxCapacity: 2 }, {}, null],
  MaxResults: [1, 50],
  NextToken: ['0', '1'],
  ResourceIds: [['function:fuzz-a:live'], []],
  Tags: [{ a: 'b' }, { constructor: 'c' }],
  TagKeys: [['a']],
  ResourceARN: ['arn:aws:application-autoscaling:us-east-1:000000000000:scalable-target/x'],
  ScheduledActionNames: [['a']],
  SuspendedState: [{ ScheduledScalingSuspended: true }],
  StartTime: [1_800_000_000],
}
const SCALING_OPERATIONS = [
  ...['RegisterScalableTarget', 'DeregisterScalableTarget', 'DescribeScalableTargets'],
  ...['PutScheduledAction', 'DeleteScheduledAction', 'DescribeScheduledActions'],
  ...['ListTagsForResource', 'TagResource', 'UntagResource', 'PutScalingPolicy'],
]

function scalingAsked(): fc.Arbitrary<Asked>[] {
  const members = Object.fromEntries(
    Object.entries(SCALING_INPUT).map(([name, values]) => [name, fc.constantFrom(...values)]),
  )
  const input = fc.record(members, { requiredKeys: ['ServiceNamespace'] }) as fc.Arbitrary<Members>
  return SCALING_OPERATIONS.map((name) =>
    perhapsWrong(input).map((given) =>
      targetRequest('application-autoscaling', `${SCALING}.${name}`, given),
    ),
  )
}

const TRUST =
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",' +
  '"Principal":{"Service":"lambda.amazonaws.com"}}]}'
const FORM: Readonly<Record<string, readonly string[]>> = {
  RoleName: ['fuzz-role', 'constructor', 'a+b=c,d.e@f-g'],
  AssumeRolePolicyDocument: [TRUST, '{}', '[]', 'null', '{"Statement":[null]}'],
  PolicyName: ['one', 'constructor', '__proto__'],
  PolicyDocument: ['{"Version":"2012-10-17","Statement":[]}', '{"Statement":{"Effect":1}}', TRUST],
  PolicyArn: ['arn:aws:iam::aws:policy/AWSLambda_FullAccess', 'arn:aws:iam::aws:policy/none'],
  Path: ['/', '/fuzz/', 'fuzz'],
  Description: ['a role', 'a\0role'],
  MaxSessionDuration: ['3600', '0', 'NaN', '1e9'],
  'Tags.member.1.Key': ['a', 'constructor', '__proto__'],
  'Tags.member.1.Value': ['b'],
  'TagKeys.member.1': ['a', '__proto__'],
  RoleArn: ['arn:aws:iam::000000000000:role/fuzz-role', 'arn:aws:iam::000000000000:role/none'],
  RoleSessionName: ['session'],
  DurationSeconds: ['900', '1', 'NaN'],
  Policy: ['{"Version":"2012-10-17","Statement":[]}', '{'],
  UserName: ['none'],
  PathPrefix: ['/'],
}
const ACTIONS: readonly (readonly [service: 'iam' | 'sts', version: string, actions: string[]])[] =
  [
    ['sts', '2011-06-15', ['GetCallerIdentity', 'AssumeRole', 'GetSessionToken', ...INHERITED]],
    [
      'iam',
      '2010-05-08',
      [
        ...['CreateRole', 'ListRoles', 'GetRole', 'ListRolePolicies', 'ListAttachedRolePolicies'],
        ...['ListRoleTags', 'ListInstanceProfilesForRole', 'GetRolePolicy', 'UpdateRole'],
        ...['UpdateAssumeRolePolicy', 'UpdateRoleDescription', 'PutRolePolicy', 'TagRole'],
        ...['DeleteRolePolicy', 'AttachRolePolicy', 'DetachRolePolicy', 'UntagRole', 'DeleteRole'],
        ...['GetUser', 'CreateUser', ...INHERITED],
      ],
    ],
  ]

const fieldOf = (values: readonly string[]) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...values) },
    { weight: 1, arbitrary: fc.constantFrom(...TEXTS) },
  )

const roleAsked: fc.Arbitrary<Asked> = fc
  .tuple(
    fc.constantFrom(...ACTIONS),
    fc.nat(),
    fc.record(
      Object.fromEntries(Object.entries(FORM).map(([name, values]) => [name, fieldOf(values)])),
      { requiredKeys: ['RoleName', 'PolicyName', 'AssumeRolePolicyDocument'] },
    ),
    fc.oneof(
      { weight: 9, arbitrary: fc.constant('') },
      { weight: 1, arbitrary: fc.constantFrom(...INHERITED, '2099-01-01') },
    ),
  )
  .map(([[service, version, actions], at, form, strange]) =>
    queryRequest(service, [
      ['Action', actions[at % actions.length] ?? ''],
      ['Version', strange || version],
      ...(Object.entries(form) as [string, string][]),
    ]),
  )

/** Operations that nobody has, and names that every object has. */
const unknownAsked: fc.Arbitrary<Asked> = fc
  .tuple(
    fc.constantFrom(LOGS, SCALING, ...INHERITED, ''),
    fc.constantFrom(...INHERITED, 'Nothing', ''),
    fc.constantFrom<unknown>({}, [], null, 'text', { logGroupName: '/fuzz/one' }),
  )
  .map(([service, operation, input]) =>
    targetRequest(
      service === SCALING ? 'application-autoscaling' : 'logs',
      `${service}.${operation}`,
      input,
    ),
  )

/** Hearth's own: method, path with a place for a text, and what bodies have. */
const OWN: readonly (readonly [method: string, path: string, members?: readonly string[]])[] = [
  ['GET', '/hearth/bill?month=*'],
  ['GET', '/hearth/environments'],
  ['GET', '/hearth/dead-letters'],
  ['GET', '/hearth/dead-letters?function=fuzz-a&from=*'],
  ['GET', '/hearth/dead-letters?function=*'],
  ['POST', '/hearth/dead-letters', ['functionName', 'requestIds']],
  ['POST', '/hearth/event-source-mappings/*/reset', ['position', 'timestamp']],
  ['GET', '/hearth/keys'],
  ['POST', '/hearth/keys', ['name', 'policy']],
  ['DELETE', '/hearth/keys/*'],
  ['GET', '/hearth/roles'],
  ['PUT', '/hearth/roles/*', ['policy']],
  ['DELETE', '/hearth/roles/*'],
]
const OWN_VALUES: Readonly<Record<string, readonly unknown[]>> = {
  functionName: ['fuzz-a', 'constructor'],
  requestIds: [[], ['a'], 1, { a: 1 }],
  position: ['LATEST', 'TRIM_HORIZON'],
  timestamp: [0, 1e300],
  name: ['ci', '__proto__'],
  policy: FORM.PolicyDocument ?? [],
}

const ownAsked: fc.Arbitrary<Asked> = fc
  .tuple(
    fc.constantFrom(...OWN),
    fc.constantFrom(...TEXTS.map((text) => text.slice(0, 200)), '2026-11', '0', '-1'),
    perhapsWrong(
      fc.record(
        Object.fromEntries(
          Object.entries(OWN_VALUES).map(([name, values]) => [name, fc.constantFrom(...values)]),
        ),
      ) as fc.Arbitrary<Members>,
    ),
  )
  .map(([[method, template, members], text, all]) => {
    const [path = '', query] = template.split('?')
    const given = Object.entries(all).filter(([name]) => members?.includes(name))
    return {
      service: 'lambda',
      operation: `${method} ${template}`,
      method,
      path: path.replace('*', () => encodeURIComponent(text.toWellFormed())),
      query: [...new URLSearchParams(query)].map(([name, value]): [string, string] => [
        name,
        value === '*' ? text.toWellFormed() : value,
      ]),
      headers: {},
      body: Buffer.from(members ? JSON.stringify(Object.fromEntries(given)) : ''),
    }
  })
