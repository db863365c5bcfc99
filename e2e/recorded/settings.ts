// AWS's recorded refusals about what is set beside a function: tags, URLs, concurrency, and event
// source mappings. Of `f` there is version 1 and a URL; `ahead` has two environments of its
// version 1 initialised ahead, and three reserved.

import * as sdk from '@aws-sdk/client-lambda'
import { ROLE, zip } from '../hearth.ts'
import {
  among,
  arn,
  conflict,
  denied,
  fault,
  functionArn,
  invalid,
  invalidBare,
  missing,
  noFunction,
  noResource,
  pattern,
  type Recorded,
  unprovisioned,
  validation,
} from './expected.ts'

const TAGGABLE =
  'arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:' +
  '(function:[a-zA-Z0-9-_]+(:(\\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|' +
  'code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-' +
  '[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)'
const many = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`k${index}`, 'v']))
const tag = (Resource: string, Tags: Record<string, string> = { key: 'value' }) =>
  new sdk.TagResourceCommand({ Resource, Tags })
const untag = (Resource: string, TagKeys: string[] = ['key']) =>
  new sdk.UntagResourceCommand({ Resource, TagKeys })
const list = (Resource: string) => new sdk.ListTagsCommand({ Resource })
const NO_MAPPING = arn('event-source-mapping:11111111-2222-3333-4444-555555555555')
const NO_PROVIDER = arn('capacity-provider:nobody')
const LAYER = arn('layer:l')
/** Not recorded: AWS has no tags of layers, although its pattern has. */
const UNTAGGED = invalid(
  'Tags on layers are not supported. Please specify the ARN of a function, an event source ' +
    'mapping or a code signing configuration.',
)
const QUALIFIED = invalid(
  'Tags on function aliases and versions are not supported. Please specify a function ARN.',
)
const LIMIT = invalid('Number of tags exceeds resource tag limit.')

export const TAGS: readonly Recorded[] = [
  ...[tag, untag, list].flatMap((make): Recorded[] => [
    [`${make.name} of no function`, make(functionArn('doesnotexist')), noFunction('doesnotexist')],
    [`${make.name} of a version`, make(functionArn('f:1')), QUALIFIED],
    [`${make.name} of no alias`, make(functionArn('f:doesnotexist')), QUALIFIED],
    [
      `${make.name} of no mapping`,
      make(NO_MAPPING),
      missing(`Event source mapping not found: ${NO_MAPPING}`),
    ],
    [
      `${make.name} of no provider`,
      make(NO_PROVIDER),
      missing(`Capacity provider not found: ${NO_PROVIDER}`),
    ],
    [`${make.name} of a layer`, make(LAYER), UNTAGGED],
    ...[
      ...['arn:aws:something', arn('foobar:f'), `${LAYER}:1`],
      ...[`${NO_MAPPING}:alias`, `${NO_PROVIDER}:alias`],
    ].map(
      (resource): Recorded => [
        `${make.name} of ${resource}`,
        make(resource),
        validation(fault(resource, 'resource', pattern(TAGGABLE))),
      ],
    ),
  ]),
  [
    'tag with none',
    tag(functionArn('f'), {}),
    invalid('An error occurred and the request cannot be processed.'),
  ],
  [
    'untag with none',
    untag(functionArn('f'), []),
    validation("Value null at 'tagKeys' failed to satisfy constraint: Member must not be null"),
  ],
  ['tag with too many', tag(functionArn('f'), many), LIMIT],
  [
    'a function with too many',
    new sdk.CreateFunctionCommand({
      FunctionName: 'fresh',
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Role: ROLE,
      Code: { ZipFile: zip({ 'index.mjs': '' }) },
      Tags: many,
    }),
    LIMIT,
  ],
]

