// Reserved and provisioned concurrency and published versions through the unmodified AWS SDK: AWS's
// members and literal words, and environments that are really there before anybody asks.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import {
  DeleteFunctionCommand,
  DeleteFunctionConcurrencyCommand,
  DeleteProvisionedConcurrencyConfigCommand,
  GetAccountSettingsCommand,
  GetFunctionCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  GetProvisionedConcurrencyConfigCommand,
  type LambdaClient,
  ListProvisionedConcurrencyConfigsCommand,
  ListVersionsByFunctionCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  PutProvisionedConcurrencyConfigCommand,
  waitUntilPublishedVersionActive,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type Hearth, startHearth } from './hearth.ts'

const docker = promisify(execFile)
const arn = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`
let hearth: Hearth
let lambda: LambdaClient

const code = `
  if (process.env.BROKEN) throw new Error('cannot load')
  export const handler = async ({ waitMs = 0 }) => {
    await new Promise((resolve) => setTimeout(resolve, waitMs))
    return process.env.AWS_LAMBDA_INITIALIZATION_TYPE
  }`
const files = { 'index.mjs': code }

beforeAll(async () => {
  hearth = await startHearth({ env: { HEARTH_STEMS_MAX: '0' } })
  lambda = hearth.lambda
  await hearth.create({ FunctionName: 'f', files })
})
afterAll(() => hearth?.stop())

const reserve = (FunctionName: string, ReservedConcurrentExecutions: number) =>
  lambda.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions }))
const publish = async (FunctionName: string) => {
  const { Version } = await lambda.send(new PublishVersionCommand({ FunctionName }))
  await waitUntilPublishedVersionActive(
    { client: lambda, maxWaitTime: 20, minDelay: 1, maxDelay: 1 },
    { FunctionName, Qualifier: Version },
  )
  return Version as string
}
const provision = (FunctionName: string, Qualifier: string, ProvisionedConcurrentExecutions = 1) =>
  lambda.send(
    new PutProvisionedConcurrencyConfigCommand({
      FunctionName,
      Qualifier,
      ProvisionedConcurrentExecutions,
    }),
  )
const config = async (FunctionName: string, Qualifier: string) => {
  const { $metadata: _, ...members } = await lambda.send(
    new GetProvisionedConcurrencyConfigCommand({ FunctionName, Qualifier }),
  )
  return members
}
const hasStatus = (name: string, version: string, status: string) =>
  eventually(`${name}:${version} is ${status}`, async () => {
    return (await config(name, version)).Status === status
  })

describe('reserved concurrency', () => {
  test('of 0 turns a function off at once, and on again', async () => {
    expect((await hearth.invoke('f')).json).toBe('on-demand')
    expect(await reserve('f', 0)).toMatchObject({ ReservedConcurrentExecutions: 0 })
    await expect(hearth.invoke('f')).rejects.toMatchObject({
      name: 'TooManyRequestsException',
      message: 'Rate Exceeded.',
      Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
      Type: 'User',
      retryAfterSeconds: '1',
      $metadata: { httpStatusCode: 429 },
    })
    const gone = await lambda.send(new DeleteFunctionConcurrencyCommand({ FunctionName: 'f' }))
    expect(gone.$metadata.httpStatusCode).toBe(204)
    expect((await hearth.invoke('f')).json).toBe('on-demand')
  })

  test('is shown by GetFunction, GetFunctionConcurrency and GetAccountSettings', async () => {
    const none = await lambda.send(new GetFunctionConcurrencyCommand({ FunctionName: 'f' }))
    expect(none.ReservedConcurrentExecutions).toBeUndefined()
    await reserve('f', 40)
    const shown = await lambda.send(new GetFunctionCommand({ FunctionName: 'f' }))
    expect(shown.Concurrency).toEqual({ ReservedConcurrentExecutions: 40 })
    const own = await lambda.send(new GetFunctionConcurrencyCommand({ FunctionName: 'f' }))
    expect(own.ReservedConcurrentExecutions).toBe(40)
    expect(await lambda.send(new GetAccountSettingsCommand({}))).toMatchObject({
      AccountLimit: {
        TotalCodeSize: 80_530_636_800,
        CodeSizeUnzipped: 262_144_000,
        CodeSizeZipped: 52_428_800,
        ConcurrentExecutions: 1000,
        UnreservedConcurrentExecutions: 960,
      },
      AccountUsage: { FunctionCount: 1, TotalCodeSize: expect.any(Number) },
    })
    await lambda.send(new DeleteFunctionConcurrencyCommand({ FunctionName: 'f' }))
  })

  test('is refused in AWS’s words', async () => {
    await expect(reserve('f', 901)).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
      message:
        "Specified ReservedConcurrentExecutions for function decreases account's " +
        'UnreservedConcurrentExecution below its minimum value of [100].',
    })
    await expect(reserve(`${arn('f')}:1`, 1)).rejects.toMatchObject({
      message: expect.stringMatching(/^This operation is permitted on Lambda functions only\./),
    })
    await expect(reserve('nobody', 1)).rejects.toMatchObject({
      message: `Function not found: ${arn('nobody')}:$LATEST`,
    })
  })

  test('holds for invocations at a time', async () => {
    await hearth.create({ FunctionName: 'two', files })
    await reserve('two', 2)
    const results = await Promise.allSettled(
      Array.from({ length: 5 }, () => hearth.invoke('two', { waitMs: 1_500 })),
    )
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
    expect((await hearth.invoke('two')).json).toBe('on-demand')
  })
})

describe('published versions', () => {
  test('are made once for the same code and configuration, and listed', async () => {
    await hearth.create({ FunctionName: 'book', files })
    const made = await lambda.send(
      new PublishVersionCommand({ FunctionName: 'book', Description: 'first' }),
    )
    expect(made).toMatchObject({
      $metadata: { httpStatusCode: 201 },
      Version: '1',
      FunctionArn: `${arn('book')}:1`,
      Description: 'first',
    })
    expect(await publish('book')).toBe('1')
    const all = await lambda.send(new ListVersionsByFunctionCommand({ FunctionName: 'book' }))
    expect(all.Versions?.map(({ FunctionArn }) => FunctionArn)).toEqual([
      `${arn('book')}:$LATEST`,
      `${arn('book')}:1`,
    ])
    expect((await hearth.invoke('book', {}, { Qualifier: '1' })).version).toBe('1')
  })

  test('are ready as soon as they are made, and make $LATEST another revision', async () => {
    await hearth.create({ FunctionName: 'quick', files })
    const revision = async (Qualifier?: string) => {
      const asked = new GetFunctionConfigurationCommand({ FunctionName: 'quick', Qualifier })
      return (await lambda.send(asked)).RevisionId
    }
    const before = await revision()
    const made = await lambda.send(new PublishVersionCommand({ FunctionName: 'quick' }))
    expect((await hearth.invoke('quick', {}, { Qualifier: '1' })).version).toBe('1')
    expect(made).toMatchObject({ State: 'Active', LastUpdateStatus: 'Successful' })
    expect(made).not.toHaveProperty('StateReason')
    expect(await revision('1')).toBe(made.RevisionId)
    expect(new Set([before, made.RevisionId, await revision()]).size).toBe(3)
  })

  test('keep to the code and the revision that the caller means', async () => {
    const { CodeSha256 } = await lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName: 'book' }),
    )
    await expect(
      lambda.send(new PublishVersionCommand({ FunctionName: 'book', CodeSha256: 'other' })),
    ).rejects.toMatchObject({
      message:
        `CodeSHA256 (other) is different from current CodeSHA256 in $LATEST (${CodeSha256}). ` +
        'Please try again with the CodeSHA256 in $LATEST.',
    })
    await expect(
      lambda.send(new PublishVersionCommand({ FunctionName: 'book', RevisionId: 'other' })),
    ).rejects.toMatchObject({ name: 'PreconditionFailedException' })
  })
})

describe('provisioned concurrency', () => {
  test('is refused in AWS’s words', async () => {
    await expect(provision('book', '$LATEST')).rejects.toMatchObject({
      message:
        'Provisioned Concurrency Configs cannot be applied to unpublished function versions.',
    })
    await expect(config('book', '$LATEST')).rejects.toMatchObject({
      message: 'The function resource provided must be an alias or a published version.',
    })
    await expect(config('book', '1')).rejects.toMatchObject({
      name: 'ProvisionedConcurrencyConfigNotFoundException',
      message: 'No Provisioned Concurrency Config found for this function',
      $metadata: { httpStatusCode: 404 },
    })
    await expect(provision('book', '7')).rejects.toMatchObject({
      message: `Function not found: ${arn('book')}:7`,
    })
    await expect(provision('book', 'live')).rejects.toMatchObject({
      message: `Cannot find alias arn: ${arn('book')}:live`,
    })
    await expect(provision('book', '1', 1001)).rejects.toMatchObject({
      message:
        "Specified ConcurrentExecutions for function is greater than account's unreserved " +
        'concurrency [998].',
    })
  })

  test('is IN_PROGRESS, then READY; its environments serve first, others spill over', async () => {
    await hearth.create({ FunctionName: 'ahead', files })
    const version = await publish('ahead')
    const before = (await hearth.sandboxes()).length
    const { $metadata, ...asked } = await provision('ahead', version, 2)
    expect($metadata.httpStatusCode).toBe(202)
    expect(asked).toEqual({
      RequestedProvisionedConcurrentExecutions: 2,
      AvailableProvisionedConcurrentExecutions: 0,
      AllocatedProvisionedConcurrentExecutions: 0,
      Status: 'IN_PROGRESS',
      LastModified: expect.stringMatching(/\+0000$/),
    })
    await hasStatus('ahead', version, 'READY')
    expect(await config('ahead', version)).toMatchObject({
      AvailableProvisionedConcurrentExecutions: 2,
      AllocatedProvisionedConcurrentExecutions: 2,
    })
    expect((await hearth.sandboxes()).length).toBe(before + 2)
    const list = await lambda.send(
      new ListProvisionedConcurrencyConfigsCommand({ FunctionName: 'ahead' }),
    )
    expect(list.ProvisionedConcurrencyConfigs).toMatchObject([
      { FunctionArn: `${arn('ahead')}:${version}`, Status: 'READY' },
    ])
    const three = await Promise.all(
      [1, 2, 3].map(() => hearth.invoke('ahead', { waitMs: 6_000 }, { Qualifier: version })),
    )
    expect(three.map(({ json }) => json).sort()).toEqual([
      'on-demand',
      'provisioned-concurrency',
      'provisioned-concurrency',
    ])
  })

  test('is replaced when one dies, and is there again after a restart', async () => {
    await hearth.create({ FunctionName: 'kept', files })
    const version = await publish('kept')
    const before = new Set(await hearth.sandboxes())
    await provision('kept', version)
    await hasStatus('kept', version, 'READY')
    const own = (await hearth.sandboxes()).filter((id) => !before.has(id))
    expect(own).toHaveLength(1)
    await docker('docker', ['kill', ...own])
    await eventually('another is there', async () => {
      const now = (await hearth.sandboxes()).filter((id) => !before.has(id) && !own.includes(id))
      return now.length === 1
    })
    await hasStatus('kept', version, 'READY')
    const answer = await hearth.invoke('kept', {}, { Qualifier: version })
    expect(answer.json).toBe('provisioned-concurrency')
    await hearth.main.kill()
    hearth.main = await hearth.serve()
    await hasStatus('kept', version, 'READY')
  })

  test('that cannot be initialised is FAILED, and says why', async () => {
    await hearth.create({
      FunctionName: 'broken',
      files,
      Environment: { Variables: { BROKEN: '1' } },
    })
    const version = await publish('broken')
    await provision('broken', version)
    await hasStatus('broken', version, 'FAILED')
    expect(await config('broken', version)).toMatchObject({
      AvailableProvisionedConcurrentExecutions: 0,
      StatusReason: 'FUNCTION_ERROR_INIT_FAILURE',
    })
    await lambda.send(new DeleteFunctionCommand({ FunctionName: 'broken' }))
  })

  test('ends with its configuration, and with its function', async () => {
    const gone = await lambda.send(
      new DeleteProvisionedConcurrencyConfigCommand({ FunctionName: 'kept', Qualifier: '1' }),
    )
    expect(gone.$metadata.httpStatusCode).toBe(204)
    await lambda.send(new DeleteFunctionCommand({ FunctionName: 'ahead' }))
    await eventually('its sandboxes are gone', async () => {
      return (await hearth.sandboxes()).length === 0
    })
  })
})
