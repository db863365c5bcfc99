// Container images as functions, through the AWS SDK: AWS's own runtime client unmodified, a static
// program that is alone in its image, overrides, updates, and images that cannot be had. The
// registry is a real one, on loopback.

import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  GetFunctionCommand,
  GetFunctionConfigurationCommand,
  PublishVersionCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildGo, buildGoImage, buildRic } from './container-builds.ts'
import { eventually, type Hearth, MAIN, NODE, ROLE, startHearth } from './hearth.ts'
import { type LoopbackRegistry, startRegistry } from './registry.ts'
import { freePort } from './servers.ts'

const run = promisify(execFile)
const docker = (...args: string[]) => run('docker', args)
const RIC = 'hearth-test/ric:1'
const GO = 'hearth-test/go:1'
let hearth: Hearth
let registry: LoopbackRegistry
let folder: string
let host: string

beforeAll(async () => {
  await buildRic(RIC)
  await buildGoImage(GO, 'first')
  folder = await mkdtemp(join(tmpdir(), 'hearth-home-'))
  registry = await startRegistry()
  host = registry.host
  hearth = await startHearth()
}, 900_000)
afterAll(async () => {
  await hearth?.stop()
  await registry?.stop()
  if (folder) await rm(folder, { recursive: true, force: true })
})

let names = 0

/** Creates a function of an image. @returns its name and how it was when it had settled. */
async function create(uri: string, wish: Partial<CreateFunctionCommandInput> = {}) {
  names += 1
  const name = `image-${names}`
  const created = await hearth.lambda.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Role: ROLE,
      PackageType: 'Image',
      Timeout: 10,
      ...wish,
      Code: { ImageUri: uri, ...wish.Code },
    }),
  )
  return { name, created, settled: await settled(name) }
}

async function settled(name: string) {
  const get = () => hearth.lambda.send(new GetFunctionConfigurationCommand({ FunctionName: name }))
  await eventually(`${name} settles`, async () => {
    const { State, LastUpdateStatus } = await get()
    return State !== 'Pending' && LastUpdateStatus !== 'InProgress'
  })
  return get()
}

async function update(name: string, uri: string) {
  const command = new UpdateFunctionCodeCommand({ FunctionName: name, ImageUri: uri })
  await hearth.lambda.send(command)
  return settled(name)
}

async function configure(
  name: string,
  ImageConfig: { EntryPoint?: string[]; Command?: string[]; WorkingDirectory?: string },
) {
  const wish = { FunctionName: name, ImageConfig }
  await hearth.lambda.send(new UpdateFunctionConfigurationCommand(wish))
  return settled(name)
}

/** The Go image under another name, in the registry and not on the engine. */
async function push(name: string, from = GO): Promise<string> {
  const uri = `${host}/${name}`
  await docker('tag', from, uri)
  const { stdout } = await docker('push', uri)
  await docker('rmi', uri)
  return /digest: (sha256:[0-9a-f]{64})/.exec(stdout)?.[1] ?? ''
}

