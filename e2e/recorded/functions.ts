// AWS's recorded refusals about functions, their versions and names, and of invocations.
// Functions `f` (version 1) and `off` (no concurrency) exist; `doesnotexist` does not.

import * as sdk from '@aws-sdk/client-lambda'
import { ROLE, zip } from '../hearth.ts'
import {
  among,
  badContent,
  conflict,
  fault,
  functionArn,
  invalid,
  missing,
  noFunction,
  pattern,
  type Recorded,
  stale,
  validation,
} from './expected.ts'

const files = { 'index.mjs': 'export const handler = async () => {}' }
const create = (input: object) =>
  new sdk.CreateFunctionCommand({
    FunctionName: 'fresh',
    Runtime: 'nodejs24.x',
    Handler: 'index.handler',
    Role: ROLE,
    Code: { ZipFile: zip(files) },
    ...input,
  })
const update = (input: object) =>
  new sdk.UpdateFunctionConfigurationCommand({ FunctionName: 'f', ...input })
const invoke = (input: object) => new sdk.InvokeCommand({ FunctionName: 'f', ...input })

const NAME =
  '(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?'
const STRICT_NAME = `${NAME}([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?`
const LOOSE_NAME = `${NAME}([a-zA-Z0-9-_\\.]+)(:(\\$LATEST(\\.PUBLISHED)?|[a-zA-Z0-9-_]+))?`
const ROLE_PATTERN = 'arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+'
const LONG = 'a'.repeat(65)
const LONG_ARN = functionArn('a'.repeat(140))
const ELSEWHERE = 'arn:aws:lambda:ap-southeast-1:000000000000:function:f'
const UNREACHABLE = missing(
  "Functions from 'ap-southeast-1' are not reachable in this region ('us-east-1')",
)
const MISMATCH = invalid(
  'The derived qualifier from the function name does not match the specified qualifier.',
)
const STALE = stale(
  'The Revision Id provided does not match the latest Revision Id. ' +
    'Call the GetFunction/GetAlias API to retrieve the latest Revision Id',
)
const IDS =
  'Member must have length less than or equal to 1024, Member must have length greater than or equal to 0'

const FORMER_RUNTIMES = [
  ...['dotnetcore3.1', 'go1.x', 'java8', 'nodejs12.x', 'nodejs14.x', 'provided', 'python3.7'],
  'ruby2.7',
]

export const CREATION: readonly Recorded[] = [
  ['a bad role', create({ Role: 'r1' }), validation(fault('r1', 'role', pattern(ROLE_PATTERN)))],
  [
    'an update to a bad role',
    update({ Role: 'r1' }),
    validation(fault('r1', 'role', pattern(ROLE_PATTERN))),
  ],
  [
    'an architecture in capitals',
    create({ Architectures: ['X86_64'] }),
    validation(
      fault(
        '[X86_64]',
        'architectures',
        `Member must satisfy constraint: [${among('x86_64', 'arm64')}, Member must not be null]`,
      ),
    ),
  ],
  [
    'two architectures',
    create({ Architectures: ['x86_64', 'arm64'] }),
    validation(
      fault('[x86_64, arm64]', 'architectures', 'Member must have length less than or equal to 1'),
    ),
  ],
  [
    'a snapshot option that is none',
    create({ SnapStart: { ApplyOn: 'invalidOption' } }),
    validation(fault('invalidOption', 'snapStart.applyOn', among('PublishedVersions', 'None'))),
  ],
  [
    'a subnet that is none',
    create({ VpcConfig: { SubnetIds: ['bad-1'] } }),
    validation(
      fault(
        '[bad-1]',
        'vpcConfig.subnetIds',
        `Member must satisfy constraint: [${IDS}, ${pattern('subnet-[0-9a-z]*')}]`,
      ),
    ),
  ],
  [
    'a security group that is none',
    create({ VpcConfig: { SubnetIds: ['subnet-1'], SecurityGroupIds: ['bad-1'] } }),
    validation(
      fault(
        '[bad-1]',
        'vpcConfig.securityGroupIds',
        `Member must satisfy constraint: [${IDS}, ${pattern('sg-[0-9a-zA-Z]*')}]`,
      ),
    ),
  ],
  [
    'no zip',
    create({ Code: { ZipFile: Buffer.from('no zip') } }),
    invalid('Could not unzip uploaded file. Please check your file, then try to upload again.'),
  ],
  [
    'large variables',
    create({ Environment: { Variables: { SMALL_VAR: 'ok', LARGE_VAR: 'x'.repeat(4096) } } }),
    invalid(
      'Lambda was unable to configure your environment variables because the environment variables ' +
        'you have provided exceeded the 4KB limit. String measured: ' +
        `{"SMALL_VAR":"ok","LARGE_VAR":"${'x'.repeat(4096)}"}`,
    ),
  ],
  [
    'an image for a zip',
    new sdk.UpdateFunctionCodeCommand({ FunctionName: 'f', ImageUri: 'somewhere/image:1' }),
    invalid("Please don't provide ImageUri when updating a function with packageType Zip."),
  ],
  ...FORMER_RUNTIMES.map(
    (Runtime): Recorded => [
      `the former runtime ${Runtime}`,
      create({ Runtime }),
      invalid(
        `The runtime parameter of ${Runtime} is no longer supported for creating or updating AWS ` +
          'Lambda functions. We recommend you use a supported runtime while creating or updating ' +
          'functions.',
      ),
    ],
  ),
  ['a taken name', create({ FunctionName: 'f' }), conflict('Function already exist: f')],
]

