// Permissions of functions and of their URLs through the AWS SDK: shown as AWS writes them, obeyed
// for users' keys and for everybody, and refused in AWS's words.

import { writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import {
  AddLayerVersionPermissionCommand,
  AddPermissionCommand,
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  CreateFunctionUrlConfigCommand,
  DeleteResourcePolicyCommand,
  GetFunctionCommand,
  GetLayerVersionByArnCommand,
  GetPolicyCommand,
  GetResourcePolicyCommand,
  PublishLayerVersionCommand,
  PublishVersionCommand,
  PutResourcePolicyCommand,
  RemovePermissionCommand,
  UpdateFunctionUrlConfigCommand,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  ACCOUNT,
  allow,
  arnOf,
  type Callers,
  denied,
  invoke,
  openCallers,
  signerOf,
} from './callers.ts'
import { type Hearth, http, ROLE, startHearth, zip } from './hearth.ts'

let hearth: Hearth
let callers: Callers

beforeAll(async () => {
  hearth = await startHearth()
  callers = await openCallers(hearth)
  const files = { 'index.mjs': 'export const handler = async (event) => event' }
  await Promise.all(['f', 'g'].map((FunctionName) => hearth.create({ FunctionName, files })))
})
afterAll(async () => {
  await hearth?.stop()
  await callers?.close()
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
    const eve = callers.clientOf(await callers.createKey('eve', allow('lambda:GetFunction')))
    const who = `arn:aws:iam::${ACCOUNT}:user/eve`
    await expect(eve.send(invoke('f'))).rejects.toMatchObject({ name: 'AccessDeniedException' })
    const one = { FunctionName: 'f', StatementId: 'eve', Principal: who }
    await hearth.lambda.send(new AddPermissionCommand({ ...one, Action: 'lambda:InvokeFunction' }))
    expect((await eve.send(invoke('f'))).StatusCode).toBe(200)
  })
})

test('a resource policy is put, shown, obeyed and deleted as a whole', async () => {
  const ResourceArn = arnOf('g')
  const root = await callers.createKey('zoe', allow('*'))
  const statement = { Principal: '*', Action: 'lambda:InvokeFunction', Resource: ResourceArn }
  const Policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Sid: 'no', Effect: 'Deny', ...statement }],
  })
  const put = await hearth.lambda.send(new PutResourcePolicyCommand({ ResourceArn, Policy }))
  expect(JSON.parse(put.Policy ?? '')).toEqual(JSON.parse(Policy))
  await expect(callers.clientOf(root).send(invoke('g'))).rejects.toMatchObject({
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
  expect((await callers.clientOf(root).send(invoke('g'))).StatusCode).toBe(200)
})

test('what becomes of a function has to be its creator’s to read', async () => {
  const { LayerVersionArn: layer = '' } = await hearth.lambda.send(
    new PublishLayerVersionCommand({ LayerName: 'lent', Content: { ZipFile: zip({ f: '' }) } }),
  )
  const creating = ['lambda:CreateFunction', 'lambda:UpdateFunctionConfiguration', 'iam:PassRole']
  const zoe = callers.clientOf(await callers.createKey('zoe', allow(creating)))
  const create = (input: Partial<CreateFunctionCommandInput>) =>
    zoe.send(
      new CreateFunctionCommand({
        ...{ FunctionName: 'z', Role: ROLE, Runtime: 'nodejs24.x', Handler: 'index.handler' },
        ...{ Code: { ZipFile: zip({ 'index.mjs': '' }) }, ...input },
      }),
    )
  const user = `arn:aws:iam::${ACCOUNT}:user/zoe`
  const shut = denied(user, 'lambda:GetLayerVersion', layer)
  await expect(create({ Layers: [layer] })).rejects.toMatchObject(shut)
  const byArn = new GetLayerVersionByArnCommand({ Arn: layer })
  await expect(zoe.send(byArn)).rejects.toMatchObject(shut)
  const Code = { S3Bucket: 'code', S3Key: 'secret.zip' }
  await expect(create({ Code })).rejects.toMatchObject(
    denied(user, 's3:GetObject', 'arn:aws:s3:::code/secret.zip'),
  )
  await hearth.lambda.send(
    new AddLayerVersionPermissionCommand({
      ...{ LayerName: 'lent', VersionNumber: 1, StatementId: 's' },
      ...{ Action: 'lambda:GetLayerVersion', Principal: '*' },
    }),
  )
  expect((await create({ Layers: [layer] })).Layers?.map(({ Arn }) => Arn)).toEqual([layer])
  expect((await zoe.send(byArn)).LayerVersionArn).toBe(layer)
})