test('AWS’s own client for Node.js runs unmodified, with AWS’s shapes around it', async () => {
  const { name, created, settled } = await create(RIC, {
    Environment: { Variables: { STAGE: 'x' } },
  })
  expect(created).toMatchObject({ State: 'Pending', PackageType: 'Image', CodeSize: 0 })
  expect(settled).toMatchObject({ State: 'Active', LastUpdateStatus: 'Successful' })
  for (const absent of ['Runtime', 'Handler', 'RuntimeVersionConfig', 'ImageConfigResponse']) {
    expect(settled).not.toHaveProperty(absent)
  }
  const { Code } = await hearth.lambda.send(new GetFunctionCommand({ FunctionName: name }))
  expect(Code).toMatchObject({ RepositoryType: 'ECR', ImageUri: RIC })
  expect(Code?.ResolvedImageUri).toBe(`hearth-test/ric@sha256:${settled.CodeSha256}`)
  const publish = (CodeSha256 = '') =>
    hearth.lambda.send(new PublishVersionCommand({ FunctionName: name, CodeSha256 }))
  const other = 'a'.repeat(64)
  await expect(publish(other)).rejects.toMatchObject({
    message:
      `CodeSHA256 (${other}) is different from current CodeSHA256 in $LATEST ` +
      `(${settled.CodeSha256}). Please try again with the CodeSHA256 in $LATEST.`,
  })
  expect((await publish(settled.CodeSha256)).Version).toBe('1')

  const first = await hearth.invoke(name, { do: 'show' }, { LogType: 'Tail' })
  expect(first.error).toBeUndefined()
  expect(first.json).toMatchObject({
    calls: 1,
    folder: '/function',
    environment: {
      GREETING: 'from the image',
      STAGE: 'x',
      AWS_EXECUTION_ENV: 'AWS_Lambda_Image',
      AWS_LAMBDA_FUNCTION_NAME: name,
    },
    requestId: first.requestId,
    event: { do: 'show' },
  })
  // A user of its own, although the image names none.
  expect(first.json.uid).toBeGreaterThan(65_535)
  expect(first.json.left).toBeGreaterThan(5_000)
  expect(first.log).toMatch(
    /^START RequestId: \S+ Version: \$LATEST\n.*asked to show\nEND RequestId: \S+\nREPORT .*Init Duration/,
  )
  const second = await hearth.invoke(name, { do: 'again' }, { LogType: 'Tail' })
  expect(second.json.calls).toBe(2)
  expect(second.log).toContain('asked to again')
  expect(second.log).not.toContain('asked to show')
})

test('its errors, exits and timeouts look as on Lambda', async () => {
  const { name } = await create(RIC, { Timeout: 3 })
  const thrown = await hearth.invoke(name, { do: 'throw' })
  expect(thrown.error).toBe('Unhandled')
  expect(thrown.json).toMatchObject({ errorType: 'TypeError', errorMessage: 'as asked' })
  const gone = await hearth.invoke(name, { do: 'exit' })
  expect(gone.json).toEqual({
    errorType: 'Runtime.ExitError',
    errorMessage: `RequestId: ${gone.requestId} Error: Runtime exited with error: exit status 3`,
  })
  const hung = await hearth.invoke(name, { do: 'hang' })
  expect(hung.json.errorType).toBe('Sandbox.Timedout')
  expect((await hearth.invoke(name)).json.calls).toBe(1)
})

test('an image’s folders are read-only, its volumes too, and /tmp is not', async () => {
  const { name } = await create(RIC)
  const paths = ['/function/x', '/data/x', '/x', '/tmp/x']
  const { json } = await hearth.invoke(name, { do: 'write', paths })
  expect(json).toEqual({
    '/function/x': 'EROFS',
    '/data/x': 'EROFS',
    '/x': 'EROFS',
    '/tmp/x': 'written',
  })
  // Put there when the image was built.
  expect((await hearth.invoke(name, { do: 'read', path: '/data/file' })).json).toBe('kept\n')
})

test('CMD, ENTRYPOINT and WORKDIR are overridden, shown, and can be given back', async () => {
  const { name, settled } = await create(RIC, { ImageConfig: { Command: ['other.handler'] } })
  expect(settled.ImageConfigResponse).toEqual({ ImageConfig: { Command: ['other.handler'] } })
  expect((await hearth.invoke(name)).json).toBe('the other one')
  await configure(name, { Command: [], EntryPoint: [] })
  expect((await hearth.invoke(name)).json).toMatchObject({ folder: '/function' })

  const { name: go } = await create(GO)
  expect((await hearth.invoke(go)).json).toMatchObject({
    arguments: ['/app/bootstrap', '--flag', 'argument'],
    folder: '/app',
    path: '/app',
  })
  const given = { EntryPoint: ['/app/bootstrap'], Command: ['x', 'y'], WorkingDirectory: '/tmp' }
  const changed = await configure(go, given)
  expect(changed.ImageConfigResponse).toEqual({ ImageConfig: given })
  expect((await hearth.invoke(go)).json).toMatchObject({
    arguments: ['/app/bootstrap', 'x', 'y'],
    folder: '/tmp',
  })
})

