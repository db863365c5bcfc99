// Bad input gets AWS's error and leaves nothing behind; a platform without its parts says so and
// recovers.

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  GetFunctionCommand,
  InvokeCommand,
  LambdaClient,
  ListFunctionsCommand,
} from '@aws-sdk/client-lambda'
import { zipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientOf, eventually, type Hearth, http, KEYS, ROLE, startHearth, zip } from './hearth.ts'

let hearth: Hearth
beforeAll(async () => {
  hearth = await startHearth()
  await hearth.create({ FunctionName: 'good', files })
})
afterAll(() => hearth?.stop())

const files = { 'index.mjs': 'export const handler = async (event) => event' }
const create = (input: Partial<CreateFunctionCommandInput>) =>
  hearth.lambda.send(
    new CreateFunctionCommand({
      FunctionName: 'bad',
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Role: ROLE,
      Code: { ZipFile: zip(files) },
      ...input,
    }),
  )

/** Folders of unpacked and half-unpacked code. */
async function stored(): Promise<string[]> {
  const at = join(hearth.dataDirectory, 'artifacts')
  const folders = await Promise.all(
    ['code', 'fresh', 'zips'].map((name) => readdir(join(at, name))),
  )
  return folders.flat()
}

const UNZIP = 'Could not unzip uploaded file. Please check your file, then try to upload again.'

/** One stored entry whose name is written as it is. */
function zipNamed(name: string): Uint8Array {
  const placeholder = 'x'.repeat(Buffer.byteLength(name))
  const bytes = Buffer.from(zipSync({ [placeholder]: [Buffer.from('boo'), { level: 0 }] }))
  for (let at = bytes.indexOf(placeholder); at >= 0; at = bytes.indexOf(placeholder)) {
    bytes.write(name, at)
  }
  return bytes
}

describe('a zip that', () => {
  const good = zip(files)
  const broken = Buffer.from(good)
  broken.fill(0, 40, 60)
  test.each([
    ['is none', Buffer.from('no zip at all')],
    ['is cut short', good.subarray(0, good.length - 30)],
    ['has damaged content', broken],
    ['climbs out', zipNamed('../../etc/evil')],
    ['starts at the root', zipNamed('/etc/evil')],
    ['climbs out in the middle', zipNamed('a/../../evil')],
    ['has a backslash', zipNamed('..\\evil')],
    [
      'links outside',
      zipSync({ link: [Buffer.from('/etc/passwd'), { os: 3, attrs: 0o120777 * 65536 }] }),
    ],
  ])('%s is refused and leaves nothing', async (_, ZipFile) => {
    const before = await stored()
    await expect(create({ Code: { ZipFile } })).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
      message: UNZIP,
      Type: 'User',
    })
    expect(await stored()).toEqual(before)
    await expect(
      hearth.lambda.send(new GetFunctionCommand({ FunctionName: 'bad' })),
    ).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
  })

  test('grows too large is stopped while it grows', async () => {
    const bomb = zipSync({ zeros: new Uint8Array(262_144_001) }, { level: 9 })
    expect(bomb.length).toBeLessThan(1_000_000)
    const before = await stored()
    await expect(create({ Code: { ZipFile: bomb } })).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
      message: 'Unzipped size must be smaller than 262144000 bytes',
    })
    expect(await stored()).toEqual(before)
  })
})

