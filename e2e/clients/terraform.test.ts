// Terraform's life of a stack, replayed call by call: create, wait, read; a second refresh that
// must show no difference; updates, and refreshes again; then everything is destroyed.

import { createHash } from 'node:crypto'
import * as logs from '@aws-sdk/client-cloudwatch-logs'
import * as aws from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hearth, startHearth, zip } from '../hearth.ts'
import {
  arnOf,
  openTerraform,
  readFunction,
  readLogGroup,
  settled,
  type Terraform,
  waitFor,
  waitGone,
} from './terraform-client.ts'

let hearth: Hearth
let terraform: Terraform
const ROLE = 'arn:aws:iam::000000000000:role/service-role/greeter'
const FunctionName = 'greeter'
const files = (word: string) => zip({ 'index.mjs': `export const handler = () => '${word}'` })
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('base64')

beforeAll(async () => {
  hearth = await startHearth({ env: { HEARTH_STEMS_MAX: '0' } })
  terraform = openTerraform(hearth.endpoint)
})
afterAll(async () => {
  terraform?.lambda.destroy()
  terraform?.logs.destroy()
  await hearth?.stop()
})

const updated = () =>
  waitFor(
    async () => {
      const found = await terraform.lambda.send(new aws.GetFunctionCommand({ FunctionName }))
      return found.Configuration?.LastUpdateStatus
    },
    (status) => status === 'Successful',
  )

describe('aws_iam_role', () => {
  const RoleName = 'greeter'
  const trust = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Action: 'sts:AssumeRole',
        Effect: 'Allow',
        Principal: { Service: 'lambda.amazonaws.com' },
      },
    ],
  })
  const read = async () => {
    const [role, own, attached] = await Promise.all(
      ['GetRole', 'ListRolePolicies', 'ListAttachedRolePolicies'].map((Action) =>
        terraform.iam({ Action, RoleName }),
      ),
    )
    return {
      arn: role?.tag('Arn'),
      path: role?.tag('Path'),
      max_session_duration: role?.tag('MaxSessionDuration'),
      assume_role_policy: decodeURIComponent(role?.tag('AssumeRolePolicyDocument') ?? ''),
      inline: own?.tag('PolicyNames'),
      attached: attached?.tag('PolicyArn'),
    }
  }

  test('is created, with a policy attached, and read the same twice', async () => {
    const made = await terraform.iam({
      Action: 'CreateRole',
      RoleName,
      Path: '/service-role/',
      MaxSessionDuration: '3600',
      AssumeRolePolicyDocument: trust,
      'Tags.member.1.Key': 'team',
      'Tags.member.1.Value': 'core',
    })
    expect(made.status).toBe(200)
    const PolicyArn = 'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole'
    await terraform.iam({ Action: 'AttachRolePolicy', RoleName, PolicyArn })
    expect(await settled(read)).toEqual({
      arn: ROLE,
      path: '/service-role/',
      max_session_duration: '3600',
      assume_role_policy: trust,
      inline: '',
      attached: PolicyArn,
    })
  })
})

describe('aws_cloudwatch_log_group', () => {
  const logGroupName = '/aws/lambda/greeter'
  const resourceArn = arnOf('logs', `log-group:${logGroupName}`)
  const retain = (retentionInDays: number) =>
    terraform.logs.send(new logs.PutRetentionPolicyCommand({ logGroupName, retentionInDays }))

  test('is created, changed and read the same twice', async () => {
    const group = { logGroupName, logGroupClass: 'STANDARD', tags: { team: 'core' } } as const
    await terraform.logs.send(new logs.CreateLogGroupCommand(group))
    await retain(14)
    const shown = {
      arn: resourceArn,
      kms_key_id: '',
      log_group_class: 'STANDARD',
      retention_in_days: 14,
      tags: { team: 'core' },
    }
    expect(await settled(() => readLogGroup(terraform, logGroupName))).toEqual(shown)
    await retain(30)
    const tags = { stage: 'dev' }
    await terraform.logs.send(new logs.UntagResourceCommand({ resourceArn, tagKeys: ['team'] }))
    await terraform.logs.send(new logs.TagResourceCommand({ resourceArn, tags }))
    const changed = { ...shown, retention_in_days: 30, tags }
    expect(await settled(() => readLogGroup(terraform, logGroupName))).toEqual(changed)
  })
})

