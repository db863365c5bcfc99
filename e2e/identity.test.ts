// Who may do what: users' keys and their policies, permissions of functions and of their URLs,
// functions that call Hearth as their roles, and what the AWS CLI asks of STS and IAM.

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Sha256 } from '@aws-crypto/sha256-js'
import {
  AddPermissionCommand,
  CreateFunctionUrlConfigCommand,
  DeleteResourcePolicyCommand,
  GetFunctionCommand,
  GetPolicyCommand,
  GetResourcePolicyCommand,
  InvokeCommand,
  LambdaClient,
  ListFunctionsCommand,
  PublishVersionCommand,
  PutResourcePolicyCommand,
  RemovePermissionCommand,
  UpdateFunctionConfigurationCommand,
  UpdateFunctionUrlConfigCommand,
} from '@aws-sdk/client-lambda'
import { SignatureV4 } from '@smithy/signature-v4'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hearth, http, KEYS, MAIN, NODE, ROOT, startHearth } from './hearth.ts'
import { hostAddress } from './listener.ts'

interface Key {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

let hearth: Hearth
let folder: string
const ACCOUNT = '000000000000'
const arnOf = (name: string) => `arn:aws:lambda:us-east-1:${ACCOUNT}:function:${name}`
const ADA = `arn:aws:iam::${ACCOUNT}:user/ada`
const allow = (Action: string | string[], Resource = '*') => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, Resource }],
})

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearth-identity-'))
  const bundled = await build({
    entryPoints: [join(ROOT, 'e2e/functions/identity/index.mjs')],
    ...{ bundle: true, platform: 'node', format: 'cjs', write: false },
  })
  // Asked once: with the first container a bridge comes up, and the answer may be another.
  const host = hostAddress()
  hearth = await startHearth({ env: { HEARTH_HOST: '0.0.0.0', HEARTH_SANDBOX_ALLOW: host } })
  const files = { 'index.mjs': 'export const handler = async (event) => event' }
  const { port } = new URL(hearth.endpoint)
  const Environment = { Variables: { HEARTH: `http://${host}:${port}` } }
  const caller = { 'index.js': bundled.outputFiles[0]?.contents ?? new Uint8Array() }
  await Promise.all([
    hearth.create({ FunctionName: 'f', files }),
    hearth.create({ FunctionName: 'g', files }),
    hearth.create({ FunctionName: 'caller', files: caller, Environment, MemorySize: 512 }),
  ])
})
afterAll(async () => {
  await hearth?.stop()
  await rm(folder, { recursive: true, force: true })
})

const clientOf = (credentials: Key) =>
  new LambdaClient({
    endpoint: hearth.endpoint,
    region: 'us-east-1',
    credentials,
    maxAttempts: 1,
  })

function run(command: string, args: string[], key: Key = KEYS) {
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    AWS_ACCESS_KEY_ID: key.accessKeyId,
    AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
    ...(key.sessionToken && { AWS_SESSION_TOKEN: key.sessionToken }),
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_PAGER: '',
    AWS_ENDPOINT_URL_LAMBDA: hearth.endpoint,
  }
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(command, args, { env, cwd: folder }, (error, out, err) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
    )
  })
}
const command = (args: string[], key?: Key) => run(NODE, [MAIN, ...args], key)

async function createKey(name: string, policy: object): Promise<Key> {
  const path = join(folder, `${name}.json`)
  await writeFile(path, JSON.stringify(policy))
  const made = await command(['keys', 'create', '--name', name, '--policy', path, '-o', 'json'])
  expect(made.err).toBe('')
  return JSON.parse(made.out) as Key
}

const denied = (who: string, action: string, resource: string) => ({
  name: 'AccessDeniedException',
  message:
    `User: ${who} is not authorized to perform: ${action} on resource: ${resource} ` +
    `because no identity-based policy allows the ${action} action`,
})
const invoke = (FunctionName: string) => new InvokeCommand({ FunctionName, Payload: '{"a":1}' })

