// Layers through the unmodified AWS SDK: what is published is found under /opt by functions on
// stems and by those that start directly, and what AWS refuses is refused in its words.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  AddLayerVersionPermissionCommand,
  type CreateFunctionCommandInput,
  DeleteLayerVersionCommand,
  GetAccountSettingsCommand,
  GetFunctionConfigurationCommand,
  GetLayerVersionByArnCommand,
  GetLayerVersionCommand,
  GetLayerVersionPolicyCommand,
  ListLayersCommand,
  ListLayerVersionsCommand,
  PublishLayerVersionCommand,
  type PublishLayerVersionCommandInput,
  PublishVersionCommand,
  RemoveLayerVersionPermissionCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda'
import { strToU8, zipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listenForStart } from '../packages/cli/src/start-note.ts'
import { clientOf, eventually, type Hearth, invoke, ROOT, startHearth, zip } from './hearth.ts'

let hearth: Hearth
let lower: string
let upper: string

const ARN = 'arn:aws:lambda:us-east-1:000000000000:layer'
/** AWS's own pattern for what names a version. */
const VERSION = String.raw`(arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)`
const INVALID = 'InvalidParameterValueException'
const sourceOf = (name: string) => readFileSync(join(ROOT, 'e2e/functions/layers', name))
const NONE = { 'hearth:network': 'none' }

const send = {
  publish: (input: Partial<PublishLayerVersionCommandInput> & { LayerName: string }) =>
    hearth.lambda.send(
      new PublishLayerVersionCommand({ Content: { ZipFile: zip({ f: '1' }) }, ...input }),
    ),
  versions: (input: object) =>
    hearth.lambda.send(new ListLayerVersionsCommand({ LayerName: 'listed', ...input })),
}

async function publish(LayerName: string, files: Record<string, string | Uint8Array>) {
  const entries = Object.entries(files).map(([name, content]) => {
    const bytes = typeof content === 'string' ? strToU8(content) : content
    return [name, [bytes, { os: 3, attrs: 0o100755 << 16 }]]
  })
  const ZipFile = zipSync(Object.fromEntries(entries))
  const { LayerVersionArn = '' } = await send.publish({ LayerName, Content: { ZipFile } })
  return LayerVersionArn
}

/** Waits for a booted runtime, so that the next function is given it. */
const stemOf = (image: string) =>
  eventually(
    `${image} is held`,
    async () => {
      const { schedulers } = await hearth.native<{
        schedulers: { stems: { kind: string; state: string }[] }[]
      }>('/hearth/environments')
      const stems = schedulers.flatMap((scheduler) => scheduler.stems)
      return stems.some(({ kind, state }) => kind.startsWith(image) && state === 'Parked')
    },
    60_000,
  )

/** Invokes it for the first time. @returns its answer, and how its environment started. */
async function first(name: string, payload: unknown = {}) {
  const client = clientOf(hearth.endpoint)
  const lastStart = listenForStart(client)
  const answer = await invoke(client, name, payload)
  return { ...answer.json, start: lastStart()?.replace(/;.*/, '') }
}

const node = (input: Partial<CreateFunctionCommandInput>) =>
  hearth.create({ files: { 'index.js': sourceOf('index.js') }, ...input })
const python = (
  input: Partial<CreateFunctionCommandInput>,
  files: Record<string, Uint8Array> = {},
) =>
  hearth.create({
    files: { 'main.py': sourceOf('main.py'), ...files },
    Runtime: 'python3.13',
    Handler: 'main.handler',
    ...input,
  })

beforeAll(async () => {
  hearth = await startHearth()
  const module = (name: string) => ({
    'nodejs/node_modules/dep/index.js': `module.exports = '${name}'`,
    [name === 'lower' ? 'python/dep.py' : 'python/lib/python3.13/site-packages/dep.py']:
      `NAME = '${name}'`,
    'bin/tool': `#!/bin/sh\nprintf ${name}`,
    [name]: name,
  })
  lower = await publish('lower', module('lower'))
  upper = await publish('upper', module('upper'))
})
afterAll(() => hearth?.stop())