describe('a function', () => {
  test.each([
    [
      'an unknown runtime',
      { Runtime: 'nodejs99.x' as never },
      'InvalidParameterValueException',
      /^Value nodejs99\.x at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: \[.*\] or be a valid ARN$/,
    ],
    [
      'a deprecated runtime',
      { Runtime: 'nodejs12.x' as const },
      'InvalidParameterValueException',
      /^The runtime parameter of nodejs12\.x is no longer supported for creating or updating/,
    ],
    [
      'no handler',
      { Handler: undefined },
      'InvalidParameterValueException',
      /^Runtime and Handler are mandatory/,
    ],
    [
      'a bad role',
      { Role: 'r1' },
      'ValidationException',
      /^1 validation error detected: Value 'r1' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:/,
    ],
    [
      'two architectures',
      { Architectures: ['x86_64', 'arm64'] as never },
      'ValidationException',
      /Value '\[x86_64, arm64\]' at 'architectures' failed to satisfy constraint: Member must have length less than or equal to 1$/,
    ],
    [
      'too long a timeout',
      { Timeout: 901 },
      'ValidationException',
      /Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900$/,
    ],
    [
      'too long a name',
      { FunctionName: 'a'.repeat(65) },
      'InvalidParameterValueException',
      /at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64$/,
    ],
    [
      'a large environment',
      { Environment: { Variables: { BIG: 'x'.repeat(4096) } } },
      'InvalidParameterValueException',
      /exceeded the 4KB limit\. String measured: \{"BIG":"x/,
    ],
    [
      'a taken name',
      { FunctionName: 'good' },
      'ResourceConflictException',
      /^Function already exist: good$/,
    ],
    [
      'a layer that there is not',
      { Layers: ['arn:aws:lambda:us-east-1:000000000000:layer:l:1'] },
      'InvalidParameterValueException',
      /^Layer version arn:aws:lambda:us-east-1:000000000000:layer:l:1 does not exist\.$/,
    ],
    [
      'file systems, which Hearth could not obey',
      {
        FileSystemConfigs: [
          {
            Arn: 'arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0',
            LocalMountPath: '/mnt/x',
          },
        ],
      },
      'NotImplementedException',
      /file system mounts/,
    ],
  ])('with %s is refused', async (_, input, name, message) => {
    await expect(create(input)).rejects.toMatchObject({
      name,
      message: expect.stringMatching(message),
    })
  })
})

describe('an invocation', () => {
  test.each([
    [
      'of an unknown function',
      { FunctionName: 'nope' },
      404,
      /^Function not found: .*:function:nope:\$LATEST$/,
    ],
    ['of an unknown version', { FunctionName: 'good', Qualifier: '9' }, 404, /:function:good:9$/],
    [
      'with no JSON',
      { FunctionName: 'good', Payload: 'n{' },
      400,
      /^Could not parse request body into json: Could not parse payload into json: /,
    ],
    [
      'with no text',
      { FunctionName: 'good', Payload: new Uint8Array([0x6e, 0x2d, 0x87]) },
      400,
      /Invalid UTF-8 start byte 0x87\n at \[Source: REDACTED .*; line: 1, column: 3\]$/,
    ],
    [
      'of another region',
      { FunctionName: 'arn:aws:lambda:eu-west-1:000000000000:function:good' },
      404,
      /^Functions from 'eu-west-1' are not reachable in this region \('us-east-1'\)$/,
    ],
    [
      'with two qualifiers',
      { FunctionName: 'good:1', Qualifier: '2' },
      400,
      /^The derived qualifier/,
    ],
    [
      'with a bad name',
      { FunctionName: 'a@b' },
      400,
      /^1 validation error detected: Value 'a@b' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: /,
    ],
  ])('%s is refused', async (_, input, status, message) => {
    await expect(hearth.lambda.send(new InvokeCommand(input))).rejects.toMatchObject({
      message: expect.stringMatching(message),
      $metadata: { httpStatusCode: status },
    })
  })
})

describe('a request', () => {
  const list = (client: LambdaClient) => client.send(new ListFunctionsCommand({}))
  const client = (config: object) =>
    new LambdaClient({
      endpoint: hearth.endpoint,
      region: 'us-east-1',
      credentials: KEYS,
      maxAttempts: 1,
      ...config,
    })

  test('without a signature is refused', async () => {
    const answer = await http(`${hearth.endpoint}/2015-03-31/functions`)
    expect([answer.status, answer.headers['x-amzn-errortype']]).toEqual([
      403,
      'MissingAuthenticationTokenException',
    ])
  })

  test('with a wrong secret, an unknown key, or for another region is refused', async () => {
    const wrong = client({ credentials: { ...KEYS, secretAccessKey: 'wrong' } })
    await expect(list(wrong)).rejects.toMatchObject({ name: 'InvalidSignatureException' })
    const unknown = client({ credentials: { accessKeyId: 'who', secretAccessKey: 'x' } })
    await expect(list(unknown)).rejects.toMatchObject({
      name: 'UnrecognizedClientException',
      message: 'The security token included in the request is invalid.',
    })
    const elsewhere = client({ region: 'eu-west-1' })
    await expect(list(elsewhere)).rejects.toMatchObject({ name: 'InvalidSignatureException' })
  })

  test('that was signed too long ago is refused', async () => {
    const late = client({ systemClockOffset: -10 * 60_000 })
    await expect(list(late)).rejects.toMatchObject({
      name: 'InvalidSignatureException',
      message: expect.stringMatching(/^Signature expired: \d{8}T\d{6}Z is now earlier than /),
    })
  })

  test('for nothing that exists is refused', async () => {
    const answer = await http(`${hearth.endpoint}/nothing/here`)
    expect(answer.status).toBe(403)
  })
})

test('without NATS the API says 503, what is warm goes on, and all recovers by itself', async () => {
  await hearth.invoke('good', { warm: true })
  await hearth.nats.kill()
  await eventually(
    'health notices',
    async () => (await http(`${hearth.endpoint}/health`)).status === 503,
  )
  await expect(create({ FunctionName: 'meanwhile' })).rejects.toMatchObject({
    name: 'ServiceUnavailableException',
    $metadata: { httpStatusCode: 503 },
  })
  expect((await hearth.invoke('good', { a: 1 })).json).toEqual({ a: 1 })
  // Longer than a silent scheduler is given.
  await new Promise((resolve) => setTimeout(resolve, 6_000))
  expect((await hearth.invoke('good', { a: 2 })).json).toEqual({ a: 2 })
  await hearth.nats.start()
  await eventually(
    'health recovers',
    async () => (await http(`${hearth.endpoint}/health`)).status === 200,
  )
  await hearth.create({ FunctionName: 'afterwards', files })
  expect((await hearth.invoke('afterwards', { b: 2 })).json).toEqual({ b: 2 })
  await expect(
    clientOf(hearth.endpoint).send(new GetFunctionCommand({ FunctionName: 'meanwhile' })),
  ).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
})
