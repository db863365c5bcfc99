// A function's life through the unmodified AWS SDK: create, read, change, list, delete, and every
// state on the way.

import {
  CreateFunctionCommand,
  DeleteFunctionCommand,
  GetFunctionCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  ListCapacityProvidersCommand,
  ListFunctionsCommand,
  ListVersionsByFunctionCommand,
  paginateListFunctions,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hearth, ROLE, startHearth, zip } from './hearth.ts'

let hearth: Hearth
beforeAll(async () => {
  hearth = await startHearth()
})
afterAll(() => hearth?.stop())

const files = { 'index.mjs': 'export const handler = async () => process.env.STAGE ?? "none"' }
const arn = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`
const settled = (name: string) =>
  waitUntilFunctionUpdatedV2(
    { client: hearth.lambda, maxWaitTime: 20, minDelay: 1, maxDelay: 1 },
    { FunctionName: name },
  )

describe('create', () => {
  test('answers 201 with a Pending function, exactly the members that AWS sends', async () => {
    const made = await hearth.lambda.send(
      new CreateFunctionCommand({
        FunctionName: 'born',
        Runtime: 'nodejs24.x',
        Handler: 'index.handler',
        Role: ROLE,
        Code: { ZipFile: zip(files) },
        Tags: { team: 'blue' },
      }),
    )
    const { $metadata, ...configuration } = made
    expect($metadata.httpStatusCode).toBe(201)
    expect(configuration).toEqual({
      FunctionName: 'born',
      FunctionArn: arn('born'),
      Runtime: 'nodejs24.x',
      Role: ROLE,
      Handler: 'index.handler',
      CodeSize: zip(files).length,
      Description: '',
      Timeout: 3,
      MemorySize: 128,
      LastModified: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$/),
      CodeSha256: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
      Version: '$LATEST',
      TracingConfig: { Mode: 'PassThrough' },
      RevisionId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      State: 'Pending',
      StateReason: 'The function is being created.',
      StateReasonCode: 'Creating',
      PackageType: 'Zip',
      Architectures: ['x86_64'],
      EphemeralStorage: { Size: 512 },
      SnapStart: { ApplyOn: 'None', OptimizationStatus: 'Off' },
      RuntimeVersionConfig: {
        RuntimeVersionArn: expect.stringMatching(
          /^arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}$/,
        ),
      },
      LoggingConfig: { LogFormat: 'Text', LogGroup: '/aws/lambda/born' },
    })
  })

  test('becomes Active, with a new revision and no reasons left', async () => {
    await settled('born')
    const now = await hearth.lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName: 'born' }),
    )
    expect(now).toMatchObject({ State: 'Active', LastUpdateStatus: 'Successful' })
    expect(now.StateReason).toBeUndefined()
  })

  test('with Publish answers with version 1, by the function’s own ARN', async () => {
    const FunctionName = 'published'
    const made = await hearth.lambda.send(
      new CreateFunctionCommand({
        ...{ FunctionName, Runtime: 'nodejs24.x', Handler: 'index.handler', Role: ROLE },
        Code: { ZipFile: zip(files) },
        Environment: { Variables: {} },
        Publish: true,
      }),
    )
    expect(made).toMatchObject({ Version: '1', FunctionArn: arn(FunctionName), State: 'Pending' })
    // What was given is shown, although it is empty.
    expect(made.Environment).toEqual({ Variables: {} })
    await hearth.lambda.send(new DeleteFunctionCommand({ FunctionName }))
  })

  test('a second function of the name is refused', async () => {
    const again = hearth.lambda.send(
      new CreateFunctionCommand({
        FunctionName: 'born',
        Runtime: 'nodejs24.x',
        Handler: 'index.handler',
        Role: ROLE,
        Code: { ZipFile: zip(files) },
      }),
    )
    await expect(again).rejects.toMatchObject({
      name: 'ResourceConflictException',
      message: 'Function already exist: born',
      $metadata: { httpStatusCode: 409 },
    })
  })
})

test('GetFunction adds a link by which the code can be fetched, and the tags', async () => {
  const { Code, Tags, Configuration } = await hearth.lambda.send(
    new GetFunctionCommand({ FunctionName: 'born' }),
  )
  expect(Tags).toEqual({ team: 'blue' })
  expect(Configuration?.FunctionArn).toBe(arn('born'))
  const fetched = await fetch(Code?.Location ?? '')
  expect(Buffer.from(await fetched.arrayBuffer())).toEqual(Buffer.from(zip(files)))
  const forged = await fetch((Code?.Location ?? '').replace(/signature=/, 'signature=0'))
  expect(forged.status).toBe(403)
})

test.each([
  ['a name', 'born', undefined],
  ['a partial ARN', '000000000000:function:born', undefined],
  ['an ARN', arn('born'), undefined],
  ['a qualified name', 'born:$LATEST', ':$LATEST'],
  ['a qualified ARN', `${arn('born')}:$LATEST`, ':$LATEST'],
])('a function is found by %s', async (_, given, suffix) => {
  const found = await hearth.lambda.send(new GetFunctionCommand({ FunctionName: given }))
  expect(found.Configuration?.FunctionArn).toBe(`${arn('born')}${suffix ?? ''}`)
})

describe('update', () => {
  test('of the code is InProgress, then Successful, and a second one meanwhile is refused', async () => {
    const before = await hearth.lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName: 'born' }),
    )
    const next = zip({ 'index.mjs': 'export const handler = async () => "second"' })
    const updating = await hearth.lambda.send(
      new UpdateFunctionCodeCommand({ FunctionName: 'born', ZipFile: next }),
    )
    expect(updating).toMatchObject({
      State: 'Active',
      LastUpdateStatus: 'InProgress',
      LastUpdateStatusReason: 'The function is being created.',
      LastUpdateStatusReasonCode: 'Creating',
    })
    expect(updating.CodeSha256).not.toBe(before.CodeSha256)
    // The first update may just be over when these come, and then one of them is under way.
    const answers = await Promise.allSettled(
      Array.from({ length: 10 }, () =>
        hearth.lambda.send(
          new UpdateFunctionConfigurationCommand({ FunctionName: 'born', Timeout: 5 }),
        ),
      ),
    )
    const refusals = answers.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    expect(refusals.length).toBeGreaterThan(0)
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({
        name: 'ResourceConflictException',
        message: `The operation cannot be performed at this time. An update is in progress for resource: ${arn('born')}`,
      })
    }
    await settled('born')
    expect((await hearth.invoke('born')).json).toBe('second')
  })

  test('of the environment reaches the next invocation', async () => {
    await hearth.lambda.send(
      new UpdateFunctionCodeCommand({ FunctionName: 'born', ZipFile: zip(files) }),
    )
    await settled('born')
    expect((await hearth.invoke('born')).json).toBe('none')
    await hearth.lambda.send(
      new UpdateFunctionConfigurationCommand({
        FunctionName: 'born',
        Environment: { Variables: { STAGE: 'blue' } },
      }),
    )
    await settled('born')
    expect((await hearth.invoke('born')).json).toBe('blue')
  })

  test('with a stale RevisionId is refused', async () => {
    await expect(
      hearth.lambda.send(
        new UpdateFunctionConfigurationCommand({
          FunctionName: 'born',
          Timeout: 5,
          RevisionId: '00000000-0000-0000-0000-000000000000',
        }),
      ),
    ).rejects.toMatchObject({
      name: 'PreconditionFailedException',
      $metadata: { httpStatusCode: 412 },
    })
  })

  test('as a dry run stores nothing', async () => {
    const other = zip({ 'index.mjs': 'export const handler = async () => "dry"' })
    const dry = await hearth.lambda.send(
      new UpdateFunctionCodeCommand({ FunctionName: 'born', ZipFile: other, DryRun: true }),
    )
    const kept = await hearth.lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName: 'born' }),
    )
    expect(dry.CodeSize).toBe(other.length)
    expect(kept.CodeSize).toBe(zip(files).length)
  })

  test('with Publish makes a version that never changes again', async () => {
    const one = zip({ 'index.mjs': 'export const handler = async (e, c) => c.functionVersion' })
    const published = await hearth.lambda.send(
      new UpdateFunctionCodeCommand({ FunctionName: 'born', ZipFile: one, Publish: true }),
    )
    expect(published).toMatchObject({ Version: '1', FunctionArn: `${arn('born')}:1` })
    await settled('born')
    await hearth.lambda.send(
      new UpdateFunctionCodeCommand({ FunctionName: 'born', ZipFile: zip(files) }),
    )
    await settled('born')
    const pinned = await hearth.invoke('born', {}, { Qualifier: '1' })
    expect(pinned).toMatchObject({ json: '1', version: '1' })
    expect((await hearth.invoke('born')).json).toBe('blue')
  })
})

describe('list', () => {
  test('comes in pages that hold each function once', async () => {
    for (const name of ['list-c', 'list-a', 'list-b'])
      await hearth.create({ FunctionName: name, files })
    const names: (string | undefined)[] = []
    const pages = paginateListFunctions({ client: hearth.lambda, pageSize: 2 }, {})
    for await (const page of pages) {
      expect(page.Functions?.length).toBeLessThanOrEqual(2)
      names.push(...(page.Functions ?? []).map((one) => one.FunctionName))
    }
    expect(names).toEqual(['born', 'list-a', 'list-b', 'list-c'])
  })

  test('with FunctionVersion ALL shows published versions too', async () => {
    const all = await hearth.lambda.send(new ListFunctionsCommand({ FunctionVersion: 'ALL' }))
    const versions = all.Functions?.filter((one) => one.FunctionName === 'born')
    expect(versions?.map((one) => one.Version)).toEqual(['$LATEST', '1'])
  })

  test('leaves out whether functions and versions are ready, as AWS does', async () => {
    const born = { FunctionName: 'born' }
    const all = await hearth.lambda.send(new ListFunctionsCommand({}))
    const { Versions = [] } = await hearth.lambda.send(new ListVersionsByFunctionCommand(born))
    const whole = await hearth.lambda.send(new GetFunctionConfigurationCommand(born))
    const { $metadata: _, State, LastUpdateStatus, RuntimeVersionConfig, ...listed } = whole
    expect([State, LastUpdateStatus]).toEqual(['Active', 'Successful'])
    expect(RuntimeVersionConfig).toBeDefined()
    expect(all.Functions?.find((one) => one.FunctionName === 'born')).toEqual(listed)
    for (const version of Versions) {
      expect(Object.keys(version).sort()).toEqual(Object.keys(listed).sort())
    }
  })
})

describe('delete', () => {
  test('answers 204, and the function is unknown afterwards', async () => {
    const gone = await hearth.lambda.send(new DeleteFunctionCommand({ FunctionName: 'list-a' }))
    expect(gone.$metadata.httpStatusCode).toBe(204)
    await expect(
      hearth.lambda.send(new InvokeCommand({ FunctionName: 'list-a' })),
    ).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: `Function not found: ${arn('list-a')}:$LATEST`,
    })
    await expect(
      hearth.lambda.send(new DeleteFunctionCommand({ FunctionName: 'list-a' })),
    ).rejects.toMatchObject({ message: `Function not found: ${arn('list-a')}` })
  })

  test('of $LATEST alone is refused', async () => {
    await expect(
      hearth.lambda.send(new DeleteFunctionCommand({ FunctionName: 'born', Qualifier: '$LATEST' })),
    ).rejects.toMatchObject({
      message: '$LATEST version cannot be deleted without deleting the function.',
    })
  })
})

test('an operation that Hearth does not have says so', async () => {
  await expect(hearth.lambda.send(new ListCapacityProvidersCommand({}))).rejects.toMatchObject({
    $metadata: { httpStatusCode: 501 },
  })
})