describe('aws_lambda_layer_version', () => {
  const layer = { LayerName: 'words', VersionNumber: 1 }

  test('is published and read the same twice', async () => {
    const ZipFile = zip({ 'nodejs/word.txt': 'hello' })
    await terraform.lambda.send(
      new aws.PublishLayerVersionCommand({
        LayerName: 'words',
        Content: { ZipFile },
        Description: '',
        LicenseInfo: '',
        CompatibleRuntimes: ['nodejs24.x'],
      }),
    )
    const read = async () => {
      const found = await terraform.lambda.send(new aws.GetLayerVersionCommand(layer))
      const { $metadata: _, Content: { Location: __, ...Content } = {}, ...rest } = found
      return { ...rest, Content }
    }
    expect(await settled(read)).toMatchObject({
      LayerVersionArn: arnOf('lambda', 'layer:words:1'),
      LayerArn: arnOf('lambda', 'layer:words'),
      Description: '',
      Version: 1,
      CompatibleRuntimes: ['nodejs24.x'],
      Content: { CodeSha256: hashOf(ZipFile), CodeSize: ZipFile.length },
    })
  })
})

describe('aws_lambda_function', () => {
  const wished = {
    Description: '',
    MemorySize: 192,
    Timeout: 5,
    Role: ROLE,
    Handler: 'index.handler',
    Runtime: 'nodejs24.x',
    Architectures: ['x86_64'],
    Environment: { Variables: { WORD: 'hello' } },
    EphemeralStorage: { Size: 512 },
    Layers: [arnOf('lambda', 'layer:words:1')],
    LoggingConfig: {
      LogFormat: 'JSON',
      LogGroup: '/aws/lambda/greeter',
      ApplicationLogLevel: 'INFO',
      SystemLogLevel: 'WARN',
    },
    DeadLetterConfig: { TargetArn: arnOf('sqs', 'dead') },
    TracingConfig: { Mode: 'Active' },
  } as const
  const shown = {
    architectures: ['x86_64'],
    arn: arnOf('lambda', 'function:greeter'),
    code_sha256: hashOf(files('hello')),
    code_signing_config_arn: '',
    dead_letter_config: arnOf('sqs', 'dead'),
    description: '',
    environment: { WORD: 'hello' },
    ephemeral_storage: 512,
    file_system_config: [],
    handler: 'index.handler',
    image_config: undefined,
    kms_key_arn: '',
    last_modified: expect.any(String),
    layers: wished.Layers,
    logging_config: wished.LoggingConfig,
    memory_size: 192,
    package_type: 'Zip',
    qualified_arn: arnOf('lambda', 'function:greeter:1'),
    reserved_concurrent_executions: 2,
    role: ROLE,
    runtime: 'nodejs24.x',
    snap_start: 'None',
    source_code_size: files('hello').length,
    tags: { team: 'core' },
    timeout: 5,
    tracing_config: 'Active',
    version: '1',
    vpc_config: '',
  }
  const refresh = () => settled(() => readFunction(terraform, FunctionName))

  test('is created and read the same twice', async () => {
    await terraform.lambda.send(
      new aws.CreateFunctionCommand({
        ...wished,
        FunctionName,
        Code: { ZipFile: files('hello') },
        PackageType: 'Zip',
        Publish: true,
        Tags: { team: 'core' },
        Architectures: ['x86_64'],
        Layers: [...wished.Layers],
      }),
    )
    await waitFor(
      async () => {
        const found = await terraform.lambda.send(new aws.GetFunctionCommand({ FunctionName }))
        return found.Configuration?.State
      },
      (state) => state === 'Active',
    )
    const reserve = { FunctionName, ReservedConcurrentExecutions: 2 }
    await terraform.lambda.send(new aws.PutFunctionConcurrencyCommand(reserve))
    expect(await refresh()).toEqual(shown)
  })

  /** What is taken out of a configuration is sent empty. */
  const changes: aws.UpdateFunctionConfigurationCommandInput = {
    FunctionName,
    Description: 'greets',
    Environment: { Variables: {} },
    DeadLetterConfig: { TargetArn: '' },
    FileSystemConfigs: [],
    KMSKeyArn: '',
    Layers: [],
    LoggingConfig: { LogFormat: 'Text', LogGroup: '/aws/lambda/greeter' },
    MemorySize: 256,
    Timeout: 6,
    TracingConfig: { Mode: 'PassThrough' },
    VpcConfig: { Ipv6AllowedForDualStack: false, SecurityGroupIds: [], SubnetIds: [] },
  }

  test('is updated: tags, configuration, code, concurrency, a version', async () => {
    const { lambda } = terraform
    const Resource = shown.arn
    await lambda.send(new aws.UntagResourceCommand({ Resource, TagKeys: ['team'] }))
    await lambda.send(new aws.TagResourceCommand({ Resource, Tags: { stage: 'dev' } }))
    await lambda.send(new aws.UpdateFunctionConfigurationCommand(changes))
    await updated()
    const code = { FunctionName, ZipFile: files('bye') }
    await lambda.send(new aws.UpdateFunctionCodeCommand(code))
    await updated()
    await lambda.send(new aws.DeleteFunctionConcurrencyCommand({ FunctionName }))
    const { Version: Qualifier } = await lambda.send(
      new aws.PublishVersionCommand({ FunctionName }),
    )
    await waitFor(
      async () => {
        const version = { FunctionName: shown.arn, Qualifier }
        const found = await lambda.send(new aws.GetFunctionConfigurationCommand(version))
        return found.LastUpdateStatus
      },
      (status) => status === 'Successful',
    )
    const after = await refresh()
    expect(after).toEqual({
      ...shown,
      code_sha256: hashOf(files('bye')),
      dead_letter_config: '',
      description: 'greets',
      environment: after.environment,
      layers: [],
      logging_config: changes.LoggingConfig,
      memory_size: 256,
      qualified_arn: arnOf('lambda', 'function:greeter:2'),
      reserved_concurrent_executions: -1,
      source_code_size: files('bye').length,
      tags: { stage: 'dev' },
      timeout: 6,
      tracing_config: 'PassThrough',
      version: '2',
    })
    // Terraform takes no variables and an empty map of them for the same.
    expect(after.environment ?? {}).toEqual({})
  })
})

