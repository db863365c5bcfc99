// Aliases through the AWS SDK: made, changed and refused in AWS's words, invoked in every way, and
// exact about who gets how much.

import {
  CreateAliasCommand,
  CreateFunctionUrlConfigCommand,
  DeleteAliasCommand,
  DeleteFunctionCommand,
  GetAliasCommand,
  GetFunctionCommand,
  GetFunctionConfigurationCommand,
  GetFunctionUrlConfigCommand,
  GetProvisionedConcurrencyConfigCommand,
  InvokeCommand,
  ListAliasesCommand,
  ListFunctionUrlConfigsCommand,
  PublishVersionCommand,
  PutFunctionEventInvokeConfigCommand,
  PutProvisionedConcurrencyConfigCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openCallers } from './callers.ts'
import { eventually, type Hearth, publicUrl, startHearth, zip } from './hearth.ts'

let hearth: Hearth
const FunctionName = 'aliased'
const ARN = `arn:aws:lambda:us-east-1:000000000000:function:${FunctionName}`

const code = (mark: string) => `
  export const handler = async (event, context) => {
    if (event?.fails) throw new Error('as it was asked to')
    return {
      mark: '${mark}',
      version: context.functionVersion,
      arn: context.invokedFunctionArn,
    }
  }`

beforeAll(async () => {
  hearth = await startHearth()
  await hearth.create({ FunctionName, MemorySize: 512, files: { 'index.mjs': code('one') } })
  await publish()
  await hearth.lambda.send(
    new UpdateFunctionCodeCommand({ FunctionName, ZipFile: zip({ 'index.mjs': code('two') }) }),
  )
  await waitUntilFunctionUpdatedV2({ client: hearth.lambda, maxWaitTime: 60 }, { FunctionName })
  await publish()
})
afterAll(() => hearth?.stop())

async function publish() {
  const { Version: Qualifier } = await hearth.lambda.send(
    new PublishVersionCommand({ FunctionName }),
  )
  await eventually(`version ${Qualifier} is there`, async () => {
    const asked = new GetFunctionConfigurationCommand({ FunctionName, Qualifier })
    return (await hearth.lambda.send(asked)).State === 'Active'
  })
}

const create = (Name: string, more: object = {}) =>
  hearth.lambda.send(new CreateAliasCommand({ FunctionName, Name, FunctionVersion: '1', ...more }))