export const URLS: readonly Recorded[] = [
  ...[
    sdk.CreateFunctionUrlConfigCommand,
    sdk.GetFunctionUrlConfigCommand,
    sdk.UpdateFunctionUrlConfigCommand,
    sdk.DeleteFunctionUrlConfigCommand,
  ].flatMap((Kind): Recorded[] =>
    ['$LATEST', '1', '2'].map((Qualifier): Recorded => {
      const command = new Kind({ FunctionName: 'f', Qualifier, AuthType: 'NONE' })
      return [
        `${command.constructor.name} of ${Qualifier}`,
        command,
        validation(fault(Qualifier, 'qualifier', pattern('((?!^\\d+$)^[0-9a-zA-Z-_]+$)'))),
      ]
    }),
  ),
  [
    'a second',
    new sdk.CreateFunctionUrlConfigCommand({ FunctionName: 'f', AuthType: 'NONE' }),
    conflict(
      `Failed to create function url config for [functionArn = ${functionArn('f')}]. ` +
        'Error message:  FunctionUrlConfig exists for this Lambda function',
    ),
  ],
  [
    'an unknown mode',
    new sdk.CreateFunctionUrlConfigCommand({
      FunctionName: 'off',
      AuthType: 'NONE',
      InvokeMode: 'UNKNOWN' as 'BUFFERED',
    }),
    validation(fault('UNKNOWN', 'invokeMode', among('RESPONSE_STREAM', 'BUFFERED'))),
  ],
  [
    'one of no function',
    new sdk.CreateFunctionUrlConfigCommand({ FunctionName: 'doesnotexist', AuthType: 'NONE' }),
    missing('Function does not exist'),
  ],
  [
    'all of no function',
    new sdk.ListFunctionUrlConfigsCommand({ FunctionName: 'doesnotexist' }),
    missing('Function does not exist'),
  ],
  ...[undefined, 'no-alias'].flatMap((Qualifier): Recorded[] => {
    const FunctionName = Qualifier === undefined ? 'doesnotexist' : 'f'
    const of = { FunctionName, ...(Qualifier && { Qualifier }) }
    const which = Qualifier === undefined ? 'no function' : 'no alias'
    return [
      [`read, of ${which}`, new sdk.GetFunctionUrlConfigCommand(of), noResource],
      [`deleted, of ${which}`, new sdk.DeleteFunctionUrlConfigCommand(of), noResource],
      [
        `changed, of ${which}`,
        new sdk.UpdateFunctionUrlConfigCommand(of),
        missing('Function does not exist'),
      ],
    ]
  }),
  [
    'changed, where there is none',
    new sdk.UpdateFunctionUrlConfigCommand({ FunctionName: 'off' }),
    noResource,
  ],
]

const provision = (FunctionName: string, Qualifier: string, count = 1) =>
  new sdk.PutProvisionedConcurrencyConfigCommand({
    FunctionName,
    Qualifier,
    ProvisionedConcurrentExecutions: count,
  })
const provisioned = (FunctionName: string, Qualifier: string) =>
  new sdk.GetProvisionedConcurrencyConfigCommand({ FunctionName, Qualifier })
const unprovision = (FunctionName: string, Qualifier: string) =>
  new sdk.DeleteProvisionedConcurrencyConfigCommand({ FunctionName, Qualifier })
const reserve = (FunctionName: string, ReservedConcurrentExecutions: number) =>
  new sdk.PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions })
const noAlias = (name: string) => missing(`Cannot find alias arn: ${functionArn(name)}`)
const NO_CONFIG = unprovisioned('No Provisioned Concurrency Config found for this function')
const UNPUBLISHED = invalid(
  'The function resource provided must be an alias or a published version.',
)
const NO_PROVIDER_CONFIG =
  'The function provided by the arn does not contain a capacity provider configuration'

