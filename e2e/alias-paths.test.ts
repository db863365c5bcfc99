// Aliases by every path that is not a plain invocation: events, function URLs and event source
// mappings share a weighted alias out to the letter, follow it when it moves, and obey when it, or
// its function, is deleted or turned off.

import {
  CreateAliasCommand,
  CreateEventSourceMappingCommand,
  DeleteAliasCommand,
  DeleteFunctionConcurrencyCommand,
  DeleteFunctionUrlConfigCommand,
  GetFunctionUrlConfigCommand,
  InvokeCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda'
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type Hearth, http, KEYS, publicUrl, startHearth, zip } from './hearth.ts'
import { hostAddress, type Listener, startListener } from './listener.ts'
import { startMoto } from './neighbours.ts'
import type { Server } from './servers.ts'

const ACCOUNT = '123456789012'
const FunctionName = 'f'
const ARN = `arn:aws:lambda:us-east-1:${ACCOUNT}:function:f`
const ROUNDS = 20
const QUARTER = { RoutingConfig: { AdditionalVersionWeights: { 2: 0.25 } } }
const FORBIDDEN =
  '{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: ' +
  'https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}'

/** Tells which version had which event, and as what it was addressed. */
const code = (mark: string) => `
  // ${mark}
  export const handler = async (event, { functionVersion, invokedFunctionArn }) => {
    const id = event.Records?.[0]?.body ?? event.id ?? 'url'
    const said = [id, functionVersion, invokedFunctionArn].join(' ')
    await fetch(process.env.LISTENER + '/' + encodeURIComponent(said))
    return functionVersion
  }`

let moto: Server
let hearth: Hearth
let listener: Listener
let sqs: SQSClient

beforeAll(async () => {
  listener = await startListener()
  moto = await startMoto()
  hearth = await startHearth({
    env: {
      HEARTH_ACCOUNT: ACCOUNT,
      HEARTH_SANDBOX_ALLOW: hostAddress(),
      HEARTH_STEMS_MAX: '0',
      AWS_ENDPOINT_URL: moto.url,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    },
  })
  sqs = new SQSClient({ endpoint: moto.url, region: 'us-east-1', credentials: KEYS })
  const Environment = { Variables: { LISTENER: listener.url } }
  const files = { 'index.mjs': code('one') }
  await hearth.create({ FunctionName, MemorySize: 256, files, Environment })
  await hearth.lambda.send(new PublishVersionCommand({ FunctionName }))
  await hearth.lambda.send(
    new UpdateFunctionCodeCommand({ FunctionName, ZipFile: zip({ 'index.mjs': code('two') }) }),
  )
  await waitUntilFunctionUpdatedV2({ client: hearth.lambda, maxWaitTime: 60 }, { FunctionName })
  await hearth.lambda.send(new PublishVersionCommand({ FunctionName }))
  for (const Qualifier of ['1', '2']) {
    await eventually(
      `version ${Qualifier} runs`,
      async () => {
        const ran = await hearth.invoke(FunctionName, { id: 'warm' }, { Qualifier }).catch(() => {})
        return ran?.version === Qualifier
      },
      30_000,
    )
  }
})
afterAll(async () => {
  await hearth?.stop()
  await moto?.stop()
  await listener?.close()
})

const alias = (Name: string, more: object = QUARTER) =>
  hearth.lambda.send(new CreateAliasCommand({ FunctionName, Name, FunctionVersion: '1', ...more }))
const forget = (Name: string) => hearth.lambda.send(new DeleteAliasCommand({ FunctionName, Name }))
const send = (Qualifier: string, id: string) =>
  hearth.lambda.send(
    new InvokeCommand({
      ...{ FunctionName, Qualifier, InvocationType: 'Event', Payload: JSON.stringify({ id }) },
    }),
  )

interface Run {
  id: string
  version: string
  arn: string
}
const runsOf = (prefix: string): Run[] =>
  listener.heard
    .map((what) => what.split(' '))
    .filter(([id]) => id?.startsWith(prefix))
    .map(([id = '', version = '', arn = '']) => ({ id, version, arn }))

/** How many each version had, once as many as were sent have run. */
async function shares(prefix: string, count = ROUNDS) {
  await eventually('all of them run', () => runsOf(prefix).length >= count, 60_000)
  const counts: Record<string, number> = {}
  for (const { version } of runsOf(prefix)) counts[version] = (counts[version] ?? 0) + 1
  return counts
}

async function queue(QueueName: string) {
  const { QueueUrl } = await sqs.send(
    new CreateQueueCommand({ QueueName, Attributes: { VisibilityTimeout: '10' } }),
  )
  const asked = { QueueUrl, AttributeNames: ['All' as const] }
  const attributes = async () =>
    (await sqs.send(new GetQueueAttributesCommand(asked))).Attributes ?? {}
  return {
    arn: (await attributes()).QueueArn ?? '',
    send: (MessageBody: string) => sqs.send(new SendMessageCommand({ QueueUrl, MessageBody })),
    async left() {
      const counts = await attributes()
      const waiting = Number(counts.ApproximateNumberOfMessages)
      return waiting + Number(counts.ApproximateNumberOfMessagesNotVisible)
    },
  }
}

const map = (name: string, EventSourceArn: string) =>
  hearth.lambda.send(
    new CreateEventSourceMappingCommand({ FunctionName: name, EventSourceArn, BatchSize: 1 }),
  )

