// Terraform's AWS provider as far as Hearth sees it: its user agent, the headers of its SDK, how it
// waits, and what it reads back of each resource into its state. Which calls it makes, in which
// order and with which members, was read in its source (internal/service/lambda, logs and iam).

import * as logs from '@aws-sdk/client-cloudwatch-logs'
import * as aws from '@aws-sdk/client-lambda'
import { expect } from 'vitest'
import { signerOf } from '../callers.ts'
import { KEYS } from '../hearth.ts'

export type State = Record<string, unknown>

export const AGENT =
  'APN/1.0 HashiCorp/1.0 Terraform/1.13.5 (+https://www.terraform.io) ' +
  'terraform-provider-aws/6.21.0 (+https://registry.terraform.io/providers/hashicorp/aws) ' +
  'aws-sdk-go-v2/1.39.6 ua/2.1 os/linux lang/go#1.24.10 md/GOOS#linux md/GOARCH#amd64 ' +
  'api/lambda#1.81.4 m/C,E,j'
export const arnOf = (service: string, rest: string) =>
  `arn:aws:${service}:us-east-1:000000000000:${rest}`
/** The provider asks for all versions of a function in one page. */
const VERSIONS_MAX = 10_000
const WAIT_MS = 20_000

interface Wire {
  request: { headers: Record<string, string> }
}

export function openTerraform(endpoint: string) {
  const where = { endpoint, region: 'us-east-1', credentials: KEYS, maxAttempts: 25 }
  const lambda = new aws.LambdaClient(where)
  const logClient = new logs.CloudWatchLogsClient(where)
  // Its SDK signs these, too.
  const dress = (next: (args: never) => Promise<never>) => (args: unknown) => {
    const { headers } = (args as Wire).request
    delete headers['x-amz-user-agent']
    Object.assign(headers, { 'user-agent': AGENT, 'accept-encoding': 'gzip' })
    return next(args as never)
  }
  for (const { middlewareStack } of [lambda, logClient]) {
    middlewareStack.add(dress as never, { step: 'build', priority: 'low', name: 'terraform' })
  }
  return { lambda, logs: logClient, iam: (form: Record<string, string>) => iam(endpoint, form) }
}

export type Terraform = ReturnType<typeof openTerraform>

/** One question of the query protocol. @returns the answer's text by its tags. */
async function iam(endpoint: string, form: Record<string, string>) {
  const { host, hostname } = new URL(endpoint)
  const body = new URLSearchParams({ ...form, Version: '2010-05-08' }).toString()
  const headers = {
    host,
    'user-agent': AGENT,
    'content-type': 'application/x-www-form-urlencoded',
    'amz-sdk-request': 'attempt=1; max=25',
  }
  const request = { method: 'POST', protocol: 'http:', hostname, path: '/', headers, body }
  const signed = await signerOf(KEYS, 'iam').sign(request)
  const answer = await fetch(endpoint, { method: 'POST', headers: signed.headers, body })
  const text = await answer.text()
  const tag = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1]
  return { status: answer.status, text, tag }
}

