// Who may do what: users' keys and their policies, functions that call Hearth as their roles, and
// what the AWS CLI asks of STS and IAM.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  GetFunctionCommand,
  ListFunctionsCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  ACCOUNT,
  allow,
  arnOf,
  type Callers,
  denied,
  invoke,
  type Key,
  openCallers,
  signerOf,
} from './callers.ts'
import { type Hearth, http, KEYS, ROOT, startHearth } from './hearth.ts'
import { hostAddress } from './listener.ts'

let hearth: Hearth
let callers: Callers
const ADA = `arn:aws:iam::${ACCOUNT}:user/ada`

beforeAll(async () => {
  const bundled = await build({
    entryPoints: [join(ROOT, 'e2e/functions/identity/index.mjs')],
    ...{ bundle: true, platform: 'node', format: 'cjs', write: false },
  })
  // Asked once: with the first container a bridge comes up, and the answer may be another.
  const host = hostAddress()
  hearth = await startHearth({
    env: (port) => ({
      HEARTH_HOST: '0.0.0.0',
      HEARTH_FUNCTION_ENDPOINT: `http://${host}:${port}`,
    }),
  })
  callers = await openCallers(hearth)
  const files = { 'index.mjs': 'export const handler = async (event) => event' }
  const caller = { 'index.js': bundled.outputFiles[0]?.contents ?? new Uint8Array() }
  await Promise.all([
    hearth.create({ FunctionName: 'f', files }),
    hearth.create({ FunctionName: 'g', files }),
    hearth.create({ FunctionName: 'caller', files: caller, MemorySize: 512 }),
  ])
})
afterAll(async () => {
  await hearth?.stop()
  await callers?.close()
})

describe('a user’s key', () => {
  test('does what its policy says, until it is taken away', async () => {
    const key = await callers.createKey(
      'ada',
      allow(['lambda:InvokeFunction', 'lambda:Get*'], arnOf('f')),
    )
    expect(key.accessKeyId).toMatch(/^AKIA[A-Z2-7]{16}$/)
    const ada = callers.clientOf(key)
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
    const { out } = await callers.command(['keys', 'ls'])
    expect(out).toContain(key.accessKeyId)
    expect(out).not.toContain(key.secretAccessKey)
    const own = await callers.command(['keys', 'ls'], key)
    expect([own.code, own.err]).toEqual([1, expect.stringContaining('HEARTH_ACCESS_KEYS alone')])
    expect((await callers.command(['bill'], key)).err).toContain('hearth:GetBill')
    expect((await callers.command(['keys', 'rm', key.accessKeyId])).code).toBe(0)
    await expect(ada.send(invoke('f'))).rejects.toMatchObject({
      name: 'UnrecognizedClientException',
    })
    expect((await callers.command(['keys', 'rm', key.accessKeyId])).code).toBe(1)
  })

  test('gives a function no role that it may not pass on', async () => {
    const bob = callers.clientOf(await callers.createKey('bob', allow('lambda:*')))
    const Role = `arn:aws:iam::${ACCOUNT}:role/mighty`
    const change = { FunctionName: 'g', Role }
    await expect(bob.send(new UpdateFunctionConfigurationCommand(change))).rejects.toMatchObject(
      denied(`arn:aws:iam::${ACCOUNT}:user/bob`, 'iam:PassRole', Role),
    )
  })

  test('needs a policy that can be obeyed, or everything', async () => {
    await writeFile(
      join(callers.folder, 'bad.json'),
      JSON.stringify({ Statement: { Effect: 'Maybe' } }),
    )
    const bad = await callers.command(['keys', 'create', '--name', 'x', '--policy', 'bad.json'])
    expect([bad.code, bad.err]).toEqual([1, expect.stringContaining('neither Allow nor Deny')])
    expect((await callers.command(['keys', 'create', '--name', 'x'])).code).toBe(2)
  })
})

describe('a function', () => {
  const ask = async (event: object) => (await hearth.invoke('caller', event)).json
  const session = `arn:aws:sts::${ACCOUNT}:assumed-role/test/caller`

  test('calls Hearth as its role, which may invoke unless it was set', async () => {
    expect(await ask({ invoke: 'f' })).toEqual({ from: 'a function' })
    expect(await ask({})).toEqual(denied(session, 'lambda:ListFunctions', '*'))
    await writeFile(
      join(callers.folder, 'role.json'),
      JSON.stringify(allow('lambda:ListFunctions')),
    )
    expect((await callers.command(['roles', 'set', 'test', 'role.json'])).code).toBe(0)
    expect(await ask({})).toContain('caller')
    expect(await ask({ invoke: 'f' })).toEqual(denied(session, 'lambda:InvokeFunction', arnOf('f')))
    expect((await callers.command(['roles', 'ls'])).out).toContain('lambda:ListFunctions')
    expect((await callers.command(['roles', 'rm', 'test'])).code).toBe(0)
    expect(await ask({ invoke: 'f' })).toEqual({ from: 'a function' })
  })
})