export const CONCURRENCY: readonly Recorded[] = [
  [
    'reserved for a version',
    reserve(functionArn('f:1'), 1),
    invalid(
      'This operation is permitted on Lambda functions only. Aliases and versions do not support ' +
        'this operation. Please specify either a function name or an unqualified function ARN.',
    ),
  ],
  ['reserved for nobody', reserve('doesnotexist', 1), noFunction('doesnotexist:$LATEST')],
  ['turned off for nobody', reserve('doesnotexist', 0), noFunction('doesnotexist:$LATEST')],
  [
    'of nobody',
    new sdk.GetFunctionConcurrencyCommand({ FunctionName: 'doesnotexist' }),
    noFunction('doesnotexist'),
  ],
  [
    'reserved beyond the account',
    reserve('f', 1_000),
    invalidBare(
      "Specified ReservedConcurrentExecutions for function decreases account's " +
        'UnreservedConcurrentExecution below its minimum value of [100].',
    ),
  ],
  [
    'reserved below what is provisioned',
    reserve('ahead', 1),
    invalidBare(
      " ReservedConcurrentExecutions  1 should not be lower than function's total provisioned " +
        'concurrency [2].',
    ),
  ],
  [
    'provisioned beyond the reserve',
    provision('ahead', '1', 4),
    invalid(
      'Requested Provisioned Concurrency should not be greater than the ' +
        'reservedConcurrentExecution for function',
    ),
  ],
  [
    'provisioned beyond the account',
    provision('f', '1', 5_000),
    invalidBare(
      "Specified ConcurrentExecutions for function is greater than account's unreserved " +
        'concurrency [997].',
    ),
  ],
  [
    'provisioned down to too little',
    provision('f', '1', 950),
    invalidBare(
      "Specified ConcurrentExecutions for function decreases account's " +
        'UnreservedConcurrentExecution below its minimum value of [100].',
    ),
  ],
  [
    'provisioned: none',
    provision('f', '1', 0),
    validation(
      fault(
        '0',
        'provisionedConcurrentExecutions',
        'Member must have value greater than or equal to 1',
      ),
    ),
  ],
  [
    'provisioned for $LATEST',
    provision('f', '$LATEST'),
    invalid('Provisioned Concurrency Configs cannot be applied to unpublished function versions.'),
  ],
  ['of $LATEST', provisioned('f', '$LATEST'), UNPUBLISHED],
  ['taken from $LATEST', unprovision('f', '$LATEST'), UNPUBLISHED],
  ['provisioned for no alias', provision('f', 'doesnotexist'), noAlias('f:doesnotexist')],
  ['provisioned for no version', provision('f', '10'), noFunction('f:10')],
  ['of no alias', provisioned('f', 'noalias'), noAlias('f:noalias')],
  ['of nobody’s alias', provisioned('doesnotexist', 'noalias'), noAlias('doesnotexist:noalias')],
  ['of nobody’s version', unprovision('doesnotexist', '1'), noFunction('doesnotexist:1')],
  ['of a version without', provisioned('f', '1'), NO_CONFIG],
  ...[sdk.GetFunctionScalingConfigCommand, sdk.PutFunctionScalingConfigCommand].flatMap(
    (Kind): Recorded[] => {
      const of = (Qualifier: string) => new Kind({ FunctionName: 'f', Qualifier })
      const { name } = of('1').constructor
      const numbers = fault('$LATEST', 'qualifier', pattern('(\\$LATEST\\.PUBLISHED|[0-9]+)'))
      return [
        [`${name} of a function on no capacity provider`, of('1'), denied(NO_PROVIDER_CONFIG)],
        [`${name} of no version`, of('10'), noFunction('f:10')],
        [`${name} of $LATEST`, of('$LATEST'), validation(numbers)],
      ]
    },
  ),
]

const map = (input: object) =>
  new sdk.CreateEventSourceMappingCommand({ FunctionName: 'f', ...input })
const STREAM = arn('stream/s', 'kinesis')
const TABLE = arn('table/test-table/stream/2025-02-22T03:03:25.490', 'dynamodb')
const QUEUE = arn('q', 'sqs')
const START = 'startingPosition'