/** As the provider waits: it looks again until the state is the one that it wants. */
export async function waitFor<T>(look: () => Promise<T>, isThere: (found: T) => boolean) {
  const until = performance.now() + WAIT_MS
  for (;;) {
    const found = await look()
    if (isThere(found)) return found
    if (performance.now() > until) throw new Error(`it stayed ${JSON.stringify(found)}`)
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

export const isMissing = (error: Error) => error.name === 'ResourceNotFoundException'

/** Until there is no such thing any more. */
export async function waitGone(look: () => Promise<unknown>): Promise<void> {
  const found = () =>
    look().then(
      () => true,
      (error: Error) => {
        if (isMissing(error)) return false
        throw error
      },
    )
  await waitFor(found, (isThere) => !isThere)
}

/** aws_lambda_function: GetFunction, ListVersionsByFunction, GetFunctionCodeSigningConfig. */
export async function readFunction({ lambda }: Terraform, FunctionName: string): Promise<State> {
  const { Configuration: found = {}, ...rest } = await lambda.send(
    new aws.GetFunctionCommand({ FunctionName }),
  )
  const versions = { FunctionName, MaxItems: VERSIONS_MAX }
  const { Versions = [] } = await lambda.send(new aws.ListVersionsByFunctionCommand(versions))
  const signing = await lambda.send(new aws.GetFunctionCodeSigningConfigCommand({ FunctionName }))
  const newest = Versions.at(-1)
  return {
    architectures: found.Architectures,
    arn: found.FunctionArn,
    code_sha256: found.CodeSha256,
    code_signing_config_arn: signing.CodeSigningConfigArn ?? '',
    dead_letter_config: found.DeadLetterConfig?.TargetArn ?? '',
    description: found.Description,
    environment: found.Environment?.Variables,
    ephemeral_storage: found.EphemeralStorage?.Size,
    file_system_config: found.FileSystemConfigs ?? [],
    handler: found.Handler,
    image_config: found.ImageConfigResponse,
    kms_key_arn: found.KMSKeyArn ?? '',
    last_modified: found.LastModified,
    layers: (found.Layers ?? []).map(({ Arn }) => Arn),
    logging_config: found.LoggingConfig,
    memory_size: found.MemorySize,
    package_type: found.PackageType,
    qualified_arn: newest?.FunctionArn,
    reserved_concurrent_executions: rest.Concurrency?.ReservedConcurrentExecutions ?? -1,
    role: found.Role,
    runtime: found.Runtime,
    snap_start: found.SnapStart?.ApplyOn,
    source_code_size: found.CodeSize,
    tags: rest.Tags ?? {},
    timeout: found.Timeout,
    tracing_config: found.TracingConfig?.Mode ?? 'PassThrough',
    version: newest?.Version,
    vpc_config: found.VpcConfig?.VpcId ?? '',
  }
}

interface Statement {
  Sid: string
  Action: string
  Resource: string
  Principal: string | Record<string, string>
  Condition?: Record<string, Record<string, string>>
}

/** aws_lambda_permission: GetPolicy, in which it looks for its statement. */
export async function readPermission(
  { lambda }: Terraform,
  at: { FunctionName: string; Qualifier?: string },
  id: string,
): Promise<State> {
  const { Policy = '' } = await lambda.send(new aws.GetPolicyCommand(at))
  const found = (JSON.parse(Policy).Statement as Statement[]).find(({ Sid }) => Sid === id)
  if (!found) throw Object.assign(new Error(id), { name: 'ResourceNotFoundException' })
  const { Principal, Condition = {} } = found
  return {
    action: found.Action,
    principal: typeof Principal === 'string' ? Principal : (Principal.AWS ?? Principal.Service),
    source_account: Condition.StringEquals?.['AWS:SourceAccount'],
    source_arn: Condition.ArnLike?.['AWS:SourceArn'],
    function_url_auth_type: Condition.StringEquals?.['lambda:FunctionUrlAuthType'],
    invoked_via_function_url: Condition.Bool?.['lambda:InvokedViaFunctionUrl'] === 'true',
    function_name: /:function:([^:]+)/.exec(found.Resource)?.[1],
    qualifier: /:function:[^:]+:(.+)$/.exec(found.Resource)?.[1],
  }
}

/** aws_cloudwatch_log_group: DescribeLogGroups by prefix, ListTagsForResource. */
export async function readLogGroup({ logs: client }: Terraform, name: string): Promise<State> {
  const { logGroups = [] } = await client.send(
    new logs.DescribeLogGroupsCommand({ logGroupNamePrefix: name }),
  )
  const found = logGroups.find(({ logGroupName }) => logGroupName === name)
  if (!found) throw Object.assign(new Error(name), { name: 'ResourceNotFoundException' })
  const resourceArn = found.arn?.replace(/:\*$/, '')
  const { tags } = await client.send(new logs.ListTagsForResourceCommand({ resourceArn }))
  return {
    arn: resourceArn,
    kms_key_id: found.kmsKeyId ?? '',
    log_group_class: found.logGroupClass,
    retention_in_days: found.retentionInDays ?? 0,
    tags,
  }
}

/** What is read twice must be the same, or each plan would want to change it. */
export async function settled(read: () => Promise<State>): Promise<State> {
  const first = await read()
  expect(await read()).toEqual(first)
  return first
}
