// Tenant isolation through the AWS SDK: what is asked is shown, who must name a tenant does,
// nothing of one tenant is ever seen by another, and each way to invoke keeps the tenant to the
// end.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import {
  CreateEventSourceMappingCommand,
  CreateFunctionCommand,
  CreateFunctionUrlConfigCommand,
  GetFunctionCommand,
  GetFunctionConfigurationCommand,
  InvokeAsyncCommand,
  InvokeCommand,
  type InvokeCommandInput,
  InvokeWithResponseStreamCommand,
  ListFunctionsCommand,
  PublishVersionCommand,
  PutFunctionEventInvokeConfigCommand,
  PutProvisionedConcurrencyConfigCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda'
import { connectBus } from '@hearth/bus/connect'
import { createStreams } from '@hearth/bus/streams'
import type { InvocationRecord } from '@hearth/core/invocation'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type Hearth, KEYS, MAIN, NODE, ROLE, startHearth, zip } from './hearth.ts'
import { readLedger } from './ledger-records.ts'
import { openLogTests } from './log-tests.ts'

let hearth: Hearth
let logs: ReturnType<typeof openLogTests>
const arnOf = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`
const TenancyConfig = { TenantIsolationMode: 'PER_TENANT' } as const
const LoggingConfig = { LogFormat: 'JSON' } as const
/** One with every kind of character that a tenant's name may have. */
const TENANTS = ['blue', 'green', 'a b._:/=+-@9']

/** Remembers in memory and in /tmp who was here, and tells. */
const REMEMBERS = `
  import { appendFileSync, readFileSync } from 'node:fs'
  const memory = []
  export const handler = async (event, context) => {
    const mark = event?.mark ?? event?.requestPayload?.mark
    memory.push([context.tenantId, mark])
    appendFileSync('/tmp/tenants', context.tenantId + '\\n')
    console.log('ran ' + mark)
    if (event?.waitMs) await new Promise((resolve) => setTimeout(resolve, event.waitMs))
    if (event?.fails) throw new Error('as asked')
    const tmp = readFileSync('/tmp/tenants', 'utf8').trim().split('\\n')
    return { tenant: context.tenantId, memory, tmp }
  }`
const STREAMS = `
  let first
  export const handler = awslambda.streamifyResponse(async (event, stream, context) => {
    first ??= context.tenantId
    stream.write('first for ' + first)
    stream.end(', now for ' + context.tenantId)
  })`
const PYTHON = `
import logging
def handler(event, context):
    logging.getLogger().warning("in a log")
    return context.tenant_id`

beforeAll(async () => {
  hearth = await startHearth({ env: { HEARTH_RETRY_SECONDS: '1,1' } })
  logs = openLogTests(hearth.endpoint)
  const remembers = { 'index.mjs': REMEMBERS }
  const small = { MemorySize: 128, TenancyConfig }
  await Promise.all([
    hearth.create({ FunctionName: 'apart', files: remembers, LoggingConfig, ...small }),
    hearth.create({ FunctionName: 'told', files: remembers, ...small }),
    hearth.create({ FunctionName: 'streams', files: { 'index.mjs': STREAMS }, ...small }),
    hearth.create({ FunctionName: 'shared', files: remembers }),
    hearth.create({
      ...{ FunctionName: 'python', Runtime: 'python3.13', Handler: 'index.handler' },
      ...{ files: { 'index.py': PYTHON }, LoggingConfig, ...small },
    }),
  ])
})
afterAll(() => hearth?.stop())

const ask = (TenantId: string | undefined, event: object = {}, more: object = {}) =>
  hearth.invoke('apart', event, { TenantId, ...more })
const send = (TenantId: string, event: object) =>
  hearth.lambda.send(
    new InvokeCommand({
      ...{ FunctionName: 'apart', InvocationType: 'Event', TenantId },
      Payload: JSON.stringify(event),
    }),
  )

describe('a function that keeps its tenants apart', () => {
  test('says so wherever it is shown, and always', async () => {
    const of = { FunctionName: 'told' }
    await hearth.lambda.send(new UpdateFunctionConfigurationCommand({ ...of, Description: 'new' }))
    await waitUntilFunctionUpdatedV2({ client: hearth.lambda, maxWaitTime: 60, minDelay: 1 }, of)
    const shown = await hearth.lambda.send(new GetFunctionConfigurationCommand(of))
    expect(shown).toMatchObject({ TenancyConfig, Description: 'new' })
    const { Configuration } = await hearth.lambda.send(new GetFunctionCommand(of))
    expect(Configuration?.TenancyConfig).toEqual(TenancyConfig)
    const published = await hearth.lambda.send(new PublishVersionCommand(of))
    expect(published.TenancyConfig).toEqual(TenancyConfig)
    const { Functions = [] } = await hearth.lambda.send(new ListFunctionsCommand({}))
    const listed = Functions.map((one) => [one.FunctionName, one.TenancyConfig])
    expect(listed).toContainEqual(['told', TenancyConfig])
    expect(listed).toContainEqual(['shared', undefined])
  })

  const unsupported = (feature: string) =>
    `Tenant isolation mode is not supported with functions that use ${feature}.`
  const SnapStart = { ApplyOn: 'PublishedVersions' } as const
  const fresh = { FunctionName: 'fresh', Role: ROLE, Runtime: 'nodejs24.x' as const }
  const code = { Handler: 'index.handler', Code: { ZipFile: zip({ 'index.mjs': REMEMBERS }) } }
  test.each<[string, () => Promise<unknown>]>([
    [
      'function URLs',
      () =>
        hearth.lambda.send(
          new CreateFunctionUrlConfigCommand({ FunctionName: 'told', AuthType: 'NONE' }),
        ),
    ],
    [
      'provisioned concurrency',
      () =>
        hearth.lambda.send(
          new PutProvisionedConcurrencyConfigCommand({
            ...{ FunctionName: 'told', Qualifier: '1', ProvisionedConcurrentExecutions: 1 },
          }),
        ),
    ],
    [
      'SnapStart',
      () =>
        hearth.lambda.send(
          new CreateFunctionCommand({ ...fresh, ...code, TenancyConfig, SnapStart }),
        ),
    ],
    [
      'SnapStart',
      () =>
        hearth.lambda.send(
          new UpdateFunctionConfigurationCommand({ FunctionName: 'told', SnapStart }),
        ),
    ],
    [
      'event source mappings',
      () =>
        hearth.lambda.send(
          new CreateEventSourceMappingCommand({
            FunctionName: 'told',
            EventSourceArn: 'arn:aws-hearth:jetstream:us-east-1:000000000000:CLICKS',
          }),
        ),
    ],
  ])('has no %s', async (feature, work) => {
    await expect(work()).rejects.toMatchObject({
      name: 'InvalidParameterValueException',
      message: unsupported(feature),
    })
  })
})

describe('a tenant', () => {
  const missing =
    'The invoked function is enabled with tenancy configuration. ' +
    'Add a valid tenant ID in your request and try again.'
  const needless =
    'The invoked function is not enabled with tenancy configuration. ' +
    'Remove the tenant ID from your request and try again.'
  test.each(['RequestResponse', 'Event', 'DryRun'] as const)(
    'is named by whoever has to, and by nobody else (%s)',
    async (InvocationType) => {
      const by = (input: Partial<InvokeCommandInput>) =>
        hearth.lambda.send(
          new InvokeCommand({ FunctionName: 'apart', InvocationType, Payload: '{}', ...input }),
        )
      const refused = { name: 'InvalidParameterValueException', $metadata: { httpStatusCode: 400 } }
      await expect(by({})).rejects.toMatchObject({ ...refused, message: missing })
      const other = by({ FunctionName: 'shared', TenantId: 'blue' })
      await expect(other).rejects.toMatchObject({ ...refused, message: needless })
      const right = await by({ TenantId: 'asked' })
      expect(right.StatusCode).toBe(
        { RequestResponse: 200, Event: 202, DryRun: 204 }[InvocationType],
      )
    },
  )

  test('cannot be named by InvokeAsync, so that is refused, too', async () => {
    const old = new InvokeAsyncCommand({ FunctionName: 'apart', InvokeArgs: Buffer.from('{}') })
    await expect(hearth.lambda.send(old)).rejects.toMatchObject({ message: missing })
  })

  test.each(['a,b', 'a|b', 'a'.repeat(257)])('has a name as AWS takes it: not %s', async (name) => {
    await expect(ask(name)).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining("at 'tenantId' failed to satisfy constraint"),
    })
  })

  test('never sees what another left, in memory or in /tmp', async () => {
    let again = 0
    for (let round = 0; round < 12; round += 1) {
      // Two at a time of each, so that there are environments to be mixed up.
      const answers = await Promise.all(
        [...TENANTS, ...TENANTS].map((tenant) => ask(tenant, { mark: round, waitMs: 5 })),
      )
      for (const [at, { json }] of answers.entries()) {
        const tenant = TENANTS[at % TENANTS.length]
        expect(json.tenant).toBe(tenant)
        expect(new Set(json.memory.map(([whose]: [string]) => whose))).toEqual(new Set([tenant]))
        expect(new Set(json.tmp)).toEqual(new Set([tenant]))
        if (json.memory.length > 1) again += 1
      }
    }
    // Not by starting anew each time.
    expect(again).toBeGreaterThan(40)
  })

  test('is kept by a stream', async () => {
    const read = async (TenantId: string) => {
      const { EventStream = [] } = await hearth.lambda.send(
        new InvokeWithResponseStreamCommand({ FunctionName: 'streams', TenantId }),
      )
      let text = ''
      for await (const { PayloadChunk } of EventStream) {
        text += Buffer.from(PayloadChunk?.Payload ?? []).toString()
      }
      return text
    }
    for (const tenant of ['blue', 'green', 'blue', 'green']) {
      expect(await read(tenant)).toBe(`first for ${tenant}, now for ${tenant}`)
    }
    const none = new InvokeWithResponseStreamCommand({ FunctionName: 'streams' })
    await expect(hearth.lambda.send(none)).rejects.toMatchObject({ message: missing })
  })

  test('is kept by an event: in its retries, as a dead letter, and to its destination', async () => {
    const marksOf = async (name: string, TenantId: string) => {
      const { json } = await hearth.invoke(name, {}, { TenantId })
      return json.memory.flatMap(([, mark]: [string, string?]) => mark ?? [])
    }
    const OnSuccess = { Destination: arnOf('told') }
    await hearth.lambda.send(
      new PutFunctionEventInvokeConfigCommand({
        ...{ FunctionName: 'apart', DestinationConfig: { OnSuccess } },
      }),
    )
    await send('event blue', { mark: 'sent' })
    await send('event red', { mark: 'failed', fails: true })
    await eventually('the destination is told', async () => {
      const lines = await logs.filter({ logGroupName: '/aws/lambda/told' }).catch(() => [])
      return lines.some((line) => line?.includes('ran sent'))
    })
    expect(await marksOf('told', 'event blue')).toEqual(['sent'])
    expect(await marksOf('told', 'event red')).toEqual([])
    expect(await marksOf('apart', 'event blue')).toEqual(['sent'])
    await eventually('it is given up', async () => {
      const { letters } = await hearth.native<{ letters: object[] }>(
        '/hearth/dead-letters?function=apart&from=0',
      )
      return letters.some((one) => 'tenantId' in one && one.tenantId === 'event red')
    })
    expect(await marksOf('apart', 'event red')).toEqual(['failed', 'failed', 'failed'])
  })

  test('is told by JSON logs, and by no others', async () => {
    const recordsOf = async (name: string) => {
      const { log } = await hearth.invoke(name, {}, { TenantId: 'logged', LogType: 'Tail' })
      return log
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    }
    const inRecord = { record: { tenantId: 'logged' } }
    const [start, line, report] = await recordsOf('apart')
    expect([start, report]).toMatchObject([
      { type: 'platform.start', ...inRecord },
      { type: 'platform.report', ...inRecord },
    ])
    expect(line).toMatchObject({ message: 'ran undefined', tenantId: 'logged' })
    const lines = await recordsOf('python')
    const own = lines.find((one) => one.message === 'in a log')
    expect(own).toMatchObject({ level: 'WARNING', tenantId: 'logged' })
    expect(Object.keys(own)).not.toContain('tenant_id')
    const text = await hearth.invoke('told', {}, { TenantId: 'logged', LogType: 'Tail' })
    expect(text.log).toContain('REPORT RequestId:')
    expect(text.log).not.toContain('logged')
  })

  test('may be named by `hearth invoke`', async () => {
    const env = {
      PATH: process.env.PATH,
      AWS_ENDPOINT_URL_LAMBDA: hearth.endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    }
    const words = [MAIN, 'invoke', 'python', '--tenant-id', 'by hand']
    const { stdout } = await promisify(execFile)(NODE, words, { env })
    expect(JSON.parse(stdout)).toBe('by hand')
  })
})

test('the ledger knows whose each attempt was', async () => {
  const bus = await connectBus({ url: hearth.nats.url, monitorUrl: hearth.nats.monitorUrl })
  try {
    const asked = await ask('in the ledger')
    const plain = await hearth.invoke('shared')
    const streams = await createStreams(bus)
    let records: InvocationRecord[] = []
    await eventually('the records are shipped', async () => {
      records = await readLedger(streams)
      const ids = records.map(({ requestId }) => requestId)
      return ids.includes(asked.requestId) && ids.includes(plain.requestId)
    })
    const of = ({ requestId }: { requestId: string }) =>
      records.find((record) => record.requestId === requestId)
    expect(of(asked)?.tenantId).toBe('in the ledger')
    expect(of(plain)).not.toHaveProperty('tenantId')
    const red = records.filter(({ tenantId }) => tenantId === 'event red')
    expect(red.map(({ attempt }) => attempt)).toEqual(expect.arrayContaining([1, 2, 3]))
    const named = records.filter(({ functionName }) => functionName !== 'shared')
    expect(named.filter(({ tenantId }) => tenantId === undefined)).toEqual([])
  } finally {
    await bus.close()
  }
})