export const MAPPINGS: readonly Recorded[] = [
  ['of nothing', map({}), invalid('Unrecognized event source.')],
  [
    'for nobody',
    map({ FunctionName: 'doesnotexist', EventSourceArn: QUEUE }),
    invalid('Function does not exist'),
  ],
  [
    'from nowhere',
    map({ EventSourceArn: STREAM }),
    invalid(
      `1 validation error detected: Value null at '${START}' failed to satisfy constraint: ` +
        'Member must not be null.',
    ),
  ],
  [
    'from a strange place',
    map({ EventSourceArn: STREAM, StartingPosition: 'invalid' }),
    validation(fault('invalid', START, among('LATEST', 'AT_TIMESTAMP', 'TRIM_HORIZON'))),
  ],
  [
    'from a time in a table',
    map({
      EventSourceArn: TABLE,
      StartingPosition: 'AT_TIMESTAMP',
      StartingPositionTimestamp: new Date(0),
    }),
    invalid(`Unsupported starting position for arn type: ${TABLE}`),
  ],
  [
    'of large batches that do not wait',
    map({ EventSourceArn: QUEUE, BatchSize: 11 }),
    invalid(
      'Maximum batch window in seconds must be greater than 0 if maximum batch size is greater ' +
        'than 10',
    ),
  ],
  [
    'of a queue, with a destination',
    map({
      EventSourceArn: QUEUE,
      DestinationConfig: { OnSuccess: { Destination: functionArn('f') } },
    }),
    invalid('Unsupported DestinationConfig parameter for given event source mapping type.'),
  ],
  [
    'with a filter that is none',
    map({ EventSourceArn: QUEUE, FilterCriteria: { Filters: [{ Pattern: 'single-string' }] } }),
    invalid('Invalid filter pattern definition.'),
  ],
  [
    'of servers without access',
    map({
      Topics: ['topic'],
      SelfManagedEventSource: { Endpoints: { KAFKA_BOOTSTRAP_SERVERS: ['kafka:1000'] } },
    }),
    invalid("Required 'sourceAccessConfigurations' parameter is missing."),
  ],
  ['of an id that is none', new sdk.GetEventSourceMappingCommand({ UUID: 'nobody' }), noResource],
]

const NO_SIGNING = arn('code-signing-config:csc-aaaaaaaaaaaaaaaaa')
const noSigning = {
  status: 404,
  code: 'ResourceNotFoundException',
  body: { Message: `The Lambda code signing configuration ${NO_SIGNING} can not be found.` },
}

export const SIGNING: readonly Recorded[] = [
  ...[
    new sdk.GetCodeSigningConfigCommand({ CodeSigningConfigArn: NO_SIGNING }),
    new sdk.UpdateCodeSigningConfigCommand({ CodeSigningConfigArn: NO_SIGNING }),
    new sdk.DeleteCodeSigningConfigCommand({ CodeSigningConfigArn: NO_SIGNING }),
    new sdk.ListFunctionsByCodeSigningConfigCommand({ CodeSigningConfigArn: NO_SIGNING }),
  ].map((command): Recorded => [command.constructor.name, command, noSigning]),
  [
    'of a function, where there is none',
    new sdk.PutFunctionCodeSigningConfigCommand({
      FunctionName: 'f',
      CodeSigningConfigArn: NO_SIGNING,
    }),
    {
      status: 404,
      code: 'CodeSigningConfigNotFoundException',
      body: {
        Type: 'User',
        Message:
          'The code signing configuration cannot be found. Check that the provided configuration ' +
          `is not deleted: ${NO_SIGNING}.`,
      },
    },
  ],
  ...[sdk.GetFunctionCodeSigningConfigCommand, sdk.DeleteFunctionCodeSigningConfigCommand].map(
    (Kind): Recorded => {
      const command = new Kind({ FunctionName: 'csc-test-doesnotexist' })
      return [command.constructor.name, command, noFunction('csc-test-doesnotexist')]
    },
  ),
]