describe('a user’s key', () => {
  test('does what its policy says, until it is taken away', async () => {
    const key = await createKey('ada', allow(['lambda:InvokeFunction', 'lambda:Get*'], arnOf('f')))
    expect(key.accessKeyId).toMatch(/^AKIA[A-Z2-7]{16}$/)
    const ada = clientOf(key)
    const answer = await ada.send(invoke('f'))
    expect(Buffer.from(answer.Payload ?? []).toString()).toBe('{"a":1}')
    await ada.send(new GetFunctionCommand({ FunctionName: 'f' }))
    await expect(ada.send(invoke('g'))).rejects.toMatchObject({
      ...denied(ADA, 'lambda:InvokeFunction', arnOf('g')),
      $metadata: { httpStatusCode: 403 },
    })
    await expect(ada.send(new ListFunctionsCommand({}))).rejects.toMatchObject(
      denied(ADA, 'lambda:ListFunctions', '*'),
    )
    const { out } = await command(['keys', 'ls'])
    expect(out).toContain(key.accessKeyId)
    expect(out).not.toContain(key.secretAccessKey)
    const own = await command(['keys', 'ls'], key)
    expect([own.code, own.err]).toEqual([1, expect.stringContaining('HEARTH_ACCESS_KEYS alone')])
    expect((await command(['bill'], key)).err).toContain('hearth:GetBill')
    expect((await command(['keys', 'rm', key.accessKeyId])).code).toBe(0)
    await expect(ada.send(invoke('f'))).rejects.toMatchObject({
      name: 'UnrecognizedClientException',
    })
    expect((await command(['keys', 'rm', key.accessKeyId])).code).toBe(1)
  })

  test('gives a function no role that it may not pass on', async () => {
    const bob = clientOf(await createKey('bob', allow('lambda:*')))
    const Role = `arn:aws:iam::${ACCOUNT}:role/mighty`
    const change = { FunctionName: 'g', Role }
    await expect(bob.send(new UpdateFunctionConfigurationCommand(change))).rejects.toMatchObject(
      denied(`arn:aws:iam::${ACCOUNT}:user/bob`, 'iam:PassRole', Role),
    )
  })

  test('needs a policy that can be obeyed, or everything', async () => {
    await writeFile(join(folder, 'bad.json'), JSON.stringify({ Statement: { Effect: 'Maybe' } }))
    const bad = await command(['keys', 'create', '--name', 'x', '--policy', 'bad.json'])
    expect([bad.code, bad.err]).toEqual([1, expect.stringContaining('neither Allow nor Deny')])
    expect((await command(['keys', 'create', '--name', 'x'])).code).toBe(2)
  })
})

