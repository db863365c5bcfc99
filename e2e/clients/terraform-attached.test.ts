// What Terraform hangs on a function, replayed call by call: each is created, read twice without a
// difference, changed, read twice again, and taken away.

import * as aws from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Hearth, startHearth } from '../hearth.ts'
import {
  arnOf,
  openTerraform,
  readFunction,
  readPermission,
  type State,
  settled,
  type Terraform,
  waitFor,
  waitGone,
} from './terraform-client.ts'

let hearth: Hearth
let terraform: Terraform
const FunctionName = 'greeter'
const SOURCE = 'arn:aws-hearth:redis:us-east-1:000000000000:orders'
const alias = { FunctionName, Name: 'live' }

/** A function with two versions, the first of which is live. */
beforeAll(async () => {
  hearth = await startHearth({ env: { HEARTH_STEMS_MAX: '0' } })
  terraform = openTerraform(hearth.endpoint)
  const { lambda } = terraform
  await hearth.create({ FunctionName, files: { 'index.mjs': 'export const handler = () => 1' } })
  await lambda.send(new aws.PublishVersionCommand({ FunctionName }))
  await lambda.send(new aws.UpdateFunctionConfigurationCommand({ FunctionName, Timeout: 11 }))
  const look = () => lambda.send(new aws.GetFunctionConfigurationCommand({ FunctionName }))
  await waitFor(look, ({ LastUpdateStatus }) => LastUpdateStatus === 'Successful')
  await lambda.send(new aws.PublishVersionCommand({ FunctionName }))
})
afterAll(async () => {
  terraform?.lambda.destroy()
  terraform?.logs.destroy()
  await hearth?.stop()
})

test('aws_lambda_alias is created, routed and read the same twice', async () => {
  const { lambda } = terraform
  const version = { ...alias, FunctionVersion: '1', Description: '' }
  await lambda.send(new aws.CreateAliasCommand(version))
  const read = async () => {
    const { $metadata: _, ...found } = await lambda.send(new aws.GetAliasCommand(alias))
    return found as State
  }
  const bare = {
    AliasArn: arnOf('lambda', 'function:greeter:live'),
    Name: 'live',
    FunctionVersion: '1',
    Description: '',
    RevisionId: expect.any(String),
  }
  expect(await settled(read)).toEqual(bare)
  const AdditionalVersionWeights = { 2: 0.25 }
  const RoutingConfig = { AdditionalVersionWeights }
  await lambda.send(new aws.UpdateAliasCommand({ ...version, RoutingConfig }))
  expect(await settled(read)).toEqual({ ...bare, RoutingConfig })
  // Without weights the provider sends an empty routing.
  await lambda.send(new aws.UpdateAliasCommand({ ...version, RoutingConfig: {} }))
  expect(await settled(read)).toMatchObject({ ...bare, FunctionVersion: '1' })
})

test('aws_lambda_permission is added, read the same twice and removed', async () => {
  const { lambda } = terraform
  const at = { FunctionName, Qualifier: 'live' }
  await lambda.send(
    new aws.AddPermissionCommand({
      ...at,
      StatementId: 'AllowBucket',
      Action: 'lambda:InvokeFunction',
      Principal: 's3.amazonaws.com',
      SourceAccount: '000000000000',
      SourceArn: 'arn:aws:s3:::bucket',
    }),
  )
  const read = () => readPermission(terraform, at, 'AllowBucket')
  expect(await settled(read)).toEqual({
    action: 'lambda:InvokeFunction',
    principal: 's3.amazonaws.com',
    source_account: '000000000000',
    source_arn: 'arn:aws:s3:::bucket',
    function_name: FunctionName,
    qualifier: 'live',
    function_url_auth_type: undefined,
    invoked_via_function_url: false,
  })
  await lambda.send(new aws.RemovePermissionCommand({ ...at, StatementId: 'AllowBucket' }))
  await waitGone(read)
})