export const NAMES: readonly Recorded[] = [
  [
    'too long a name',
    create({ FunctionName: LONG }),
    invalid(
      `1 validation error detected: ${fault(
        LONG,
        'functionName',
        'Member must have length less than or equal to 64',
      )}`,
    ),
  ],
  ...[sdk.GetFunctionCommand, sdk.GetFunctionConfigurationCommand, sdk.DeleteFunctionCommand].map(
    (Kind): Recorded => {
      const command = new Kind({ FunctionName: LONG })
      return [`too long a name in ${command.constructor.name}`, command, noFunction(LONG)]
    },
  ),
  ['too long a name to invoke', invoke({ FunctionName: LONG }), noFunction(`${LONG}:$LATEST`)],
  [
    'too long an ARN',
    create({ FunctionName: LONG_ARN }),
    validation(
      fault(LONG_ARN, 'functionName', 'Member must have length less than or equal to 140'),
    ),
  ],
  [
    'a name that is none',
    create({ FunctionName: 'invalid:function:name' }),
    validation(fault('invalid:function:name', 'functionName', pattern(STRICT_NAME))),
  ],
  [
    'an ARN that is none',
    invoke({ FunctionName: 'arn:aws:lambda:us-east-1:123400000000@function:myfn' }),
    validation(
      fault(
        'arn:aws:lambda:us-east-1:123400000000@function:myfn',
        'functionName',
        pattern(LOOSE_NAME),
      ),
    ),
  ],
  ...[
    sdk.GetFunctionCommand,
    sdk.GetFunctionConfigurationCommand,
    sdk.DeleteFunctionCommand,
    sdk.InvokeCommand,
    sdk.GetFunctionUrlConfigCommand,
    sdk.GetFunctionConcurrencyCommand,
    sdk.GetFunctionEventInvokeConfigCommand,
  ].map((Kind): Recorded => {
    const command = new Kind({ FunctionName: ELSEWHERE })
    return [`another region in ${command.constructor.name}`, command, UNREACHABLE]
  }),
  ...[sdk.GetFunctionCommand, sdk.GetFunctionConfigurationCommand, sdk.DeleteFunctionCommand].map(
    (Kind): Recorded => {
      const command = new Kind({ FunctionName: functionArn('f:1'), Qualifier: '$LATEST' })
      return [`two qualifiers in ${command.constructor.name}`, command, MISMATCH]
    },
  ),
]