test('what cannot be started is told in AWS’s words', async () => {
  const { name } = await create(GO)
  const failing = async (config: Parameters<typeof configure>[1]) => {
    await configure(name, config)
    const { json, requestId } = await hearth.invoke(name)
    return [json.errorType, json.errorMessage.replace(`RequestId: ${requestId} Error: `, '')]
  }
  expect(await failing({ EntryPoint: ['/none'] })).toEqual([
    'Runtime.InvalidEntrypoint',
    'fork/exec /none: no such file or directory',
  ])
  expect(await failing({ EntryPoint: ['app.handler'] })).toEqual([
    'Runtime.InvalidEntrypoint',
    'exec: "app.handler": executable file not found in $PATH',
  ])
  expect(await failing({ WorkingDirectory: '/none' })).toEqual([
    'Runtime.InvalidWorkingDir',
    'chdir /none: no such file or directory',
  ])
  const { name: ric } = await create(RIC, { ImageConfig: { Command: ['app.none'] } })
  expect((await hearth.invoke(ric)).json).toMatchObject({ errorType: 'Runtime.HandlerNotFound' })
})

test('an image is pulled from the registry in its name, and pinned until it is updated', async () => {
  const digest = await push('team/go:1')
  const { name, settled } = await create(`${host}/team/go:1`)
  expect(`sha256:${settled.CodeSha256}`).toBe(digest)
  const { Code } = await hearth.lambda.send(new GetFunctionCommand({ FunctionName: name }))
  expect(Code?.ResolvedImageUri).toBe(`${host}/team/go@${digest}`)
  expect((await hearth.invoke(name)).json.edition).toBe('first')

  await buildGoImage('hearth-test/go:2', 'second')
  await push('team/go:1', 'hearth-test/go:2')
  expect((await hearth.invoke(name)).json.edition).toBe('first')
  await update(name, `${host}/team/go:1`)
  expect((await hearth.invoke(name)).json.edition).toBe('second')
})

test('an image that the host has lost is pulled again by its digest', async () => {
  const digest = await push('team/lost:1')
  const { name } = await create(`${host}/team/lost:1`)
  await docker('rmi', `${host}/team/lost:1`)
  await docker('rmi', `${host}/team/lost@${digest}`).catch(() => {})
  expect((await hearth.invoke(name)).json.edition).toBe('first')
})

test('an image that cannot be had fails the function, says what to do, and can be mended', async () => {
  const missing = await create(`${host}/team/none:1`)
  expect(missing.settled).toMatchObject({ State: 'Failed', StateReasonCode: 'InvalidImage' })
  expect(missing.settled.StateReason).toContain(`${host}/team/none:1 does not exist.`)
  const refused = hearth.invoke(missing.name)
  await expect(refused).rejects.toMatchObject({ name: 'ResourceConflictException' })
  expect(await update(missing.name, GO)).toMatchObject({ State: 'Active' })
  expect((await hearth.invoke(missing.name)).json.edition).toBe('first')

  const nobody = await create(`localhost:${await freePort()}/team/go:1`)
  expect(nobody.settled).toMatchObject({ State: 'Failed', StateReasonCode: 'ImageAccessDenied' })
  expect(nobody.settled.StateReason).toContain('its registry does not answer')
})

test('a registry that wants credentials refuses', async () => {
  const guarded = createServer((_, response) => {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="private"' }).end()
  })
  await new Promise<void>((listening) => guarded.listen(0, '127.0.0.1', listening))
  const { port } = guarded.address() as AddressInfo
  const { settled } = await create(`localhost:${port}/private/app:1`)
  expect(settled).toMatchObject({ State: 'Failed', StateReasonCode: 'ImageAccessDenied' })
  expect(settled.StateReason).toContain('its registry refuses access. `docker pull` it')
  guarded.close()
})

test('an update that finds no image leaves the former one running', async () => {
  const { name } = await create(GO)
  const failed = await update(name, `${host}/team/none:2`)
  expect(failed).toMatchObject({
    State: 'Active',
    LastUpdateStatus: 'Failed',
    LastUpdateStatusReasonCode: 'InvalidImage',
  })
  expect((await hearth.invoke(name)).json.edition).toBe('first')
})