test('aws_lambda_function_url is created with its permissions, and read the same twice', async () => {
  const { lambda } = terraform
  const Cors = {
    AllowCredentials: false,
    AllowHeaders: ['date'],
    AllowMethods: ['GET'],
    AllowOrigins: ['*'],
    ExposeHeaders: ['date'],
    MaxAge: 60,
  }
  const url = { FunctionName, AuthType: 'NONE', InvokeMode: 'BUFFERED', Cors } as const
  const lists = Object.fromEntries(Object.entries(Cors)) as aws.Cors
  await lambda.send(new aws.CreateFunctionUrlConfigCommand({ ...url, Cors: lists }))
  const everybody = { FunctionName, Principal: '*' }
  await lambda.send(
    new aws.AddPermissionCommand({
      ...everybody,
      StatementId: 'FunctionURLAllowPublicAccess',
      Action: 'lambda:InvokeFunctionUrl',
      FunctionUrlAuthType: 'NONE',
    }),
  )
  await lambda.send(
    new aws.AddPermissionCommand({
      ...everybody,
      StatementId: 'FunctionURLAllowInvokeAction',
      Action: 'lambda:InvokeFunction',
      InvokedViaFunctionUrl: true,
    }),
  )
  const read = async () => {
    const found = await lambda.send(new aws.GetFunctionUrlConfigCommand({ FunctionName }))
    const { AuthType, FunctionArn, InvokeMode, FunctionUrl, Cors: cors } = found
    return { AuthType, FunctionArn, InvokeMode, FunctionUrl, Cors: cors }
  }
  expect(await settled(read)).toMatchObject({
    AuthType: 'NONE',
    FunctionArn: arnOf('lambda', 'function:greeter'),
    InvokeMode: 'BUFFERED',
    Cors,
  })
  const via = () => readPermission(terraform, { FunctionName }, 'FunctionURLAllowInvokeAction')
  expect(await settled(via)).toMatchObject({ principal: '*', invoked_via_function_url: true })
})

test('aws_lambda_function_event_invoke_config is put, put again and read the same', async () => {
  const { lambda } = terraform
  const read = async () => {
    const found = await lambda.send(
      new aws.GetFunctionEventInvokeConfigCommand({ FunctionName, Qualifier: 'live' }),
    )
    const { $metadata: _, LastModified: __, ...rest } = found
    return rest as State
  }
  const at = { FunctionName, Qualifier: 'live' }
  const OnFailure = { Destination: arnOf('sqs', 'failed') }
  const wish = { ...at, MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 0 }
  const DestinationConfig = { OnFailure }
  await lambda.send(new aws.PutFunctionEventInvokeConfigCommand({ ...wish, DestinationConfig }))
  expect(await settled(read)).toMatchObject({
    MaximumEventAgeInSeconds: 60,
    MaximumRetryAttempts: 0,
    DestinationConfig,
  })
  await lambda.send(new aws.PutFunctionEventInvokeConfigCommand({ ...at, MaximumRetryAttempts: 2 }))
  const after = await settled(read)
  expect(after).toMatchObject({ MaximumRetryAttempts: 2 })
  expect(after.MaximumEventAgeInSeconds).toBeUndefined()
  await lambda.send(new aws.DeleteFunctionEventInvokeConfigCommand(at))
  await waitGone(read)
})

test('aws_lambda_provisioned_concurrency_config is put and waited for', async () => {
  const { lambda } = terraform
  const at = { FunctionName, Qualifier: '2' }
  const wish = { ...at, ProvisionedConcurrentExecutions: 1 }
  await lambda.send(new aws.PutProvisionedConcurrencyConfigCommand(wish))
  const look = () => lambda.send(new aws.GetProvisionedConcurrencyConfigCommand(at))
  const ready = await waitFor(look, ({ Status }) => Status !== 'IN_PROGRESS')
  expect(ready).toMatchObject({
    Status: 'READY',
    RequestedProvisionedConcurrentExecutions: 1,
    AllocatedProvisionedConcurrentExecutions: 1,
  })
  await lambda.send(new aws.DeleteProvisionedConcurrencyConfigCommand(at))
  await expect(look()).rejects.toMatchObject({
    name: 'ProvisionedConcurrencyConfigNotFoundException',
  })
})