describe('a weighted alias is shared out to the letter', () => {
  test('among events', async () => {
    await alias('events')
    for (let round = 0; round < ROUNDS; round += 1) await send('events', `event-${round}`)
    expect(await shares('event-')).toEqual({ 1: 15, 2: 5 })
    expect(new Set(runsOf('event-').map(({ arn }) => arn))).toEqual(new Set([`${ARN}:events`]))
  })

  test('among requests to its function URL', async () => {
    await alias('urls')
    const { host } = await publicUrl(hearth.lambda, FunctionName, { Qualifier: 'urls' })
    const counts: Record<string, number> = {}
    for (let round = 0; round < ROUNDS; round += 1) {
      const answer = await http(hearth.endpoint, { headers: { host } })
      const version = answer.body.toString()
      counts[version] = (counts[version] ?? 0) + 1
    }
    expect(counts).toEqual({ 1: 15, 2: 5 })
  })

  test('among batches of an event source mapping, which follows when it moves', async () => {
    await alias('mapped')
    const source = await queue('mapped')
    const mapping = await map(`${ARN}:mapped`, source.arn)
    expect(mapping.FunctionArn).toBe(`${ARN}:mapped`)
    for (let round = 0; round < ROUNDS; round += 1) await source.send(`mapped-${round}`)
    expect(await shares('mapped-')).toEqual({ 1: 15, 2: 5 })
    expect(new Set(runsOf('mapped-').map(({ arn }) => arn))).toEqual(new Set([`${ARN}:mapped`]))
    const moved = { FunctionName, Name: 'mapped', FunctionVersion: '2', RoutingConfig: {} }
    await hearth.lambda.send(new UpdateAliasCommand(moved))
    await source.send('moved')
    expect(await shares('moved', 1)).toEqual({ 2: 1 })
  })
})

test('a mapping tells its function as it was given', async () => {
  await alias('forms', {})
  const given: [form: string, told: string][] = [
    ['f', ARN],
    [ARN, ARN],
    ['f:forms', `${ARN}:forms`],
    [`${ACCOUNT}:function:f:forms`, `${ARN}:forms`],
    [`${ARN}:1`, `${ARN}:1`],
    [`${ARN}:$LATEST`, `${ARN}:$LATEST`],
  ]
  for (const [at, [form, told]] of given.entries()) {
    const source = await queue(`forms-${at}`)
    const mapping = await map(form, source.arn)
    expect([form, mapping.FunctionArn]).toEqual([form, told])
  }
  const nowhere = await queue('forms-none')
  await expect(map('f:no-alias', nowhere.arn)).rejects.toMatchObject({
    name: 'InvalidParameterValueException',
    message: 'Function does not exist',
  })
})

describe('an alias that is deleted', () => {
  test('takes its events with it to the dead letters', async () => {
    await alias('doomed', {})
    await hearth.lambda.send(
      new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }),
    )
    await send('doomed', 'doomed')
    await forget('doomed')
    await hearth.lambda.send(new DeleteFunctionConcurrencyCommand({ FunctionName }))
    await expect(send('doomed', 'late')).rejects.toMatchObject({
      message: `Function not found: ${ARN}:doomed`,
    })
    const letters = () => hearth.native<{ letters: object[] }>('/hearth/dead-letters?function=f')
    await eventually('it is given up', async () => (await letters()).letters.length > 0, 60_000)
    expect((await letters()).letters).toEqual([
      expect.objectContaining({
        ...{ qualifier: 'doomed', attempts: 1, payload: '{"id":"doomed"}' },
        reason: `ResourceNotFoundException: Function not found: ${ARN}:doomed`,
      }),
    ])
    expect(runsOf('doomed')).toEqual([])
  })

  test('keeps its URL, forbidden to everybody, until that is deleted, too', async () => {
    await alias('gate', {})
    const { host } = await publicUrl(hearth.lambda, FunctionName, { Qualifier: 'gate' })
    const ask = async () => {
      const { status, headers, body } = await http(hearth.endpoint, { headers: { host } })
      return [status, headers['x-amzn-errortype'], body.toString()]
    }
    expect(await ask()).toEqual([200, undefined, '1'])
    await forget('gate')
    expect(await ask()).toEqual([403, 'AccessDeniedException', FORBIDDEN])
    const of = { FunctionName, Qualifier: 'gate' }
    const shown = await hearth.lambda.send(new GetFunctionUrlConfigCommand(of))
    expect(shown.FunctionUrl).toContain(host.split('.')[0])
    await hearth.lambda.send(new DeleteFunctionUrlConfigCommand(of))
    expect((await ask())[2]).toBe('{"Message":null}')
  })

  test('leaves what its mapping reads in the queue', async () => {
    await alias('absent', {})
    const source = await queue('absent')
    await map('f:absent', source.arn)
    await source.send('absent-1')
    expect(await shares('absent-1', 1)).toEqual({ 1: 1 })
    await forget('absent')
    await source.send('absent-2')
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    expect([runsOf('absent-2'), await source.left()]).toEqual([[], 1])
    await alias('absent', { FunctionVersion: '2' })
    expect(await shares('absent-2', 1)).toEqual({ 2: 1 })
    await eventually('it is deleted', async () => (await source.left()) === 0)
  })
})

test('reserved concurrency of 0 stops URLs and mappings, and loses nothing', async () => {
  await alias('off', {})
  const { host } = await publicUrl(hearth.lambda, FunctionName, { Qualifier: 'off' })
  const source = await queue('off')
  await map('f:off', source.arn)
  await hearth.lambda.send(
    new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }),
  )
  const answer = await http(hearth.endpoint, { headers: { host } })
  expect([answer.status, answer.headers['x-amzn-errortype'], answer.body.toString()]).toEqual([
    429,
    'TooManyRequestsException',
    '{"Message":"Rate Exceeded."}',
  ])
  await source.send('off-1')
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  expect([runsOf('off-1'), await source.left()]).toEqual([[], 1])
  await hearth.lambda.send(new DeleteFunctionConcurrencyCommand({ FunctionName }))
  expect(await shares('off-1', 1)).toEqual({ 1: 1 })
})