test('members of the other kind of package are refused', async () => {
  const refusal = async (command: unknown) =>
    hearth.lambda.send(command as CreateFunctionCommand).then(
      () => 'accepted',
      (error: Error) => `${error.name}: ${error.message}`,
    )
  const wish = { FunctionName: 'never', Role: ROLE, Code: { ImageUri: GO } }
  const invalid = 'InvalidParameterValueException: Please'
  const image = { ...wish, PackageType: 'Image' as const }
  const { name } = await create(GO)
  const zip = await hearth.create({ files: { 'index.mjs': 'export const handler = () => 1' } })
  const both = "don't provide handler or runtime or layer when the intended function PackageType is"
  expect([
    await refusal(new CreateFunctionCommand({ ...image, Handler: 'index.handler' })),
    await refusal(new CreateFunctionCommand({ ...image, Code: {} })),
    await refusal(new CreateFunctionCommand(wish)),
    await refusal(new UpdateFunctionCodeCommand({ FunctionName: name, ZipFile: Buffer.from('x') })),
    await refusal(new UpdateFunctionCodeCommand({ FunctionName: zip, ImageUri: GO })),
    await refusal(new UpdateFunctionConfigurationCommand({ FunctionName: name, Handler: 'x' })),
  ]).toEqual([
    `${invalid} ${both} Image.`,
    `${invalid} provide ImageUri when creating a function with packageType Image.`,
    `${invalid} don't provide ImageUri when creating a function with packageType Zip.`,
    `${invalid} provide ImageUri when updating a function with packageType Image.`,
    `${invalid} don't provide ImageUri when updating a function with packageType Zip.`,
    `${invalid} ${both} Image.`,
  ])
  const odd = await refusal(new CreateFunctionCommand({ ...image, Code: { ImageUri: 'No Name' } }))
  expect(odd).toContain('Source image No Name is not valid.')
})

test('`hearth deploy --image` creates, leaves alone what is the same, and changes', async () => {
  const env = { PATH: '/usr/bin:/bin', HOME: folder, AWS_ENDPOINT_URL: hearth.endpoint }
  const deploy = async (...more: string[]) => {
    const line = [MAIN, 'deploy', '--image', 'hearth-test/cli.app:1', ...more, '-o', 'json']
    return JSON.parse((await run(NODE, line, { env, cwd: folder })).stdout)
  }
  await docker('tag', GO, 'hearth-test/cli.app:1')
  const created = await deploy('--command', 'a', 'b')
  expect(created).toMatchObject({
    FunctionName: 'cli-app',
    PackageType: 'Image',
    outcome: 'created',
  })
  const calls = async () => (await hearth.invoke('cli-app', {}, { LogType: 'Tail' })).log
  expect(await calls()).toContain('Init Duration')
  expect(await deploy('--command', 'a', 'b')).toMatchObject({ outcome: 'unchanged' })
  expect(await calls()).not.toContain('Init Duration')
  await buildGoImage('hearth-test/cli.app:1', 'third')
  expect(await deploy('--working-directory', '/tmp')).toMatchObject({ outcome: 'updated' })
  expect((await hearth.invoke('cli-app')).json).toMatchObject({ edition: 'third', folder: '/tmp' })
  await docker('rmi', 'hearth-test/cli.app:1').catch(() => {})
})

test('a Go program is a function of provided.al2023, too', async () => {
  const bootstrap = await buildGo('zipped')
  const name = await hearth.create({
    files: { bootstrap },
    Runtime: 'provided.al2023',
    Handler: 'anything/at-all',
  })
  const answer = await hearth.invoke(name, { a: 1 }, { LogType: 'Tail' })
  expect(answer.json).toMatchObject({
    edition: 'zipped',
    arguments: ['/var/task/bootstrap'],
    folder: '/var/task',
    handler: 'anything/at-all',
    event: { a: 1 },
  })
  expect(answer.log).toContain('asked to')
  const failed = await hearth.invoke(name, { do: 'fail' })
  expect(failed.json).toEqual({ errorType: 'Own', errorMessage: 'as asked' })
  const large = await hearth.invoke(name, { do: 'fill', size: 6_000_000 })
  expect(large.text.length).toBe(6_000_002)
  const over = await hearth.invoke(name, { do: 'fill', size: 7_000_000 })
  expect(over.json).toMatchObject({ errorType: 'Function.ResponseSizeTooLarge' })
})