test('hearth deploy --url permits everybody what a URL takes', async () => {
  const source = 'export const handler = async () => "open"'
  await writeFile(join(callers.folder, 'index.mjs'), source)
  const deployed = await callers.command(['deploy', '.', '--name', 'open', '--url', '-o', 'json'])
  const { host } = new URL(JSON.parse(deployed.out).url)
  const answer = await http(hearth.endpoint, { headers: { host } })
  expect([answer.status, answer.body.toString()]).toEqual([200, 'open'])
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
    const mia = callers.clientOf(await callers.createKey('mia', allow('lambda:GetFunction')))
    await expect(mia.send(invoke('g'))).rejects.toMatchObject({ name: 'AccessDeniedException' })
  })

  test('with AWS_IAM is for those who may, by header and by a presigned address', async () => {
    await hearth.lambda.send(
      new UpdateFunctionUrlConfigCommand({ FunctionName: 'g', AuthType: 'AWS_IAM' }),
    )
    expect(await ask()).toEqual(forbidden)
    const both = ['lambda:InvokeFunctionUrl', 'lambda:InvokeFunction']
    const key = await callers.createKey('may', allow(both))
    const may = signerOf(key)
    const half = signerOf(await callers.createKey('half', allow('lambda:InvokeFunctionUrl')))
    const request = {
      ...{ method: 'GET', protocol: 'http:', hostname: 'h', path: '/', headers: { host } },
    }
    const heard = await ask((await may.sign(request)).headers)
    const { accountId, authorizer } = JSON.parse(heard.text).requestContext
    const userId = key.accessKeyId.replace('AKIA', 'AIDA')
    expect([accountId, authorizer.iam]).toEqual([
      ACCOUNT,
      {
        ...{ accessKey: key.accessKeyId, accountId: ACCOUNT, callerId: userId, userId },
        ...{ userArn: `arn:aws:iam::${ACCOUNT}:user/may` },
        ...{ cognitoIdentity: null, principalOrgId: null },
      },
    ])
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

  test('asks who sends a large body before it is there', async () => {
    const key = await callers.createKey('large', allow('lambda:*'))
    const body = 'x'.repeat(300_000)
    const length = { 'content-length': String(body.length) }
    const request = {
      ...{ method: 'POST', protocol: 'http:', hostname: 'h', path: '/', body },
      headers: { host, ...length },
    }
    const signed = (await signerOf(key).sign(request)).headers
    const stranger = { accessKeyId: 'AKIASTRANGER', secretAccessKey: key.secretAccessKey }
    const strange = (await signerOf(stranger).sign(request)).headers
    // Nothing of the body is ever sent: whoever waits for it does not answer.
    expect(await headAlone({ host, ...length })).toBe(403)
    expect(await headAlone({ host, 'transfer-encoding': 'chunked' })).toBe(403)
    expect(await headAlone(strange)).toBe(403)
    expect(await headAlone(signed)).toBe('silence')
    const post = (headers: Record<string, string>, sent: string) =>
      http(hearth.endpoint, { method: 'POST', headers, body: sent })
    expect((await post(signed, body)).status).toBe(200)
    // The head was good, and then the body is another.
    expect((await post(signed, body.replace('x', 'y'))).status).toBe(403)
    const unsigned = { FunctionName: 'g', AuthType: 'NONE' } as const
    await hearth.lambda.send(new UpdateFunctionUrlConfigCommand(unsigned))
    await hearth.lambda.send(new RemovePermissionCommand({ FunctionName: 'g', StatementId: 'url' }))
    expect(await headAlone({ host, ...length })).toBe(403)
  })

  /** The status that the head of a request has, or the silence of a gateway that wants more. */
  const headAlone = (headers: Record<string, string>) =>
    new Promise<number | 'silence'>((resolve) => {
      const options = { method: 'POST', agent: false, headers, timeout: 1_500 }
      const asked = httpRequest(hearth.endpoint, options, ({ statusCode = 0 }) => {
        resolve(statusCode)
        asked.destroy()
      })
      asked.on('timeout', () => {
        resolve('silence')
        asked.destroy()
      })
      asked.on('error', () => {})
      asked.flushHeaders()
    })
})
