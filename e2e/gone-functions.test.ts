// Whoever calls a function after it, or the alias that they call it by, was deleted: streams and
// queues keep their place until there is one again, events go to the dead letters, and function
// URLs that stream are forbidden before anything is streamed.

import { CreateStreamCommand, KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis'
import {
  CreateAliasCommand,
  CreateEventSourceMappingCommand,
  DeleteAliasCommand,
  DeleteFunctionCommand,
  DeleteFunctionConcurrencyCommand,
  GetEventSourceMappingCommand,
  InvokeCommand,
  InvokeWithResponseStreamCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
} from '@aws-sdk/client-lambda'
import { connectBus } from '@hearth/bus/connect'
import { createStreams } from '@hearth/bus/streams'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, type Hearth, http, KEYS, publicUrl, startHearth } from './hearth.ts'
import { hostAddress, type Listener, startListener } from './listener.ts'
import { startMoto } from './neighbours.ts'
import type { Server } from './servers.ts'

const ACCOUNT = '123456789012'
const ARN = `arn:aws:lambda:us-east-1:${ACCOUNT}:function`
const FORBIDDEN =
  '{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: ' +
  'https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}'
/** Long enough for a record to be tried, and for a refusal to be tried again. */
const WHILE_MS = 3_000

const READER = `
  export const handler = async ({ Records = [], records = [] }) => {
    for (const { kinesis, data } of [...Records, ...records]) {
      const said = Buffer.from(kinesis?.data ?? data, 'base64').toString()
      await fetch(process.env.LISTENER + '/' + encodeURIComponent(said))
    }
  }`
const STREAMER = `
  export const handler = awslambda.streamifyResponse(async (event, stream) => {
    stream.write('streamed')
    stream.end()
  })`

let moto: Server
let hearth: Hearth
let listener: Listener

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
})
afterAll(async () => {
  await hearth?.stop()
  await moto?.stop()
  await listener?.close()
})

const make = (FunctionName: string, code: string) =>
  hearth.create({
    FunctionName,
    files: { 'index.mjs': code },
    Environment: { Variables: { LISTENER: listener.url } },
  })
const alias = (FunctionName: string) =>
  hearth.lambda.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1' }))
const forget = (FunctionName: string) =>
  hearth.lambda.send(new DeleteAliasCommand({ FunctionName, Name: 'live' }))
const remove = (FunctionName: string) =>
  hearth.lambda.send(new DeleteFunctionCommand({ FunctionName }))
const map = (FunctionName: string, EventSourceArn: string) =>
  hearth.lambda.send(
    new CreateEventSourceMappingCommand({
      ...{ FunctionName, EventSourceArn, BatchSize: 1, StartingPosition: 'TRIM_HORIZON' },
    }),
  )
const mapping = (UUID?: string) => hearth.lambda.send(new GetEventSourceMappingCommand({ UUID }))
const pause = () => new Promise((resolve) => setTimeout(resolve, WHILE_MS))
const heard = (word: string) => listener.heard.filter((what) => what === word).length
const hear = (word: string) => eventually(`${word} arrives`, () => heard(word) > 0, 60_000)

test('a stream keeps its place while its alias is gone', async () => {
  const kinesis = new KinesisClient({
    ...{ endpoint: moto.url, region: 'us-east-1', credentials: KEYS },
    requestHandler: new NodeHttpHandler(),
  })
  const StreamName = 'clicks'
  const put = (word: string) =>
    kinesis.send(new PutRecordCommand({ StreamName, PartitionKey: 'k', Data: Buffer.from(word) }))
  await kinesis.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }))
  await make('reader', READER)
  await hearth.lambda.send(new PublishVersionCommand({ FunctionName: 'reader' }))
  await alias('reader')
  const source = `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/${StreamName}`
  const { UUID } = await map('reader:live', source)
  await put('click-1')
  await hear('click-1')
  await forget('reader')
  await put('click-2')
  await eventually('it says what is wrong', async () => {
    return (await mapping(UUID)).LastProcessingResult === 'PROBLEM: Function call failed'
  })
  await pause()
  expect(heard('click-2')).toBe(0)
  expect(await mapping(UUID)).toMatchObject({
    State: 'Enabled',
    FunctionArn: `${ARN}:reader:live`,
  })
  await alias('reader')
  await hear('click-2')
  expect([heard('click-1'), heard('click-2')]).toEqual([1, 1])
  kinesis.destroy()
})