describe('a function finds its layers', () => {
  const seen = { written: 'EROFS', entries: ['bin', 'lower', 'nodejs', 'python', 'upper'] }

  test('in Node.js, on a stem and alone, later ones over earlier ones, for reading', async () => {
    await Promise.all([
      node({ FunctionName: 'stem', Layers: [lower, upper] }),
      node({ FunctionName: 'alone', Layers: [upper, lower], Tags: NONE }),
    ])
    await stemOf('hearth/nodejs24.x')
    expect(await first('stem')).toEqual({ start: 'stem', dep: 'upper', tool: 'upper', ...seen })
    expect(await first('alone')).toEqual({ start: 'cold', dep: 'lower', tool: 'lower', ...seen })
  })

  test('in Python, on a stem and alone, libraries too', async () => {
    await python({ FunctionName: 'giving', Layers: [lower], Tags: NONE })
    const library = Buffer.from((await hearth.invoke('giving', { give: 1 })).json, 'base64')
    const loaded = await publish('library', { 'lib/libhearthlayer.so': library })
    const own = { 'lib/libhearthown.so': library }
    const libraries = ['/opt/lib/libhearthlayer.so', '/var/task/lib/libhearthown.so']
    await Promise.all([
      python({ FunctionName: 'py-stem', Layers: [upper, loaded] }, own),
      python({ FunctionName: 'py-alone', Layers: [lower, loaded], Tags: NONE }, own),
    ])
    await stemOf('hearth/python3.13')
    expect(await first('py-stem', { load: 1 })).toEqual({
      start: 'stem',
      dep: 'upper',
      file: '/opt/python/lib/python3.13/site-packages/dep.py',
      libraries,
    })
    expect(await first('py-alone', { load: 1 })).toEqual({
      start: 'cold',
      dep: 'lower',
      file: '/opt/python/dep.py',
      libraries,
    })
  })

  test('with a wrapper script, and a program of its own', async () => {
    const script = '#!/bin/sh\nexport WRAPPED=yes\nexec "$@"'
    const wrapper = await publish('wrapper', {
      wrap: script,
      'nodejs/node_modules/dep/index.js': 'module.exports = 1',
    })
    const program = await publish('program', {
      bootstrap: '#!/bin/sh\nexit 3',
    })
    const Environment = { Variables: { AWS_LAMBDA_EXEC_WRAPPER: '/opt/wrap' } }
    await node({ FunctionName: 'wrapped', Layers: [wrapper], Environment })
    await hearth.create({
      FunctionName: 'programmed',
      files: { empty: '' },
      Runtime: 'provided.al2023',
      Layers: [program],
    })
    expect((await hearth.invoke('wrapped')).json).toMatchObject({ dep: 1, wrapped: 'yes' })
    const ended = await hearth.invoke('programmed')
    expect(ended.json.errorMessage).toMatch(/exit status 3$/)
  })

  test('by version: published ones keep theirs, whatever is deleted', async () => {
    const config = (Layers: string[]) => ({ FunctionName: 'stem', Layers })
    await hearth.lambda.send(new PublishVersionCommand({ FunctionName: 'stem' }))
    const shown = await hearth.lambda.send(new UpdateFunctionConfigurationCommand(config([lower])))
    expect(shown.Layers).toEqual([{ Arn: lower, CodeSize: expect.any(Number) }])
    await waitUntilFunctionUpdatedV2(
      { client: hearth.lambda, maxWaitTime: 30, minDelay: 1, maxDelay: 1 },
      { FunctionName: 'stem' },
    )
    await hearth.lambda.send(
      new DeleteLayerVersionCommand({ LayerName: 'upper', VersionNumber: 1 }),
    )
    expect((await hearth.invoke('stem')).json).toMatchObject({ dep: 'lower' })
    expect((await hearth.invoke('stem', {}, { Qualifier: '1' })).json).toMatchObject({
      dep: 'upper',
    })
    await expect(
      hearth.lambda.send(new UpdateFunctionConfigurationCommand(config([lower, upper]))),
    ).rejects.toMatchObject({ name: INVALID, message: `Layer version ${upper} does not exist.` })
    const bare = await hearth.lambda.send(new UpdateFunctionConfigurationCommand(config([])))
    expect(bare.Layers).toBeUndefined()
    const one = { FunctionName: 'stem', Qualifier: '1' }
    const { Layers } = await hearth.lambda.send(new GetFunctionConfigurationCommand(one))
    expect(Layers?.map(({ Arn }) => Arn)).toEqual([lower, upper])
  })

  test('or is refused', async () => {
    const refused = (...Layers: string[]) => expect(node({ Layers })).rejects
    const five = await Promise.all([1, 2, 3, 4, 5].map((n) => publish(`of-${n}`, { f: '' })))
    await refused(...five, lower).toMatchObject({ message: 'Cannot reference more than 5 layers.' })
    const again = await publish('of-1', { f: 'again' })
    await refused(again, five[0] ?? '').toMatchObject({
      name: INVALID,
      message: `Two different versions of the same layer are not allowed to be referenced in the same function. ${again} and ${five[0]} are versions of the same layer.`,
    })
    await refused(`${ARN}:lower`).toMatchObject({
      name: 'ValidationException',
      message: `1 validation error detected: Value '[${ARN}:lower]' at 'layers' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 2048, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: ${VERSION}, Member must not be null]`,
    })
    const large = zipSync({ f: new Uint8Array(140_000_000) })
    const [a, b] = await Promise.all(
      ['large-a', 'large-b'].map((LayerName) =>
        send.publish({ LayerName, Content: { ZipFile: large } }),
      ),
    )
    await refused(a?.LayerVersionArn ?? '', b?.LayerVersionArn ?? '').toMatchObject({
      name: INVALID,
      message: expect.stringMatching(
        /^Function code combined with layers exceeds the maximum allowed size of 262144000 bytes\. The actual size is 280000\d{3} bytes\.$/,
      ),
    })
  })
})

