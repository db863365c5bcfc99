// What teams set around their functions, through the AWS SDK: tags on whatever carries some, code
// signing that warns, runtimes that stay current; and the oldest way to invoke.

import {
  CreateCodeSigningConfigCommand,
  CreateEventSourceMappingCommand,
  DeleteCodeSigningConfigCommand,
  DeleteFunctionCodeSigningConfigCommand,
  GetCodeSigningConfigCommand,
  GetFunctionCodeSigningConfigCommand,
  GetFunctionCommand,
  GetRuntimeManagementConfigCommand,
  InvokeAsyncCommand,
  ListCodeSigningConfigsCommand,
  ListFunctionsByCodeSigningConfigCommand,
  ListTagsCommand,
  PutFunctionCodeSigningConfigCommand,
  PutRuntimeManagementConfigCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateCodeSigningConfigCommand,
  UpdateFunctionCodeCommand,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type Hearth, startHearth, zip } from './hearth.ts'
import { openLogTests } from './log-tests.ts'
import { answerForSources } from './source-answers.ts'

const arn = (resource: string, service = 'lambda') =>
  `arn:aws:${service}:us-east-1:000000000000:${resource}`
const FUNCTION = arn('function:f')
const files = { 'index.mjs': 'export const handler = async (event) => console.log(event.word)' }
let hearth: Hearth
let close: (() => Promise<void>) | undefined

beforeAll(async () => {
  hearth = await startHearth({ roles: 'gateway,scheduler,metering' })
  await hearth.create({ FunctionName: 'f', files, Tags: { team: 'blue' } })
})
afterAll(async () => {
  await close?.()
  await hearth?.stop()
})

const tagsOf = async (Resource: string) =>
  (await hearth.lambda.send(new ListTagsCommand({ Resource }))).Tags

async function changeTags(Resource: string): Promise<void> {
  const set = new TagResourceCommand({ Resource, Tags: { team: 'red', 'a b': '' } })
  expect((await hearth.lambda.send(set)).$metadata.httpStatusCode).toBe(204)
  expect(await tagsOf(Resource)).toEqual({ team: 'red', 'a b': '' })
  const unset = new UntagResourceCommand({ Resource, TagKeys: ['team', 'never'] })
  expect((await hearth.lambda.send(unset)).$metadata.httpStatusCode).toBe(204)
  expect(await tagsOf(Resource)).toEqual({ 'a b': '' })
}

describe('tags', () => {
  test('of a function are listed, set and taken away, and GetFunction shows them', async () => {
    expect(await tagsOf(FUNCTION)).toEqual({ team: 'blue' })
    await changeTags(FUNCTION)
    const { Tags } = await hearth.lambda.send(new GetFunctionCommand({ FunctionName: 'f' }))
    expect(Tags).toEqual({ 'a b': '' })
  })

  test('of an event source mapping, too, and it goes on as it was', async () => {
    close = await answerForSources(hearth)
    const made = await hearth.lambda.send(
      new CreateEventSourceMappingCommand({
        FunctionName: 'f',
        EventSourceArn: arn('q', 'sqs'),
        Enabled: false,
        Tags: { team: 'blue' },
      }),
    )
    const resource = made.EventSourceMappingArn ?? ''
    expect(await tagsOf(resource)).toEqual({ team: 'blue' })
    await changeTags(resource)
  })
})