describe('a permission', () => {
  const add = (more: object) => ({
    FunctionName: 'g',
    StatementId: 's3',
    Action: 'lambda:InvokeFunction',
    Principal: 's3.amazonaws.com',
    ...more,
  })
  const send = (more: object) => hearth.lambda.send(new AddPermissionCommand(add(more) as never))
  const policyOf = async (Qualifier?: string) => {
    const shown = await hearth.lambda.send(new GetPolicyCommand({ FunctionName: 'g', Qualifier }))
    return { ...shown, policy: JSON.parse(shown.Policy ?? '') as unknown }
  }

  test('is a statement of the function’s policy, until it is removed', async () => {
    const SourceArn = 'arn:aws:s3:::photos'
    const added = await send({ SourceArn, SourceAccount: '111111111111' })
    expect(added.$metadata.httpStatusCode).toBe(201)
    expect(added.Statement).toBe(
      JSON.stringify({
        Sid: 's3',
        Effect: 'Allow',
        Principal: { Service: 's3.amazonaws.com' },
        Action: 'lambda:InvokeFunction',
        Resource: arnOf('g'),
        Condition: {
          StringEquals: { 'AWS:SourceAccount': '111111111111' },
          ArnLike: { 'AWS:SourceArn': SourceArn },
        },
      }),
    )
    const account = await send({
      ...{ StatementId: 'org', Principal: '111111111111', PrincipalOrgID: 'o-1234567890' },
      EventSourceToken: 'token',
    })
    expect(JSON.parse(account.Statement ?? '')).toMatchObject({
      Principal: { AWS: 'arn:aws:iam::111111111111:root' },
      Condition: {
        StringEquals: { 'lambda:EventSourceToken': 'token', 'aws:PrincipalOrgID': 'o-1234567890' },
      },
    })
    const { policy, RevisionId } = await policyOf()
    expect(policy).toEqual({
      Version: '2012-10-17',
      Id: 'default',
      Statement: [JSON.parse(added.Statement ?? ''), JSON.parse(account.Statement ?? '')],
    })
    const { Configuration } = await hearth.lambda.send(
      new GetFunctionCommand({ FunctionName: 'g' }),
    )
    expect(Configuration?.RevisionId).toBe(RevisionId)
    const remove = (StatementId: string, revision?: string) =>
      hearth.lambda.send(
        new RemovePermissionCommand({ FunctionName: 'g', StatementId, RevisionId: revision }),
      )
    await expect(remove('s3', 'old')).rejects.toMatchObject({
      name: 'PreconditionFailedException',
      message:
        'The Revision Id provided does not match the latest Revision Id. ' +
        'Call the GetPolicy API to retrieve the latest Revision Id',
    })
    expect((await remove('s3', RevisionId)).$metadata.httpStatusCode).toBe(204)
    await expect(remove('s3')).rejects.toMatchObject({
      message: 'Statement s3 is not found in resource policy.',
    })
    await remove('org')
    await expect(remove('org')).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'No policy is associated with the given resource.',
    })
    await expect(policyOf()).rejects.toMatchObject({
      message: 'The resource you requested does not exist.',
    })
  })

  test('is of one version, where one is named', async () => {
    await hearth.lambda.send(new PublishVersionCommand({ FunctionName: 'g' }))
    const added = await send({ Qualifier: '1', Principal: '*' })
    expect(JSON.parse(added.Statement ?? '')).toMatchObject({
      Principal: '*',
      Resource: `${arnOf('g')}:1`,
    })
    expect((await policyOf('1')).policy).toMatchObject({ Statement: [{ Sid: 's3' }] })
    await expect(policyOf()).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
  })

  test.each<[object, string, string]>([
    [{ Qualifier: '1' }, 'ResourceConflictException', 'The statement id (s3) provided already exi'],
    [
      { Qualifier: '$LATEST' },
      'InvalidParameterValueException',
      'We currently do not support adding policies for $LATEST.',
    ],
    [{ Qualifier: '42' }, 'ResourceNotFoundException', `Function not found: ${arnOf('g')}:42`],
    [{ Qualifier: 'x' }, 'ResourceNotFoundException', `Cannot find alias arn: ${arnOf('g')}:x`],
    [{ FunctionName: 'no' }, 'ResourceNotFoundException', `Function not found: ${arnOf('no')}`],
    [
      { Principal: 'invalid.nonaws.com' },
      'InvalidParameterValueException',
      'The provided principal was invalid. Please check the principal and try again.',
    ],
    [
      { FunctionUrlAuthType: 'NONE' },
      'InvalidParameterValueException',
      'FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action',
    ],
  ])('%j is refused by %s', async (more, name, message) => {
    await expect(send(more)).rejects.toMatchObject({
      name,
      message: expect.stringContaining(message),
    })
  })

  test('lets somebody in whose own policy says nothing', async () => {
    const eve = clientOf(await createKey('eve', allow('lambda:GetFunction')))
    const who = `arn:aws:iam::${ACCOUNT}:user/eve`
    await expect(eve.send(invoke('f'))).rejects.toMatchObject({ name: 'AccessDeniedException' })
    const one = { FunctionName: 'f', StatementId: 'eve', Principal: who }
    await hearth.lambda.send(new AddPermissionCommand({ ...one, Action: 'lambda:InvokeFunction' }))
    expect((await eve.send(invoke('f'))).StatusCode).toBe(200)
  })
})