test('aws_lambda_code_signing_config is created, set on the function and taken off', async () => {
  const { lambda } = terraform
  const SigningProfileVersionArns = [arnOf('signer', '/signing-profiles/team/abcdefghij')]
  const { CodeSigningConfig: made } = await lambda.send(
    new aws.CreateCodeSigningConfigCommand({
      AllowedPublishers: { SigningProfileVersionArns },
      CodeSigningPolicies: { UntrustedArtifactOnDeployment: 'Warn' },
      Description: 'ours',
      Tags: { team: 'core' },
    }),
  )
  const CodeSigningConfigArn = made?.CodeSigningConfigArn ?? ''
  const read = async () => {
    const found = await lambda.send(new aws.GetCodeSigningConfigCommand({ CodeSigningConfigArn }))
    const { Tags } = await lambda.send(new aws.ListTagsCommand({ Resource: CodeSigningConfigArn }))
    return { ...found.CodeSigningConfig, Tags } as State
  }
  expect(await settled(read)).toEqual({ ...made, Tags: { team: 'core' } })
  const put = { CodeSigningConfigArn, FunctionName }
  await lambda.send(new aws.PutFunctionCodeSigningConfigCommand(put))
  const { code_signing_config_arn: shown } = await readFunction(terraform, FunctionName)
  expect(shown).toBe(CodeSigningConfigArn)
  await lambda.send(new aws.DeleteFunctionCodeSigningConfigCommand({ FunctionName }))
  await lambda.send(new aws.DeleteCodeSigningConfigCommand({ CodeSigningConfigArn }))
  await waitGone(read)
})

test('aws_lambda_event_source_mapping is created, changed, and deleted', async () => {
  const { lambda } = terraform
  const { UUID } = await lambda.send(
    new aws.CreateEventSourceMappingCommand({
      EventSourceArn: SOURCE,
      FunctionName: arnOf('lambda', 'function:greeter'),
      Enabled: true,
      BatchSize: 5,
      Tags: { team: 'core' },
    }),
  )
  const look = () => lambda.send(new aws.GetEventSourceMappingCommand({ UUID }))
  const isSettled = ({ State }: { State?: string }) => /^(En|Dis)abled$/.test(State ?? '')
  await waitFor(look, isSettled)
  const read = async () => {
    const { $metadata: _, LastProcessingResult: __, ...found } = await look()
    const { Tags } = await lambda.send(
      new aws.ListTagsCommand({ Resource: found.EventSourceMappingArn }),
    )
    return { ...found, Tags } as State
  }
  const shown = await settled(read)
  expect(shown).toMatchObject({
    BatchSize: 5,
    EventSourceArn: SOURCE,
    FunctionArn: arnOf('lambda', 'function:greeter'),
    State: 'Enabled',
    Tags: { team: 'core' },
  })
  // What is taken out is sent as an empty criteria: without it AWS would keep the old.
  await lambda.send(
    new aws.UpdateEventSourceMappingCommand({ UUID, BatchSize: 7, FilterCriteria: {} }),
  )
  await waitFor(look, isSettled)
  expect(await settled(read)).toMatchObject({
    ...shown,
    BatchSize: 7,
    LastModified: expect.any(Date),
  })
  await lambda.send(new aws.DeleteEventSourceMappingCommand({ UUID }))
  await waitGone(look)
})

test('they go: the URL, the alias, and with the function all that is left', async () => {
  const { lambda } = terraform
  await lambda.send(new aws.DeleteFunctionUrlConfigCommand({ FunctionName }))
  await waitGone(() => lambda.send(new aws.GetFunctionUrlConfigCommand({ FunctionName })))
  await lambda.send(new aws.DeleteAliasCommand(alias))
  await waitGone(() => lambda.send(new aws.GetAliasCommand(alias)))
  await lambda.send(new aws.DeleteFunctionCommand({ FunctionName }))
  await waitGone(() => readFunction(terraform, FunctionName))
})