describe('a layer', () => {
  test('is shown as it was published', async () => {
    const { $metadata, ...shown } = await send.publish({
      LayerName: 'shown',
      Description: 'said',
      CompatibleRuntimes: ['nodejs24.x'],
      CompatibleArchitectures: ['x86_64'],
      LicenseInfo: 'MIT',
    })
    expect($metadata.httpStatusCode).toBe(201)
    expect(shown).toEqual({
      Content: {
        Location: expect.stringMatching(/^http/),
        CodeSha256: expect.any(String),
        CodeSize: zip({ f: '1' }).length,
      },
      LayerArn: `${ARN}:shown`,
      LayerVersionArn: `${ARN}:shown:1`,
      Version: 1,
      Description: 'said',
      CreatedDate: expect.stringMatching(/^\d{4}-.*\+0000$/),
      CompatibleRuntimes: ['nodejs24.x'],
      CompatibleArchitectures: ['x86_64'],
      LicenseInfo: 'MIT',
    })
    const fetched = await fetch(shown.Content?.Location ?? '')
    expect(Buffer.from(await fetched.arrayBuffer())).toEqual(Buffer.from(zip({ f: '1' })))
    const same = { ...shown, Content: { ...shown.Content, Location: expect.any(String) } }
    for (const LayerName of ['shown', `${ARN}:shown`]) {
      const get = new GetLayerVersionCommand({ LayerName, VersionNumber: 1 })
      expect(await hearth.lambda.send(get)).toMatchObject(same)
    }
    const byArn = new GetLayerVersionByArnCommand({ Arn: `${ARN}:shown:1` })
    expect(await hearth.lambda.send(byArn)).toMatchObject(same)
  })

  test('is listed, by what it is for, in pages', async () => {
    for (const runtime of ['nodejs24.x', 'python3.13', 'nodejs24.x'] as const) {
      await send.publish({ LayerName: 'listed', CompatibleRuntimes: [runtime] })
    }
    const list = async (input: object) => {
      const { LayerVersions = [], NextMarker } = await send.versions(input)
      return { numbers: LayerVersions.map(({ Version }) => Version), NextMarker }
    }
    expect((await list({})).numbers).toEqual([3, 2, 1])
    expect((await list({ CompatibleRuntime: 'nodejs24.x' })).numbers).toEqual([3, 1])
    expect((await list({ CompatibleArchitecture: 'arm64' })).numbers).toEqual([])
    const page = await list({ MaxItems: 2 })
    expect(page.numbers).toEqual([3, 2])
    expect(await list({ MaxItems: 2, Marker: page.NextMarker })).toEqual({ numbers: [1] })
    expect((await list({ LayerName: 'nobody' })).numbers).toEqual([])
    const python = await hearth.lambda.send(
      new ListLayersCommand({ CompatibleRuntime: 'python3.13' }),
    )
    expect(python.Layers).toEqual([
      {
        LayerName: 'listed',
        LayerArn: `${ARN}:listed`,
        LatestMatchingVersion: expect.objectContaining({ Version: 2 }),
      },
    ])
    const names: (string | undefined)[] = []
    for (let Marker: string | undefined, more = true; more; more = Marker !== undefined) {
      const found = await hearth.lambda.send(new ListLayersCommand({ MaxItems: 2, Marker }))
      names.push(...(found.Layers ?? []).map(({ LayerName }) => LayerName))
      Marker = found.NextMarker
    }
    const all = await hearth.lambda.send(new ListLayersCommand({}))
    expect(names).toEqual(all.Layers?.map(({ LayerName }) => LayerName))
    expect(new Set(names).size).toBe(names.length)
  })

  test('counts as code of the account, version by version', async () => {
    const used = async () => {
      const { AccountUsage } = await hearth.lambda.send(new GetAccountSettingsCommand({}))
      return AccountUsage?.TotalCodeSize ?? 0
    }
    const before = await used()
    const { Content } = await send.publish({ LayerName: 'counted' })
    await send.publish({ LayerName: 'counted' })
    expect((await used()) - before).toBe(2 * (Content?.CodeSize ?? 0))
  })

  test('is deleted, and its number with it', async () => {
    const at = { LayerName: 'deleted', VersionNumber: 1 }
    await send.publish(at)
    for (let time = 0; time < 2; time += 1) {
      const gone = await hearth.lambda.send(new DeleteLayerVersionCommand(at))
      expect(gone.$metadata.httpStatusCode).toBe(204)
    }
    await expect(hearth.lambda.send(new GetLayerVersionCommand(at))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'The resource you requested does not exist.',
    })
    expect((await send.publish(at)).Version).toBe(2)
  })

  test('has a policy, a statement at a time', async () => {
    const at = { LayerName: 'shown', VersionNumber: 1 }
    const add = (input: object) =>
      hearth.lambda.send(
        new AddLayerVersionPermissionCommand({
          ...{ ...at, StatementId: 's1', Action: 'lambda:GetLayerVersion', Principal: '*' },
          ...input,
        }),
      )
    const policy = () => hearth.lambda.send(new GetLayerVersionPolicyCommand(at))
    const remove = (input: object) =>
      hearth.lambda.send(
        new RemoveLayerVersionPermissionCommand({ ...at, StatementId: 's1', ...input }),
      )
    await expect(policy()).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'No policy is associated with the given resource.',
    })
    const { Statement = '', RevisionId, $metadata } = await add({})
    expect($metadata.httpStatusCode).toBe(201)
    const shown = await policy()
    expect(shown.RevisionId).toBe(RevisionId)
    expect(JSON.parse(shown.Policy ?? '').Statement).toEqual([JSON.parse(Statement)])
    await expect(add({})).rejects.toMatchObject({ name: 'ResourceConflictException' })
    await expect(add({ StatementId: 's2', RevisionId: 'wrong' })).rejects.toMatchObject({
      name: 'PreconditionFailedException',
      message:
        'The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve the latest Revision Id',
    })
    await expect(add({ Action: '*', StatementId: 's2' })).rejects.toMatchObject({
      name: 'ValidationException',
    })
    await expect(add({ VersionNumber: 9 })).rejects.toMatchObject({
      message: `Layer version ${ARN}:shown:9 does not exist.`,
    })
    await expect(remove({ StatementId: 'none' })).rejects.toMatchObject({
      message: 'Statement none is not found in resource policy.',
    })
    expect((await remove({ RevisionId })).$metadata.httpStatusCode).toBe(204)
    await expect(policy()).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
  })

  test('is refused in AWS words', async () => {
    const get = (VersionNumber: number) =>
      hearth.lambda.send(new GetLayerVersionCommand({ LayerName: 'shown', VersionNumber }))
    for (const number of [0, -1]) {
      await expect(get(number)).rejects.toMatchObject({
        name: INVALID,
        message: 'Layer Version Cannot be less than 1',
      })
    }
    const unversioned = new GetLayerVersionByArnCommand({ Arn: `${ARN}:shown` })
    await expect(hearth.lambda.send(unversioned)).rejects.toMatchObject({
      name: 'ValidationException',
      message: `1 validation error detected: Value '${ARN}:shown' at 'arn' failed to satisfy constraint: Member must satisfy regular expression pattern: ${VERSION}`,
    })
    const wrong = {
      CompatibleRuntimes: ['invalidruntime', 'nodejs20.x'] as 'nodejs20.x'[],
      CompatibleArchitectures: ['invalidarch', 'x86_64'] as 'x86_64'[],
    }
    await expect(send.publish({ LayerName: 'wrong', ...wrong })).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringMatching(
        /^2 validation errors detected: Value '\[invalidruntime, nodejs20\.x\]' at 'compatibleRuntimes' failed to satisfy constraint: Member must satisfy enum value set: \[[^\]]+\]; Value '\[invalidarch, x86_64\]' at 'compatibleArchitectures' failed to satisfy constraint: Member must satisfy constraint: \[Member must satisfy enum value set: \[x86_64, arm64\], Member must not be null\]$/,
      ),
    })
    const nothing = send.publish({ LayerName: 'wrong', Content: {} })
    await expect(nothing).rejects.toMatchObject({ name: INVALID })
  })
})