test('a resource policy is put, shown, obeyed and deleted as a whole', async () => {
  const ResourceArn = arnOf('g')
  const root = await createKey('zoe', allow('*'))
  const statement = { Principal: '*', Action: 'lambda:InvokeFunction', Resource: ResourceArn }
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Sid: 'no', Effect: 'Deny', ...statement }],
  })
  const put = await hearth.lambda.send(new PutResourcePolicyCommand({ ResourceArn, Policy }))
  expect(JSON.parse(put.Policy ?? '')).toEqual(JSON.parse(Policy))
  await expect(clientOf(root).send(invoke('g'))).rejects.toMatchObject({
    message: expect.stringContaining('with an explicit deny in a resource-based policy'),
  })
  const shown = await hearth.lambda.send(new GetResourcePolicyCommand({ ResourceArn }))
  expect(shown).toMatchObject({ Policy: put.Policy, RevisionId: put.RevisionId })
  const bad = { ResourceArn, Policy: '{"Statement":{}}' }
  await expect(hearth.lambda.send(new PutResourcePolicyCommand(bad))).rejects.toMatchObject({
    name: 'InvalidParameterValueException',
  })
  const gone = new DeleteResourcePolicyCommand({ ResourceArn, RevisionId: put.RevisionId })
  expect((await hearth.lambda.send(gone)).$metadata.httpStatusCode).toBe(204)
  expect((await clientOf(root).send(invoke('g'))).StatusCode).toBe(200)
})

describe('a function URL', () => {
  let host: string
  beforeAll(async () => {
    const { FunctionUrl = '' } = await hearth.lambda.send(
      new CreateFunctionUrlConfigCommand({ FunctionName: 'g', AuthType: 'NONE' }),
    )
    host = new URL(FunctionUrl).host
  })
  const ask = async (headers: Record<string, string> = {}, path = '/') => {
    const answer = await http(`${hearth.endpoint}${path}`, { headers: { host, ...headers } })
    return { status: answer.status, text: answer.body.toString() }
  }
  const forbidden = {
    status: 403,
    text:
      '{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: ' +
      'https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}',
  }
  const permit = (more: object) =>
    hearth.lambda.send(
      new AddPermissionCommand({ FunctionName: 'g', Principal: '*', ...more } as never),
    )
  const url = { Action: 'lambda:InvokeFunctionUrl', FunctionUrlAuthType: 'NONE' }
  const viaUrl = { Action: 'lambda:InvokeFunction', InvokedViaFunctionUrl: true }

  test('is for everybody once both of its actions are', async () => {
    expect(await ask()).toEqual(forbidden)
    await permit({ StatementId: 'url', ...url })
    expect(await ask()).toEqual(forbidden)
    const { Statement } = await permit({ StatementId: 'invoke', ...viaUrl })
    expect(JSON.parse(Statement ?? '')).toMatchObject({
      Condition: { Bool: { 'lambda:InvokedViaFunctionUrl': 'true' } },
    })
    expect((await ask()).status).toBe(200)
    // What lets everybody in by the URL lets nobody in by the API.
    const mia = clientOf(await createKey('mia', allow('lambda:GetFunction')))
    await expect(mia.send(invoke('g'))).rejects.toMatchObject({ name: 'AccessDeniedException' })
  })

  test('with AWS_IAM is for those who may, by header and by a presigned address', async () => {
    await hearth.lambda.send(
      new UpdateFunctionUrlConfigCommand({ FunctionName: 'g', AuthType: 'AWS_IAM' }),
    )
    expect(await ask()).toEqual(forbidden)
    const both = ['lambda:InvokeFunctionUrl', 'lambda:InvokeFunction']
    const may = signerOf(await createKey('may', allow(both)))
    const half = signerOf(await createKey('half', allow('lambda:InvokeFunctionUrl')))
    const request = {
      ...{ method: 'GET', protocol: 'http:', hostname: 'h', path: '/', headers: { host } },
    }
    expect((await ask((await may.sign(request)).headers)).status).toBe(200)
    // The other half is the function's own permission for everybody.
    expect((await ask((await half.sign(request)).headers)).status).toBe(200)
    const remove = { FunctionName: 'g', StatementId: 'invoke' }
    await hearth.lambda.send(new RemovePermissionCommand(remove))
    expect(await ask((await half.sign(request)).headers)).toEqual(forbidden)
    const { query = {} } = await may.presign(request, { expiresIn: 60 })
    const address = `/?${new URLSearchParams(query as Record<string, string>)}`
    expect((await ask({}, address)).status).toBe(200)
    expect((await ask({}, address.replace(/.$/, '0'))).status).toBe(
      address.endsWith('0') ? 200 : 403,
    )
  })
})