test('a queue that is not of AWS keeps what it has while its function is gone', async () => {
  const { url, monitorUrl } = hearth.nats
  const bus = await connectBus({ url, monitorUrl })
  const streams = await createStreams(bus)
  await streams.open({
    ...{ name: 'ORDERS', subjects: 'orders.>', bytesMax: 1_000_000, ageSecondsMax: 3_600 },
  })
  await make('taker', READER)
  const source = `arn:aws-hearth:jetstream:us-east-1:${ACCOUNT}:ORDERS`
  const { UUID } = await map('taker', source)
  await streams.append('orders.here', Buffer.from('order-1'))
  await hear('order-1')
  await remove('taker')
  await streams.append('orders.here', Buffer.from('order-2'))
  await pause()
  expect(heard('order-2')).toBe(0)
  expect(await mapping(UUID)).toMatchObject({ State: 'Enabled', FunctionArn: `${ARN}:taker` })
  await make('taker', READER)
  await hear('order-2')
  expect([heard('order-1'), heard('order-2')]).toEqual([1, 1])
  await bus.close()
})

test('an event of a function that is deleted goes to the dead letters', async () => {
  const FunctionName = 'deleted'
  await make(FunctionName, READER)
  await hearth.lambda.send(
    new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }),
  )
  const send = () =>
    hearth.lambda.send(
      new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload: '{"n":1}' }),
    )
  await send()
  await remove(FunctionName)
  await expect(send()).rejects.toMatchObject({
    message: `Function not found: ${ARN}:${FunctionName}:$LATEST`,
  })
  await expect(
    hearth.lambda.send(new DeleteFunctionConcurrencyCommand({ FunctionName })),
  ).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
  const letters = () =>
    hearth.native<{ letters: object[] }>(`/hearth/dead-letters?function=${FunctionName}`)
  await eventually('it is given up', async () => (await letters()).letters.length > 0, 60_000)
  expect((await letters()).letters).toEqual([
    expect.objectContaining({
      ...{ attempts: 1, payload: '{"n":1}' },
      reason: `ResourceNotFoundException: Function not found: ${ARN}:${FunctionName}:$LATEST`,
    }),
  ])
})

test('a URL that streams is forbidden without its alias, and unknown without its function', async () => {
  const FunctionName = 'streamer'
  await make(FunctionName, STREAMER)
  await hearth.lambda.send(new PublishVersionCommand({ FunctionName }))
  await alias(FunctionName)
  const mode = { InvokeMode: 'RESPONSE_STREAM' } as const
  const of = { Qualifier: 'live', ...mode }
  const aliased = await publicUrl(hearth.lambda, FunctionName, of)
  const whole = await publicUrl(hearth.lambda, FunctionName, mode)
  const ask = async ({ host }: { host: string }) => {
    const { status, headers, body } = await http(hearth.endpoint, { headers: { host } })
    return [status, headers['x-amzn-errortype'], body.toString()]
  }
  expect(await ask(aliased)).toEqual([200, undefined, 'streamed'])
  await forget(FunctionName)
  expect(await ask(aliased)).toEqual([403, 'AccessDeniedException', FORBIDDEN])
  expect(await ask(whole)).toEqual([200, undefined, 'streamed'])
  const stream = (Qualifier?: string) =>
    hearth.lambda.send(new InvokeWithResponseStreamCommand({ FunctionName, Qualifier }))
  await expect(stream('live')).rejects.toMatchObject({
    message: `Function not found: ${ARN}:${FunctionName}:live`,
  })
  await remove(FunctionName)
  const unknown = [403, 'AccessDeniedException', '{"Message":null}']
  expect([await ask(aliased), await ask(whole)]).toEqual([unknown, unknown])
  await expect(stream()).rejects.toMatchObject({
    message: `Function not found: ${ARN}:${FunctionName}:$LATEST`,
  })
})