describe('code signing', () => {
  const profile = arn('/signing-profiles/p/1234567890', 'signer')
  const AllowedPublishers = { SigningProfileVersionArns: [profile] }
  const configOf = (FunctionName: string) =>
    hearth.lambda.send(new GetFunctionCodeSigningConfigCommand({ FunctionName }))

  test('is nothing until it is set', async () => {
    const { $metadata: _, ...none } = await configOf('f')
    expect(none).toEqual({})
    const { CodeSigningConfigs } = await hearth.lambda.send(new ListCodeSigningConfigsCommand({}))
    expect(CodeSigningConfigs).toEqual([])
  })

  test('that would refuse what it cannot judge is refused', async () => {
    const CodeSigningPolicies = { UntrustedArtifactOnDeployment: 'Enforce' as const }
    const create = new CreateCodeSigningConfigCommand({ AllowedPublishers, CodeSigningPolicies })
    await expect(hearth.lambda.send(create)).rejects.toMatchObject({
      name: 'NotImplementedException',
      message: expect.stringContaining('Hearth cannot verify signatures'),
    })
  })

  test('is made, shown, changed, tagged, given to a function, obeyed, and deleted', async () => {
    const send = hearth.lambda.send.bind(hearth.lambda)
    const made = await send(new CreateCodeSigningConfigCommand({ AllowedPublishers }))
    const CodeSigningConfigArn = made.CodeSigningConfig?.CodeSigningConfigArn ?? ''
    expect(made.$metadata.httpStatusCode).toBe(201)
    expect(made.CodeSigningConfig).toEqual({
      CodeSigningConfigId: expect.stringMatching(/^csc-[a-z0-9]{17}$/),
      CodeSigningConfigArn: expect.stringMatching(/:code-signing-config:csc-[a-z0-9]{17}$/),
      AllowedPublishers,
      CodeSigningPolicies: { UntrustedArtifactOnDeployment: 'Warn' },
      LastModified: expect.stringMatching(/^\d{4}-.*\+0000$/),
    })
    await send(new UpdateCodeSigningConfigCommand({ CodeSigningConfigArn, Description: 'd' }))
    const got = await send(new GetCodeSigningConfigCommand({ CodeSigningConfigArn }))
    expect(got.CodeSigningConfig).toMatchObject({ Description: 'd', AllowedPublishers })
    await changeTags(CodeSigningConfigArn)
    const put = new PutFunctionCodeSigningConfigCommand({ FunctionName: 'f', CodeSigningConfigArn })
    expect(await send(put)).toMatchObject({ FunctionName: 'f', CodeSigningConfigArn })
    expect(await configOf('f')).toMatchObject({ FunctionName: 'f', CodeSigningConfigArn })
    const users = await send(new ListFunctionsByCodeSigningConfigCommand({ CodeSigningConfigArn }))
    expect(users.FunctionArns).toEqual([FUNCTION])
    const remove = () => send(new DeleteCodeSigningConfigCommand({ CodeSigningConfigArn }))
    await expect(remove()).rejects.toMatchObject({ name: 'ResourceConflictException' })
    await send(new UpdateFunctionCodeCommand({ FunctionName: 'f', ZipFile: zip(files) }))
    expect(hearth.main.output()).toContain('The code that f was given has no signature')
    const unset = new DeleteFunctionCodeSigningConfigCommand({ FunctionName: 'f' })
    expect((await send(unset)).$metadata.httpStatusCode).toBe(204)
    expect((await remove()).$metadata.httpStatusCode).toBe(204)
    expect((await send(new ListCodeSigningConfigsCommand({}))).CodeSigningConfigs).toEqual([])
  })
})

test('runtimes are kept current, and nothing else is promised', async () => {
  const FunctionName = 'f'
  const { $metadata: _, ...shown } = await hearth.lambda.send(
    new GetRuntimeManagementConfigCommand({ FunctionName }),
  )
  expect(shown).toEqual({ UpdateRuntimeOn: 'Auto', FunctionArn: `${FUNCTION}:$LATEST` })
  const put = (input: object) =>
    hearth.lambda.send(
      new PutRuntimeManagementConfigCommand({ FunctionName, UpdateRuntimeOn: 'Auto', ...input }),
    )
  expect(await put({})).toMatchObject(shown)
  const RuntimeVersionArn = `arn:aws:lambda:us-east-1::runtime:${'0'.repeat(64)}`
  for (const input of [
    { UpdateRuntimeOn: 'FunctionUpdate' },
    { UpdateRuntimeOn: 'Manual' },
    { RuntimeVersionArn },
  ]) {
    await expect(put(input)).rejects.toMatchObject({ name: 'NotImplementedException' })
  }
})

test('InvokeAsync accepts an event, and the function gets it', async () => {
  const invoke = (InvokeArgs: string, FunctionName = 'f') =>
    hearth.lambda.send(
      new InvokeAsyncCommand({ FunctionName, InvokeArgs: Buffer.from(InvokeArgs) }),
    )
  expect((await invoke('{"word":"heard-by-way-of-the-past"}')).Status).toBe(202)
  await expect(invoke('{')).rejects.toMatchObject({ name: 'InvalidRequestContentException' })
  await expect(invoke('{}', 'nobody')).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
  await close?.()
  close = undefined
  await hearth.serve('poller')
  const { filter } = openLogTests(hearth.endpoint)
  await eventually('the event is logged', async () => {
    const lines = await filter({ logGroupName: '/aws/lambda/f' }).catch(() => [])
    return lines.some((line) => line?.includes('heard-by-way-of-the-past'))
  })
})