export const FUNCTIONS: readonly Recorded[] = [
  [
    'of none',
    new sdk.GetFunctionCommand({ FunctionName: 'doesnotexist' }),
    noFunction('doesnotexist'),
  ],
  [
    'of none, by its qualifier',
    new sdk.GetFunctionCommand({ FunctionName: functionArn('doesnotexist:$LATEST') }),
    noFunction('doesnotexist:$LATEST'),
  ],
  [
    'of no version',
    new sdk.GetFunctionConfigurationCommand({ FunctionName: 'f', Qualifier: '1221' }),
    noFunction('f:1221'),
  ],
  [
    'of no version’s events',
    new sdk.GetFunctionEventInvokeConfigCommand({ FunctionName: 'f', Qualifier: '1221' }),
    missing(`The function ${functionArn('f:1221')} doesn't have an EventInvokeConfig`),
  ],
  [
    'that is gone',
    new sdk.DeleteFunctionCommand({ FunctionName: 'doesnotexist' }),
    noFunction('doesnotexist'),
  ],
  [
    'whose version is gone with it',
    new sdk.DeleteFunctionCommand({ FunctionName: 'doesnotexist', Qualifier: '1221' }),
    noFunction('doesnotexist'),
  ],
  [
    'of which $LATEST is to go',
    new sdk.DeleteFunctionCommand({ FunctionName: functionArn('some-function:$LATEST') }),
    invalid('$LATEST version cannot be deleted without deleting the function.'),
  ],
  [
    'listed by no version',
    new sdk.ListFunctionsCommand({ FunctionVersion: 'invalid' as 'ALL' }),
    validation(fault('invalid', 'functionVersion', among('ALL'))),
  ],
  ['changed since', update({ RevisionId: 'wrong' }), STALE],
  [
    'with other code since',
    new sdk.UpdateFunctionCodeCommand({
      FunctionName: 'f',
      ZipFile: zip(files),
      RevisionId: 'wrong',
    }),
    STALE,
  ],
  [
    'published of another revision',
    new sdk.PublishVersionCommand({ FunctionName: 'f', RevisionId: 'wrong' }),
    STALE,
  ],
  [
    'with no such recursion',
    new sdk.PutFunctionRecursionConfigCommand({
      FunctionName: 'f',
      RecursiveLoop: 'InvalidValue' as 'Allow',
    }),
    validation(fault('InvalidValue', 'recursiveLoop', among('Terminate', 'Allow'))),
  ],
  [
    'of none, that has no policy to change',
    new sdk.RemovePermissionCommand({ FunctionName: 'doesnotexist', StatementId: 's' }),
    missing(`No policy found for: ${functionArn('doesnotexist')}`),
  ],
  [
    'invoked, of none',
    invoke({ FunctionName: 'doesnotexist' }),
    noFunction('doesnotexist:$LATEST'),
  ],
  [
    'invoked by no alias',
    invoke({ Qualifier: 'non-existent-alias' }),
    noFunction('f:non-existent-alias'),
  ],
  [
    'invoked with what is no text',
    invoke({ Payload: Buffer.from('6e2d8772', 'hex') }),
    badContent(
      'Could not parse request body into json: Could not parse payload into json: Invalid UTF-8 ' +
        'start byte 0x87\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` ' +
        'disabled); line: 1, column: 3]',
    ),
  ],
  [
    'invoked with what is no JSON',
    invoke({ Payload: Buffer.from('\u0099\u00eb') }),
    badContent(
      'Could not parse request body into json: Could not parse payload into json: Unexpected ' +
        'character ((CTRL-CHAR, code 153)): expected a valid value (JSON String, Number, Array, ' +
        "Object or token 'null', 'true' or 'false')\n at [Source: REDACTED " +
        '(`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 1]',
    ),
  ],
  [
    'invoked with nothing reserved',
    invoke({ FunctionName: 'off' }),
    {
      status: 429,
      code: 'TooManyRequestsException',
      body: {
        Type: 'User',
        Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
        message: 'Rate Exceeded.',
      },
    },
  ],
]