test('everything is destroyed, and then it is gone', async () => {
  const { lambda, iam } = terraform
  await lambda.send(new aws.DeleteFunctionCommand({ FunctionName }))
  await waitGone(() => readFunction(terraform, FunctionName))
  const layer = { LayerName: 'words', VersionNumber: 1 }
  await lambda.send(new aws.DeleteLayerVersionCommand(layer))
  await waitGone(() => lambda.send(new aws.GetLayerVersionCommand(layer)))
  const logGroupName = '/aws/lambda/greeter'
  await terraform.logs.send(new logs.DeleteLogGroupCommand({ logGroupName }))
  await waitGone(() => readLogGroup(terraform, logGroupName))
  const RoleName = 'greeter'
  const PolicyArn = 'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole'
  const last: Record<string, string>[] = [
    { Action: 'ListInstanceProfilesForRole', RoleName },
    { Action: 'DetachRolePolicy', RoleName, PolicyArn },
    { Action: 'ListAttachedRolePolicies', RoleName },
    { Action: 'ListRolePolicies', RoleName },
    { Action: 'DeleteRole', RoleName },
  ]
  for (const form of last)
    expect([form.Action, (await iam(form)).status]).toEqual([form.Action, 200])
  const gone = await iam({ Action: 'GetRole', RoleName })
  expect([gone.status, gone.tag('Code')]).toEqual([404, 'NoSuchEntity'])
})
