// Faults of requests in AWS's literal words, as they were recorded.

import type { ServiceError } from '@hearth/core/error'
import { describe, expect, test } from 'vitest'
import { OPERATIONS } from './contract.ts'
import { validate } from './validation.ts'

const LIMITS = { timeoutSecondsMax: 900, memoryMbMax: 10_240, concurrency: 1000 }
const ROLE = 'arn:aws:iam::111111111111:role/r'

function refusal(name: string, input: Record<string, unknown>): ServiceError | undefined {
  const operation = OPERATIONS.get(name)
  if (!operation) throw new Error(`the SDK has no ${name}`)
  try {
    validate(operation, input, LIMITS)
    return undefined
  } catch (error) {
    return error as ServiceError
  }
}

const create = (input: object) =>
  refusal('CreateFunction', { FunctionName: 'f', Role: ROLE, Code: {}, ...input })

test('a request that keeps to the model passes', () => {
  expect(create({ Runtime: 'nodejs24.x', Handler: 'a.b', Timeout: 900 })).toBeUndefined()
})

const REGION = '((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?'
const INVOKE_NAME = `(arn:(aws[a-zA-Z-]*)?:lambda:)?${REGION}(\\d{12}:)?(function:)?([a-zA-Z0-9-_\\.]+)(:(\\$LATEST(\\.PUBLISHED)?|[a-zA-Z0-9-_]+))?`
const CONTROL_NAME = `(arn:(aws[a-zA-Z-]*)?:lambda:)?${REGION}(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?`

describe('recorded texts', () => {
  test.each([
    [
      'CreateFunction',
      { Role: 'r1' },
      "1 validation error detected: Value 'r1' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+",
    ],
    [
      'CreateFunction',
      { Architectures: ['X86_64'] },
      "1 validation error detected: Value '[X86_64]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]",
    ],
    [
      'CreateFunction',
      { Architectures: ['x86_64', 'arm64'] },
      "1 validation error detected: Value '[x86_64, arm64]' at 'architectures' failed to satisfy constraint: Member must have length less than or equal to 1",
    ],
    [
      'CreateFunction',
      { FunctionName: 'invalid:function:name' },
      `1 validation error detected: Value 'invalid:function:name' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: ${CONTROL_NAME}`,
    ],
    [
      'CreateFunction',
      { SnapStart: { ApplyOn: 'invalidOption' } },
      "1 validation error detected: Value 'invalidOption' at 'snapStart.applyOn' failed to satisfy constraint: Member must satisfy enum value set: [PublishedVersions, None]",
    ],
    [
      'Invoke',
      { FunctionName: 'arn:aws:lambda:us-east-1:123400000000@function:myfn' },
      `1 validation error detected: Value 'arn:aws:lambda:us-east-1:123400000000@function:myfn' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: ${INVOKE_NAME}`,
    ],
    [
      'ListFunctions',
      { FunctionVersion: 'invalid' },
      "1 validation error detected: Value 'invalid' at 'functionVersion' failed to satisfy constraint: Member must satisfy enum value set: [ALL]",
    ],
    [
      'CreateFunctionUrlConfig',
      { FunctionName: 'f', AuthType: 'NONE', Qualifier: '$LATEST' },
      "1 validation error detected: Value '$LATEST' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: ((?!^\\d+$)^[0-9a-zA-Z-_]+$)",
    ],
    [
      'CreateAlias',
      { FunctionName: 'f', Name: '2024', FunctionVersion: '1' },
      "1 validation error detected: Value '2024' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)",
    ],
    [
      'PutProvisionedConcurrencyConfig',
      { FunctionName: 'f', Qualifier: '1', ProvisionedConcurrentExecutions: 0 },
      "1 validation error detected: Value '0' at 'provisionedConcurrentExecutions' failed to satisfy constraint: Member must have value greater than or equal to 1",
    ],
    [
      'AddPermission',
      {
        FunctionName: 'f',
        StatementId: 'example.com',
        Action: 'lambda:InvokeFunction',
        Principal: 's3.amazonaws.com',
      },
      "1 validation error detected: Value 'example.com' at 'statementId' failed to satisfy constraint: Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)",
    ],
    [
      'UntagResource',
      { Resource: 'arn:aws:lambda:us-east-1:111111111111:function:f' },
      "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null",
    ],
  ])('%s %j', (operation, input, message) => {
    const whole =
      operation === 'CreateFunction' ? { FunctionName: 'f', Role: ROLE, Code: {}, ...input } : input
    const error = refusal(operation, whole)
    expect(error?.code).toBe('ValidationException')
    expect(error?.message).toBe(message)
  })

  test('several faults are told together', () => {
    const error = create({ Role: 'r1', Timeout: 0, MemorySize: 1 })
    expect(error?.message).toMatch(/^3 validation errors detected: Value '.*; Value '.*; Value '/)
  })

  test('map members are judged together', () => {
    const weights = (AdditionalVersionWeights: object) =>
      refusal('UpdateAlias', {
        FunctionName: 'f',
        Name: 'a',
        RoutingConfig: { AdditionalVersionWeights },
      })
    expect(weights({ $LATEST: 0.5 })?.message).toBe(
      "1 validation error detected: Value '{$LATEST=0.5}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]",
    )
    expect(weights({ 2: 0.5 })).toBeUndefined()
  })
})

describe('names', () => {
  test('over 64 characters are refused with another exception', () => {
    const name = 'a'.repeat(65)
    const error = create({ FunctionName: name })
    expect(error?.code).toBe('InvalidParameterValueException')
    expect(error?.message).toBe(
      `1 validation error detected: Value '${name}' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64`,
    )
  })
  test('that nobody is to be made of may be longer: there is none such', () => {
    for (const operation of ['DeleteFunction', 'GetFunction', 'Invoke']) {
      expect(refusal(operation, { FunctionName: 'a'.repeat(65) })).toBeUndefined()
    }
  })
  test('that are ARNs may have 140', () => {
    const arn = `arn:aws:lambda:us-east-1:111111111111:function:${'a'.repeat(100)}`
    expect(refusal('GetFunction', { FunctionName: arn })).toBeUndefined()
    const error = create({ FunctionName: arn })
    expect(error?.code).toBe('ValidationException')
    expect(error?.message).toContain(
      "at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 140",
    )
  })
})

test.each([
  [
    { Architectures: [undefined] },
    /^1 .* Value '\[null\]' at 'architectures' .*must not be null\]$/,
  ],
  [{ Tags: { a: undefined } }, /^1 .* '\{a=null\}' at 'tags' .* \[Member must not be null\]$/],
  [{ FileSystemConfigs: [undefined] }, /at 'fileSystemConfigs' .* \[Member must not be null\]$/],
])('nothing in a collection may be null: %j', (input, message) => {
  expect(create(input)?.message).toMatch(message)
})
