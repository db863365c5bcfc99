// Provisioned concurrency by schedule, with the unmodified AWS CLI against a whole Hearth: targets
// and actions as Application Auto Scaling describes them, and environments that come and go at the
// time that was said, also when nobody was there at that time.

import { execFile } from 'node:child_process'
import { Sha256 } from '@aws-crypto/sha256-js'
import {
  GetProvisionedConcurrencyConfigCommand,
  PublishVersionCommand,
  waitUntilPublishedVersionActive,
} from '@aws-sdk/client-lambda'
import { SignatureV4 } from '@smithy/signature-v4'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, type Hearth, KEYS, startHearth } from './hearth.ts'
import { freePort } from './servers.ts'

const RESOURCE = 'function:f:1'
const TARGET = {
  ServiceNamespace: 'lambda',
  ResourceId: RESOURCE,
  ScalableDimension: 'lambda:function:ProvisionedConcurrency',
}
let hearth: Hearth

beforeAll(async () => {
  hearth = await startHearth({ env: { HEARTH_STEMS_MAX: '0' } })
  const files = {
    'index.mjs': 'export const handler = async () => process.env.AWS_LAMBDA_INITIALIZATION_TYPE',
  }
  await hearth.create({ FunctionName: 'f', files })
  const client = hearth.lambda
  await client.send(new PublishVersionCommand({ FunctionName: 'f' }))
  await waitUntilPublishedVersionActive(
    { client, maxWaitTime: 20, minDelay: 1, maxDelay: 1 },
    { FunctionName: 'f', Qualifier: '1' },
  )
})
afterAll(() => hearth?.stop())

/** Runs one command of the AWS CLI. @returns its answer, or what it says of the refusal. */
function scaling(operation: string, input: object, endpoint = hearth.endpoint) {
  const body = ['--cli-input-json', JSON.stringify(input)]
  const where = ['--endpoint-url', endpoint, '--region', 'us-east-1', '--no-paginate']
  const env = {
    PATH: '/usr/bin:/bin',
    AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    AWS_PAGER: '',
  }
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  return new Promise<any>((resolve) => {
    const command = ['application-autoscaling', operation, ...body, ...where]
    execFile('/usr/bin/aws', command, { env }, (error, out, problem) =>
      resolve(error ? problem.trim() : JSON.parse(out || '{}')),
    )
  })
}

const signer = new SignatureV4({
  credentials: KEYS,
  region: 'us-east-1',
  service: 'application-autoscaling',
  sha256: Sha256,
})

/** One request as newer clients send it: Debian's CLI does not know tags of targets. */
async function send(operation: string, input: object) {
  const { host, hostname } = new URL(hearth.endpoint)
  const target = `AnyScaleFrontendService.${operation}`
  const request = {
    method: 'POST',
    protocol: 'http:',
    hostname,
    path: '/',
    headers: { host, 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target },
    body: JSON.stringify(input),
  }
  const { headers } = await signer.sign(request)
  const answer = await fetch(hearth.endpoint, { ...request, headers })
  return (await answer.json()) as Record<string, unknown>
}

const action = (name: string, schedule: string, capacity: number) => ({
  ...TARGET,
  ScheduledActionName: name,
  Schedule: schedule,
  ScalableTargetAction: { MinCapacity: capacity, MaxCapacity: capacity },
})
/** By a signed request, since the CLI may take so long to start that the time is over. */
const put = (...wish: Parameters<typeof action>) => send('PutScheduledAction', action(...wish))

const atIn = (seconds: number) =>
  `at(${new Date(Date.now() + seconds * 1000).toISOString().slice(0, 19)})`

/** How many are asked for and there, once they are there. */
async function isReady(count: number): Promise<boolean> {
  const asked = new GetProvisionedConcurrencyConfigCommand({ FunctionName: 'f', Qualifier: '1' })
  const found = await hearth.lambda.send(asked).catch(() => undefined)
  if (count === 0) return found === undefined
  const { RequestedProvisionedConcurrentExecutions: requested, Status } = found ?? {}
  return requested === count && Status === 'READY'
}

test('a target is registered, described and tagged in AWS’s members, and sets the range', async () => {
  const range = { MinCapacity: 0, MaxCapacity: 5 }
  const Tags = { team: 'a', stage: 'b' }
  const { ScalableTargetARN } = await send('RegisterScalableTarget', { ...TARGET, ...range, Tags })
  expect(ScalableTargetARN).toMatch(
    /^arn:aws:application-autoscaling:us-east-1:000000000000:scalable-target\/[0-9a-f]+$/,
  )
  const lambda = { ServiceNamespace: 'lambda' }
  expect(await send('DescribeScalableTargets', lambda)).toEqual({
    ScalableTargets: [
      {
        ...TARGET,
        ...range,
        RoleARN: expect.stringContaining(':role/aws-service-role/lambda.application-autoscaling.'),
        CreationTime: expect.any(Number),
        SuspendedState: {
          DynamicScalingInSuspended: false,
          DynamicScalingOutSuspended: false,
          ScheduledScalingSuspended: false,
        },
        ScalableTargetARN,
      },
    ],
  })
  const ResourceARN = ScalableTargetARN
  await send('TagResource', { ResourceARN, Tags: { stage: 'c' } })
  await send('UntagResource', { ResourceARN, TagKeys: ['team'] })
  expect(await send('ListTagsForResource', { ResourceARN })).toEqual({ Tags: { stage: 'c' } })
  const seen = await scaling('describe-scalable-targets', { ...lambda, ResourceIds: [RESOURCE] })
  expect(seen.ScalableTargets).toMatchObject([{ ...TARGET, ...range }])
  expect(await scaling('describe-scalable-targets', { ServiceNamespace: 'ecs' })).toEqual({
    ScalableTargets: [],
  })
  expect(await isReady(0)).toBe(true)
  await scaling('register-scalable-target', { ...TARGET, MinCapacity: 1 })
  await eventually('one is provisioned', () => isReady(1))
})