describe('an alias', () => {
  test('is made, shown, changed and listed as on AWS', async () => {
    const made = await create('live', { Description: 'what is live' })
    expect(made.$metadata.httpStatusCode).toBe(201)
    const { $metadata: _, ...shown } = made
    expect(shown).toEqual({
      AliasArn: `${ARN}:live`,
      Name: 'live',
      FunctionVersion: '1',
      Description: 'what is live',
      RevisionId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
    const of = { FunctionName, Name: 'live' }
    expect(await hearth.lambda.send(new GetAliasCommand(of))).toMatchObject(shown)
    const { RevisionId } = made
    const change = { ...of, FunctionVersion: '2', RevisionId }
    const changed = await hearth.lambda.send(new UpdateAliasCommand(change))
    expect(changed).toMatchObject({ FunctionVersion: '2', Description: 'what is live' })
    expect(changed.RevisionId).not.toBe(RevisionId)
    await expect(hearth.lambda.send(new UpdateAliasCommand(change))).rejects.toMatchObject({
      name: 'PreconditionFailedException',
    })
    await create('beta')
    const list = async (more: object) => {
      const listed = await hearth.lambda.send(new ListAliasesCommand({ FunctionName, ...more }))
      return [listed.Aliases?.map(({ Name }) => Name), listed.NextMarker] as const
    }
    expect(await list({})).toEqual([['beta', 'live'], undefined])
    expect(await list({ FunctionVersion: '2' })).toEqual([['live'], undefined])
    const [first, Marker] = await list({ MaxItems: 1 })
    expect([first, await list({ Marker })]).toEqual([['beta'], [['live'], undefined]])
  })

  test.each<[string, () => Promise<unknown>, string, string]>([
    [
      'of digits alone',
      () => create('2024'),
      'ValidationException',
      "1 validation error detected: Value '2024' at 'name' failed to satisfy constraint: " +
        'Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)',
    ],
    [
      'that is there',
      () => create('live'),
      'ResourceConflictException',
      `Alias already exists: ${ARN}:live`,
    ],
    [
      'of no version',
      () => create('custom', { FunctionVersion: '10' }),
      'ResourceNotFoundException',
      `Function not found: ${ARN}:10`,
    ],
    [
      'with a weight beyond one',
      () => create('custom', { RoutingConfig: { AdditionalVersionWeights: { 2: 2 } } }),
      'ValidationException',
      "1 validation error detected: Value '{2=2.0}' at 'routingConfig.additionalVersionWeights' " +
        'failed to satisfy constraint: Map value must satisfy constraint: [Member must have value ' +
        'less than or equal to 1.0, Member must have value greater than or equal to 0.0, ' +
        'Member must not be null]',
    ],
    [
      'that is asked for and is not there',
      () => hearth.lambda.send(new GetAliasCommand({ FunctionName, Name: 'non-existent' })),
      'ResourceNotFoundException',
      `Cannot find alias arn: ${ARN}:non-existent`,
    ],
    [
      'that is changed and is not there',
      () => hearth.lambda.send(new UpdateAliasCommand({ FunctionName, Name: 'non-existent' })),
      'ResourceNotFoundException',
      `Alias not found: ${ARN}:non-existent`,
    ],
    [
      'by its version’s deletion',
      () => hearth.lambda.send(new DeleteFunctionCommand({ FunctionName, Qualifier: '2' })),
      'ResourceConflictException',
      'Unable to delete version because the following aliases reference it: [live]',
    ],
    [
      'by the deletion of its name as of a version',
      () => hearth.lambda.send(new DeleteFunctionCommand({ FunctionName, Qualifier: 'gone' })),
      'InvalidParameterValueException',
      'Deletion of aliases is not currently supported.',
    ],
  ])('%s is refused', async (_, ask, name, message) => {
    await expect(ask()).rejects.toMatchObject({ name, message })
  })
})

describe('an invocation of an alias', () => {
  test('runs its version, and knows as what', async () => {
    const answer = await hearth.invoke(FunctionName, {}, { Qualifier: 'live' })
    expect(answer.json).toEqual({ mark: 'two', version: '2', arn: `${ARN}:live` })
    expect(answer.version).toBe('2')
    const byArn = await hearth.invoke(`${ARN}:beta`)
    expect(byArn.json).toEqual({ mark: 'one', version: '1', arn: `${ARN}:beta` })
    const shown = await hearth.lambda.send(
      new GetFunctionCommand({ FunctionName, Qualifier: 'beta' }),
    )
    expect(shown.Configuration).toMatchObject({ FunctionArn: `${ARN}:beta`, Version: '1' })
    await expect(hearth.invoke(FunctionName, {}, { Qualifier: 'gone' })).rejects.toMatchObject({
      message: `Function not found: ${ARN}:gone`,
    })
  })

  test('is shared out to the letter', async () => {
    const RoutingConfig = { AdditionalVersionWeights: { 2: 0.25 } }
    expect(await create('canary', { RoutingConfig })).toMatchObject({ RoutingConfig })
    const counts: Record<string, number> = {}
    for (let count = 0; count < 100; count += 1) {
      const { version = '' } = await hearth.invoke(FunctionName, {}, { Qualifier: 'canary' })
      counts[version] = (counts[version] ?? 0) + 1
    }
    expect(counts).toEqual({ 1: 75, 2: 25 })
    const update = { FunctionName, Name: 'canary', RoutingConfig: {} }
    const whole = await hearth.lambda.send(new UpdateAliasCommand(update))
    expect(whole.RoutingConfig).toBeUndefined()
    const { version } = await hearth.invoke(FunctionName, {}, { Qualifier: 'canary' })
    expect(version).toBe('1')
  })

  test('may be an event, by a configuration of the alias’s own', async () => {
    await hearth.lambda.send(
      new PutFunctionEventInvokeConfigCommand({
        ...{ FunctionName, Qualifier: 'live', MaximumRetryAttempts: 0 },
      }),
    )
    const { StatusCode } = await hearth.lambda.send(
      new InvokeCommand({
        ...{ FunctionName, Qualifier: 'live', InvocationType: 'Event' },
        Payload: JSON.stringify({ fails: true }),
      }),
    )
    expect(StatusCode).toBe(202)
    // Any other configuration would try it again in a minute.
    await eventually('it is given up', async () => {
      return JSON.stringify(await hearth.native('/hearth/dead-letters')).includes(FunctionName)
    })
  })

  test('may come by the alias’s URL', async () => {
    const { hostname } = await publicUrl(hearth.lambda, FunctionName, { Qualifier: 'live' })
    const [urlId = ''] = hostname.split('.')
    const answer = await fetch(`${hearth.endpoint}/function-urls/${urlId}/`)
    expect(await answer.json()).toEqual({ mark: 'two', version: '2', arn: `${ARN}:live` })
    const named = new GetFunctionUrlConfigCommand({ FunctionName: `${ARN}:live` })
    expect((await hearth.lambda.send(named)).FunctionArn).toBe(`${ARN}:live`)
    const version = { FunctionName: `${ARN}:1`, AuthType: 'NONE' } as const
    await expect(
      hearth.lambda.send(new CreateFunctionUrlConfigCommand(version)),
    ).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining("Value '1' at 'qualifier' failed to satisfy constraint"),
    })
    const { FunctionUrlConfigs } = await hearth.lambda.send(
      new ListFunctionUrlConfigsCommand({ FunctionName }),
    )
    expect(FunctionUrlConfigs?.map((one) => one.FunctionArn)).toEqual([`${ARN}:live`])
    await publicUrl(hearth.lambda, FunctionName)
    const first = await hearth.lambda.send(
      new ListFunctionUrlConfigsCommand({ FunctionName, MaxItems: 1 }),
    )
    expect(first.FunctionUrlConfigs?.map((one) => one.FunctionArn)).toEqual([ARN])
    const second = await hearth.lambda.send(
      new ListFunctionUrlConfigsCommand({ FunctionName, Marker: first.NextMarker }),
    )
    expect(second).toMatchObject({ FunctionUrlConfigs })
    expect(second.NextMarker).toBeUndefined()
  })
})