describe('the AWS CLI', () => {
  const aws = async (args: string, key?: Key) => {
    const words = ['--endpoint-url', hearth.endpoint, '--output', 'json', ...args.split(' ')]
    const { code, out, err } = await callers.run('/usr/bin/aws', words, key)
    return code === 0 ? (out.trim() === '' ? {} : JSON.parse(out)) : err.trim()
  }
  const trust = (Principal: object) =>
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal, Action: 'sts:AssumeRole' }],
    })

  test('learns from STS who it is', async () => {
    const key = await callers.createKey('cli', allow('lambda:Get*'))
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

  test('keeps policies of one’s own in versions, and the one that counts is obeyed', async () => {
    const PolicyArn = `arn:aws:iam::${ACCOUNT}:policy/team/listing`
    const document = (action: string) => JSON.stringify(allow(action))
    const made = await aws(
      'iam create-policy --policy-name listing --path /team/ --description d ' +
        `--policy-document ${document('lambda:ListFunctions')}`,
    )
    const shown = { Arn: PolicyArn, Path: '/team/', PolicyName: 'listing', DefaultVersionId: 'v1' }
    expect(made.Policy).toMatchObject({ ...shown, AttachmentCount: 0, IsAttachable: true })
    const again = { PolicyName: 'listing', PolicyDocument: document('lambda:*') }
    expect(await iam('CreatePolicy', again)).toContain(
      '<Message>A policy called listing already exists. Duplicate names are not allowed.</Message>',
    )
    const of = { RoleName: 'test', PolicyArn }
    await iam('CreateRole', { ...of, AssumeRolePolicyDocument: trust({ AWS: ACCOUNT }) })
    const list = async () => (await hearth.invoke('caller', {})).json
    expect(await list()).toMatchObject({ name: 'AccessDeniedException' })
    await iam('AttachRolePolicy', of)
    expect(await list()).toContain('caller')
    const other = { PolicyDocument: document('lambda:GetFunction'), SetAsDefault: 'true' }
    expect(await iam('CreatePolicyVersion', { ...of, ...other })).toContain('<VersionId>v2<')
    expect(await list()).toMatchObject({ name: 'AccessDeniedException' })
    await iam('SetDefaultPolicyVersion', { ...of, VersionId: 'v1' })
    expect(await list()).toContain('caller')
    const version = await aws(`iam get-policy-version --policy-arn ${PolicyArn} --version-id v2`)
    expect(version.PolicyVersion).toMatchObject({
      ...{ VersionId: 'v2', IsDefaultVersion: false, Document: allow('lambda:GetFunction') },
    })
    expect(await iam('GetPolicy', of)).toMatch(/<AttachmentCount>1<.*<Description>d</)
    expect(await iam('ListEntitiesForPolicy', of)).toContain('<RoleName>test</RoleName>')
    expect(await iam('DeletePolicy', of)).toContain('Cannot delete a policy attached to entities.')
    await iam('DetachRolePolicy', of)
    expect(await iam('DeletePolicy', of)).toContain('This policy has more than one version.')
    expect(await iam('DeletePolicyVersion', { ...of, VersionId: 'v1' })).toContain(
      'Cannot delete the default version of a policy.',
    )
    await iam('DeletePolicyVersion', { ...of, VersionId: 'v2' })
    await iam('DeletePolicy', of)
    expect(await iam('GetPolicy', of)).toContain(`Policy ${PolicyArn} was not found.`)
    await iam('DeleteRole', of)
  })

  test('learns what Hearth understands of AWS’s policies', async () => {
    const PolicyArn = 'arn:aws:iam::aws:policy/service-role/AWSLambdaRole'
    const { Policies } = await aws('iam list-policies --scope AWS')
    expect(Policies.map(({ Arn }: { Arn: string }) => Arn)).toContain(PolicyArn)
    expect(await iam('ListPolicyVersions', { PolicyArn })).toContain('<VersionId>v1</VersionId>')
    expect(await iam('GetPolicyVersion', { PolicyArn, VersionId: 'v1' })).toContain(
      encodeURIComponent('"lambda:InvokeFunction"'),
    )
    expect(await iam('DeletePolicy', { PolicyArn })).toContain('<Code>NoSuchEntity</Code>')
  })

  async function actAs(role: string): Promise<void> {
    const words = `sts assume-role --role-arn ${role} --role-session-name me`
    const mere = await callers.createKey('mere', allow('lambda:Get*'))
    expect(await aws(words, mere)).toContain('(AccessDenied)')
    const { Credentials: given } = await aws(words)
    const credentials: Key = {
      accessKeyId: given.AccessKeyId,
      secretAccessKey: given.SecretAccessKey,
      sessionToken: given.SessionToken,
    }
    const session = `arn:aws:sts::${ACCOUNT}:assumed-role/deploy/me`
    expect((await aws('sts get-caller-identity', credentials)).Arn).toBe(session)
    const client = callers.clientOf(credentials)
    await client.send(new GetFunctionCommand({ FunctionName: 'f' }))
    await expect(client.send(invoke('f'))).rejects.toMatchObject({ name: 'AccessDeniedException' })
    const { sessionToken: _, ...torn } = credentials
    await expect(
      callers.clientOf(torn).send(new GetFunctionCommand({ FunctionName: 'f' })),
    ).rejects.toMatchObject({ name: 'UnrecognizedClientException' })
  }
})