test('an action happens at its time, and is described', async () => {
  const schedule = atIn(3)
  expect(await put('soon', schedule, 2)).toEqual({})
  const { ScheduledActions } = await scaling('describe-scheduled-actions', {
    ServiceNamespace: 'lambda',
    ResourceId: RESOURCE,
  })
  expect(ScheduledActions).toEqual([
    {
      ...TARGET,
      ScheduledActionName: 'soon',
      ScheduledActionARN: expect.stringMatching(
        /^arn:aws:autoscaling:us-east-1:000000000000:scheduledAction:[0-9a-f-]{36}:resource\/lambda\/function:f:1:scheduledActionName\/soon$/,
      ),
      Schedule: schedule,
      ScalableTargetAction: { MinCapacity: 2, MaxCapacity: 2 },
      CreationTime: expect.stringMatching(/^20\d\d-/),
    },
  ])
  await eventually('two are there', () => isReady(2))
  const answer = await hearth.invoke('f', {}, { Qualifier: '1' })
  expect(answer.json).toBe('provisioned-concurrency')
})

test('an action whose time passed while nobody was there is made up for', async () => {
  await put('missed', atIn(3), 3)
  await hearth.main.kill()
  await new Promise((resolve) => setTimeout(resolve, 4_000))
  hearth.main = await hearth.serve()
  await eventually('three are there', () => isReady(3))
})

test('with two gateways each minute’s action happens, in a time zone, by one of them', async () => {
  const port = await freePort()
  const second = await hearth.serve('gateway', { HEARTH_PORT: String(port) })
  await scaling('put-scheduled-action', {
    ...action('each', 'cron(* * * * ? *)', 1),
    Timezone: 'Europe/Berlin',
  })
  await eventually('one is left', () => isReady(1), 75_000)
  const seen = await scaling(
    'describe-scheduled-actions',
    { ServiceNamespace: 'lambda', ScheduledActionNames: ['each'] },
    `http://127.0.0.1:${port}`,
  )
  expect(seen.ScheduledActions).toMatchObject([{ Timezone: 'Europe/Berlin' }])
  expect(second.output()).not.toContain('could not scale')
  await second.stop()
})

test('what cannot be is refused in AWS’s words, and nothing is stored', async () => {
  const register = (changes: object) =>
    scaling('register-scalable-target', { ...TARGET, MinCapacity: 1, MaxCapacity: 2, ...changes })
  const unsupported = /ValidationException.*Unsupported service namespace/
  expect(await register({ ResourceId: 'function:f:$LATEST' })).toMatch(unsupported)
  expect(await register({ ResourceId: 'table/f' })).toMatch(unsupported)
  expect(await register({ ServiceNamespace: 'ecs' })).toMatch(unsupported)
  expect(await register({ ResourceId: 'function:f:9' })).toMatch(/ValidationException.*version 9/)
  expect(await register({ ResourceId: 'function:g:1' })).toMatch(/ValidationException.*function g/)
  expect(await register({ MinCapacity: 3 })).toMatch(/ValidationException.*greater than maximum/)
  const bad = action('bad', 'cron(0 8 * * MON *)', 1)
  expect(await scaling('put-scheduled-action', bad)).toMatch(/ValidationException.*must be \?/)
  const elsewhere = { ...TARGET, ResourceId: 'function:f:2', ScheduledActionName: 'soon' }
  const missing = /ObjectNotFoundException.*No scalable target registered for service namespace/
  expect(await scaling('delete-scheduled-action', elsewhere)).toMatch(missing)
  const policy = { ...TARGET, PolicyName: 'p', PolicyType: 'TargetTrackingScaling' }
  const target = { PredefinedMetricType: 'LambdaProvisionedConcurrencyUtilization' }
  expect(
    await scaling('put-scaling-policy', {
      ...policy,
      TargetTrackingScalingPolicyConfiguration: {
        TargetValue: 0.7,
        PredefinedMetricSpecification: target,
      },
    }),
  ).toContain('Hearth does not have PutScalingPolicy yet')
  const { ScheduledActions } = await scaling('describe-scheduled-actions', {
    ServiceNamespace: 'lambda',
  })
  expect(
    ScheduledActions.map((one: { ScheduledActionName: string }) => one.ScheduledActionName),
  ).toEqual(['soon', 'missed', 'each'])
})

test('what is deleted happens no more, and provisioned concurrency stays as it is', async () => {
  const named = { ...TARGET, ScheduledActionName: 'each' }
  expect(await scaling('delete-scheduled-action', named)).toEqual({})
  expect(await scaling('delete-scheduled-action', named)).toMatch(/ObjectNotFoundException/)
  expect(await scaling('deregister-scalable-target', TARGET)).toEqual({})
  expect(await scaling('deregister-scalable-target', TARGET)).toMatch(/ObjectNotFoundException/)
  const none = await scaling('describe-scheduled-actions', { ServiceNamespace: 'lambda' })
  expect(none).toEqual({ ScheduledActions: [] })
  expect(await isReady(1)).toBe(true)
})