test('provisioned concurrency of an alias moves with it and goes with it', async () => {
  const of = { FunctionName, Qualifier: 'beta' }
  const wish = { ...of, ProvisionedConcurrentExecutions: 1 }
  await hearth.lambda.send(new PutProvisionedConcurrencyConfigCommand(wish))
  const status = async () =>
    (await hearth.lambda.send(new GetProvisionedConcurrencyConfigCommand(of))).Status
  await eventually('it is ready', async () => (await status()) === 'READY', 30_000)
  await expect(
    hearth.lambda.send(new PutProvisionedConcurrencyConfigCommand({ ...wish, Qualifier: '1' })),
  ).rejects.toMatchObject({ message: 'Version is pointed by a Provisioned Concurrency alias' })
  await hearth.lambda.send(
    new UpdateAliasCommand({ FunctionName, Name: 'beta', FunctionVersion: '2' }),
  )
  await eventually('it is ready again', async () => (await status()) === 'READY', 30_000)
  const { json } = await hearth.invoke(FunctionName, {}, { Qualifier: 'beta' })
  expect(json.version).toBe('2')
  const deleted = await hearth.lambda.send(new DeleteAliasCommand({ FunctionName, Name: 'beta' }))
  expect(deleted.$metadata.httpStatusCode).toBe(204)
  await expect(status()).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
    message: `Cannot find alias arn: ${ARN}:beta`,
  })
})

test('our own command points an alias, shifts a part, and takes it back', async () => {
  const callers = await openCallers(hearth)
  const alias = async (...words: string[]) => {
    const { code, out, err } = await callers.command(['alias', ...words])
    return { code, said: (out + err).trim() }
  }
  const set = ['set', FunctionName, 'cli']
  expect(await alias(...set, '2', '--canary', '10')).toEqual({
    code: 1,
    said: 'There is no cli yet. Set it to a version before one beside it.',
  })
  expect((await alias(...set, '1', '--description', 'by hand')).said).toBe(
    'aliased:cli is version 1',
  )
  // The newest, unsaid.
  expect((await alias(...set, '--canary', '10')).said).toBe(
    'aliased:cli is version 1, beside it version 2 (10 %)',
  )
  const listed = await alias('ls', FunctionName, '-o', 'json')
  expect(JSON.parse(listed.said)).toContainEqual(
    expect.objectContaining({
      ...{ Name: 'cli', FunctionVersion: '1', Description: 'by hand' },
      RoutingConfig: { AdditionalVersionWeights: { 2: 0.1 } },
    }),
  )
  expect((await alias('ls')).said).toMatch(/aliased:cli +1 +2 \(10 %\) +by hand/)
  expect((await alias('rollback', FunctionName, 'cli')).said).toBe('aliased:cli is version 1')
  expect((await alias(...set, '--publish')).said).toBe('aliased:cli is version 2')
  expect((await alias(...set, '9')).said).toMatch(/Function not found: .*:9$/)
  expect((await alias(...set, '--canary', 'some')).code).toBe(2)
  expect(await alias('rm', FunctionName, 'cli')).toEqual({
    code: 0,
    said: 'cli is gone; the versions stay.',
  })
  expect((await alias('rm', FunctionName, 'cli')).code).toBe(1)
  await callers.close()
})