describe('a function', () => {
  const ask = async (event: object) => (await hearth.invoke('caller', event)).json
  const session = `arn:aws:sts::${ACCOUNT}:assumed-role/test/caller`

  test('calls Hearth as its role, which may invoke unless it was set', async () => {
    expect(await ask({ invoke: 'f' })).toEqual({ from: 'a function' })
    expect(await ask({})).toEqual(denied(session, 'lambda:ListFunctions', '*'))
    await writeFile(join(folder, 'role.json'), JSON.stringify(allow('lambda:ListFunctions')))
    expect((await command(['roles', 'set', 'test', 'role.json'])).code).toBe(0)
    expect(await ask({})).toContain('caller')
    expect(await ask({ invoke: 'f' })).toEqual(denied(session, 'lambda:InvokeFunction', arnOf('f')))
    expect((await command(['roles', 'ls'])).out).toContain('lambda:ListFunctions')
    expect((await command(['roles', 'rm', 'test'])).code).toBe(0)
    expect(await ask({ invoke: 'f' })).toEqual({ from: 'a function' })
  })
})

describe('the AWS CLI', () => {
  const aws = async (args: string, key?: Key) => {
    const words = ['--endpoint-url', hearth.endpoint, '--output', 'json', ...args.split(' ')]
    const { code, out, err } = await run('/usr/bin/aws', words, key)
    return code === 0 ? (out.trim() === '' ? {} : JSON.parse(out)) : err.trim()
  }
  const trust = (Principal: object) =>
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal, Action: 'sts:AssumeRole' }],
    })

  test('learns from STS who it is', async () => {
    const key = await createKey('cli', allow('lambda:Get*'))
    expect(await aws('sts get-caller-identity')).toEqual({
      UserId: ACCOUNT,
      Account: ACCOUNT,
      Arn: `arn:aws:iam::${ACCOUNT}:root`,
    })
    expect(await aws('sts get-caller-identity', key)).toEqual({
      UserId: key.accessKeyId.replace('AKIA', 'AIDA'),
      Account: ACCOUNT,
      Arn: `arn:aws:iam::${ACCOUNT}:user/cli`,
    })
    const wrong = { ...key, secretAccessKey: 'wrong' }
    expect(await aws('sts get-caller-identity', wrong)).toContain('(SignatureDoesNotMatch)')
    expect(await aws('iam get-role --role-name x', key)).toContain(
      `(AccessDenied) when calling the GetRole operation: User: arn:aws:iam::${ACCOUNT}:user/cli`,
    )
  })

  /** The same protocol without the CLI, which takes its time to start. */
  const iam = async (action: string, parameters: Record<string, string> = {}) => {
    const form = { Action: action, Version: '2010-05-08', RoleName: 'deploy', ...parameters }
    const body = new URLSearchParams(form).toString()
    const { host } = new URL(hearth.endpoint)
    const request = { method: 'POST', protocol: 'http:', hostname: 'h', path: '/', body }
    const type = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
    const signed = await signerOf(KEYS, 'iam').sign({ ...request, headers: { host, ...type } })
    const { headers } = signed
    return (await http(`${hearth.endpoint}/`, { method: 'POST', headers, body })).body.toString()
  }

  test('makes a role, looks at it, and acts as it', async () => {
    const document = trust({ AWS: ACCOUNT })
    const made = await aws(
      `iam create-role --role-name deploy --path /ci/ --assume-role-policy-document ${document}` +
        ' --tags Key=team,Value=core',
    )
    const Arn = `arn:aws:iam::${ACCOUNT}:role/ci/deploy`
    const role = {
      Arn,
      Path: '/ci/',
      RoleName: 'deploy',
      AssumeRolePolicyDocument: JSON.parse(document),
      MaxSessionDuration: 3600,
      Tags: [{ Key: 'team', Value: 'core' }],
    }
    expect(made.Role).toMatchObject(role)
    expect((await aws('iam get-role --role-name deploy')).Role).toMatchObject(role)
    const own = JSON.stringify(allow('lambda:GetFunction', `${arnOf('f')}`))
    const named = '--role-name deploy --policy-name own'
    await aws(`iam put-role-policy ${named} --policy-document ${own}`)
    expect((await aws(`iam get-role-policy ${named}`)).PolicyDocument).toEqual(JSON.parse(own))
    await actAs(Arn)
  })

  test('attaches policies of AWS, and deletes a role that is bare', async () => {
    const PolicyArn = 'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole'
    expect(
      await iam('CreateRole', { AssumeRolePolicyDocument: trust({ AWS: ACCOUNT }) }),
    ).toContain('<Code>EntityAlreadyExists</Code>')
    await iam('AttachRolePolicy', { PolicyArn })
    expect(await iam('ListAttachedRolePolicies')).toContain(`<PolicyArn>${PolicyArn}</PolicyArn>`)
    expect(await iam('ListRolePolicies')).toContain('<PolicyNames><member>own</member>')
    const unknown = PolicyArn.replace('Basic', 'Other')
    expect(await iam('AttachRolePolicy', { PolicyArn: unknown })).toContain('NoSuchEntity')
    expect(await iam('DeleteRole')).toContain('<Code>DeleteConflict</Code>')
    await iam('DetachRolePolicy', { PolicyArn })
    await iam('DeleteRolePolicy', { PolicyName: 'own' })
    expect(await iam('DeleteRole')).toMatch(
      /^<DeleteRoleResponse xmlns="[^"]+"><ResponseMetadata><RequestId>[0-9a-f-]{36}</,
    )
    expect(await iam('GetRole')).toContain(
      '<Message>The role with name deploy cannot be found.</Message>',
    )
    expect(await iam('ListUsers')).toContain('Hearth does not have iam:ListUsers')
  })

  async function actAs(role: string): Promise<void> {
    const words = `sts assume-role --role-arn ${role} --role-session-name me`
    const mere = await createKey('mere', allow('lambda:Get*'))
    expect(await aws(words, mere)).toContain('(AccessDenied)')
    const { Credentials: given } = await aws(words)
    const credentials: Key = {
      accessKeyId: given.AccessKeyId,
      secretAccessKey: given.SecretAccessKey,
      sessionToken: given.SessionToken,
    }
    const session = `arn:aws:sts::${ACCOUNT}:assumed-role/deploy/me`
    expect((await aws('sts get-caller-identity', credentials)).Arn).toBe(session)
    const client = clientOf(credentials)
    await client.send(new GetFunctionCommand({ FunctionName: 'f' }))
    await expect(client.send(invoke('f'))).rejects.toMatchObject({ name: 'AccessDeniedException' })
    const { sessionToken: _, ...torn } = credentials
    await expect(
      clientOf(torn).send(new GetFunctionCommand({ FunctionName: 'f' })),
    ).rejects.toMatchObject({ name: 'UnrecognizedClientException' })
  }
})

const signerOf = (credentials: Key, service = 'lambda') =>
  new SignatureV4({ credentials, region: 'us-east-1', service, sha256: Sha256 })
