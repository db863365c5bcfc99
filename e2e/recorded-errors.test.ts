// Refusals as they were recorded from AWS, to the letter: status, exception, the members of the
// body and their capitals, for every one that concerns an operation of Hearth's. What needs
// a server of its own, and what features of their own test, is in their files.

import * as sdk from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hearth, ROLE, startHearth } from './hearth.ts'
import { ask, functionArn, type Recorded, tooLarge } from './recorded/expected.ts'
import { CREATION, FUNCTIONS, NAMES } from './recorded/functions.ts'
import { CONCURRENCY, MAPPINGS, SIGNING, TAGS, URLS } from './recorded/settings.ts'

let hearth: Hearth
const files = { 'index.mjs': 'export const handler = async () => {}' }

beforeAll(async () => {
  hearth = await startHearth()
  const { lambda } = hearth
  await Promise.all(
    ['f', 'off', 'ahead'].map((FunctionName) => hearth.create({ FunctionName, files })),
  )
  const reserve = (FunctionName: string, ReservedConcurrentExecutions: number) =>
    lambda.send(
      new sdk.PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions }),
    )
  await lambda.send(new sdk.PublishVersionCommand({ FunctionName: 'f' }))
  await lambda.send(new sdk.PublishVersionCommand({ FunctionName: 'ahead' }))
  await lambda.send(new sdk.CreateFunctionUrlConfigCommand({ FunctionName: 'f', AuthType: 'NONE' }))
  await reserve('off', 0)
  await reserve('ahead', 3)
  await lambda.send(
    new sdk.PutProvisionedConcurrencyConfigCommand({
      FunctionName: 'ahead',
      Qualifier: '1',
      ProvisionedConcurrentExecutions: 2,
    }),
  )
})
afterAll(() => hearth?.stop())

const TABLES: readonly [string, readonly Recorded[]][] = [
  ['a function with', CREATION],
  ['a name:', NAMES],
  ['a function', FUNCTIONS],
  ['a tag:', TAGS],
  ['a URL:', URLS],
  ['concurrency', CONCURRENCY],
  ['a mapping', MAPPINGS],
  ['signing:', SIGNING],
]

describe.each(TABLES)('%s', (_, cases) => {
  test.each(cases)('%s', async (_name, command, expected) => {
    expect(await ask(hearth.lambda, command)).toEqual(expected)
  })
})

test('another account is refused', async () => {
  const FunctionName = functionArn('f').replace('000000000000', '123456789012')
  const { status, code } = await ask(hearth.lambda, new sdk.GetFunctionCommand({ FunctionName }))
  expect([status, code]).toEqual([403, 'AccessDeniedException'])
})

test('a runtime that is none is told all that there are', async () => {
  for (const name of ['non-existent-runtime', 'PYTHON3.9']) {
    const command = new sdk.UpdateFunctionConfigurationCommand({
      FunctionName: 'f',
      Runtime: name as sdk.Runtime,
    })
    const { status, code, body } = await ask(hearth.lambda, command)
    expect([status, code, body.Type]).toEqual([400, 'InvalidParameterValueException', 'User'])
    expect(body.message).toMatch(
      new RegExp(
        `^Value ${name} at 'runtime' failed to satisfy constraint: Member must satisfy enum ` +
          'value set: \\[.*nodejs24\\.x.*\\] or be a valid ARN$',
      ),
    )
  }
})

test.each([
  ['a zip', 52_428_801, 'Zipped size must be smaller than 52428800 bytes'],
  [
    'a request',
    53_000_000,
    'Request must be smaller than 70167211 bytes for the CreateFunction operation',
  ],
])('%s is too large', async (_, bytes, message) => {
  const command = new sdk.CreateFunctionCommand({
    ...{ FunctionName: 'large', Runtime: 'nodejs24.x', Handler: 'index.handler', Role: ROLE },
    Code: { ZipFile: new Uint8Array(bytes) },
  })
  expect(await ask(hearth.lambda, command)).toEqual(tooLarge(message))
})

test('other code than was meant is not published', async () => {
  const { CodeSha256 } = await hearth.lambda.send(
    new sdk.GetFunctionConfigurationCommand({ FunctionName: 'f' }),
  )
  const command = new sdk.PublishVersionCommand({
    FunctionName: 'f',
    CodeSha256: 'somenonexistentsha256',
  })
  expect(await ask(hearth.lambda, command)).toEqual({
    status: 400,
    code: 'InvalidParameterValueException',
    body: {
      Type: 'User',
      message:
        'CodeSHA256 (somenonexistentsha256) is different from current CodeSHA256 in $LATEST ' +
        `(${CodeSha256}). Please try again with the CodeSHA256 in $LATEST.`,
    },
  })
})

test('nothing of all this was done', async () => {
  const { Functions } = await hearth.lambda.send(new sdk.ListFunctionsCommand({}))
  expect(Functions?.map(({ FunctionName }) => FunctionName)).toEqual(['ahead', 'f', 'off'])
  const { Tags } = await hearth.lambda.send(new sdk.ListTagsCommand({ Resource: functionArn('f') }))
  expect(Tags).toEqual({})
  const { EventSourceMappings } = await hearth.lambda.send(
    new sdk.ListEventSourceMappingsCommand({}),
  )
  expect(EventSourceMappings).toEqual([])
})
