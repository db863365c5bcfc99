// What is told of asynchronous events, through the unmodified AWS SDK and an SQS that is not ours:
// AWS's records for destinations, the bare event for a dead-letter queue, and nothing twice.

import { connect, createServer, type Socket } from 'node:net'
import {
  DeleteFunctionEventInvokeConfigCommand,
  InvokeCommand,
  PutFunctionEventInvokeConfigCommand,
} from '@aws-sdk/client-lambda'
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, type Hearth, KEYS, startHearth } from './hearth.ts'
import { startMoto } from './neighbours.ts'
import { freePort, type Server } from './servers.ts'

let moto: Server
let way: Way
let hearth: Hearth
let sqs: SQSClient

const FUNCTION = `
  export const handler = async (event) => {
    if (event.fails) throw new TypeError('as asked')
    return { got: event.n }
  }`

beforeAll(async () => {
  moto = await startMoto()
  way = await openWay(moto.url)
  hearth = await startHearth({
    env: {
      AWS_ENDPOINT_URL: way.url,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      HEARTH_ACCOUNT: '123456789012',
      HEARTH_RETRY_SECONDS: '1,1',
    },
  })
  sqs = new SQSClient({ endpoint: moto.url, region: 'us-east-1', credentials: KEYS })
})
afterAll(async () => {
  await hearth?.stop()
  await way?.close()
  await moto?.stop()
})

/** The way from Hearth to the neighbour, which can be cut. */
interface Way {
  url: string
  open(): Promise<void>
  close(): Promise<void>
}

async function openWay(to: string): Promise<Way> {
  const target = new URL(to)
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    const other = connect(Number(target.port), target.hostname)
    for (const end of [socket, other]) {
      sockets.add(end)
      end.on('error', () => {}).on('close', () => sockets.delete(end))
    }
    socket.pipe(other).pipe(socket)
  })
  const port = await freePort()
  const open = () =>
    new Promise<void>((listening) => server.listen(port, '127.0.0.1', () => listening()))
  await open()
  return {
    url: `http://127.0.0.1:${port}`,
    open,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

async function queue(name: string) {
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: name }))
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  )
  const found: Message[] = []
  return {
    arn: Attributes?.QueueArn ?? '',
    /** Everything that has come until now. */
    async messages() {
      const { Messages } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl,
          MaxNumberOfMessages: 10,
          MessageAttributeNames: ['All'],
          VisibilityTimeout: 600,
        }),
      )
      found.push(...(Messages ?? []))
      return found
    },
  }
}

async function send(FunctionName: string, event: object): Promise<string> {
  const { $metadata } = await hearth.lambda.send(
    new InvokeCommand({
      FunctionName,
      InvocationType: 'Event',
      Payload: JSON.stringify(event),
    }),
  )
  return $metadata.requestId ?? ''
}

test('a success and a failure are each told to their destination, once', async () => {
  const [succeeded, failed] = [await queue('succeeded'), await queue('failed')]
  const name = await hearth.create({ files: { 'index.mjs': FUNCTION } })
  const arn = `arn:aws:lambda:us-east-1:123456789012:function:${name}:$LATEST`
  await hearth.lambda.send(
    new PutFunctionEventInvokeConfigCommand({
      FunctionName: name,
      MaximumRetryAttempts: 1,
      DestinationConfig: {
        OnSuccess: { Destination: succeeded.arn },
        OnFailure: { Destination: failed.arn },
      },
    }),
  )
  const good = await send(name, { n: 1 })
  const bad = await send(name, { fails: true })
  await eventually('the success is told', async () => (await succeeded.messages()).length > 0)
  await eventually('the failure is told', async () => (await failed.messages()).length > 0)
  expect(JSON.parse((await succeeded.messages())[0]?.Body ?? '')).toEqual({
    version: '1.0',
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    requestContext: {
      requestId: good,
      functionArn: arn,
      condition: 'Success',
      approximateInvokeCount: 1,
    },
    requestPayload: { n: 1 },
    responseContext: { statusCode: 200, executedVersion: '$LATEST' },
    responsePayload: { got: 1 },
  })
  expect(JSON.parse((await failed.messages())[0]?.Body ?? '')).toEqual({
    version: '1.0',
    timestamp: expect.any(String),
    requestContext: {
      requestId: bad,
      functionArn: arn,
      condition: 'RetriesExhausted',
      approximateInvokeCount: 2,
    },
    requestPayload: { fails: true },
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    responsePayload: {
      errorType: 'TypeError',
      errorMessage: 'as asked',
      trace: expect.any(Array),
    },
  })
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  expect(await succeeded.messages()).toHaveLength(1)
  expect(await failed.messages()).toHaveLength(1)
})

test("a dead-letter queue gets the event as it came, with AWS's attributes", async () => {
  const dead = await queue('dead')
  const name = await hearth.create({
    files: { 'index.mjs': FUNCTION },
    DeadLetterConfig: { TargetArn: dead.arn },
  })
  await hearth.lambda.send(
    new PutFunctionEventInvokeConfigCommand({ FunctionName: name, MaximumRetryAttempts: 0 }),
  )
  const requestId = await send(name, { fails: true, n: 7 })
  await eventually('it is there', async () => (await dead.messages()).length > 0)
  const [message] = await dead.messages()
  expect(message?.Body).toBe('{"fails":true,"n":7}')
  expect(message?.MessageAttributes).toMatchObject({
    RequestID: { DataType: 'String', StringValue: requestId },
    ErrorCode: { DataType: 'Number', StringValue: '200' },
    ErrorMessage: { DataType: 'String', StringValue: 'as asked' },
  })
  await hearth.lambda.send(new DeleteFunctionEventInvokeConfigCommand({ FunctionName: name }))
})

test('a destination that is down is told when it is back', async () => {
  const late = await queue('late')
  const name = await hearth.create({ files: { 'index.mjs': FUNCTION } })
  await hearth.lambda.send(
    new PutFunctionEventInvokeConfigCommand({
      FunctionName: name,
      DestinationConfig: { OnSuccess: { Destination: late.arn } },
    }),
  )
  await way.close()
  await send(name, { n: 2 })
  await new Promise((resolve) => setTimeout(resolve, 5_000))
  await way.open()
  await eventually('it is told', async () => (await late.messages()).length > 0, 60_000)
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  expect(await late.messages()).toHaveLength(1)
})

test('one function may be the destination of another', async () => {
  const told = await queue('told')
  const second = await hearth.create({ files: { 'index.mjs': FUNCTION } })
  const first = await hearth.create({ files: { 'index.mjs': FUNCTION } })
  const arn = (name: string) => `arn:aws:lambda:us-east-1:123456789012:function:${name}`
  await hearth.lambda.send(
    new PutFunctionEventInvokeConfigCommand({
      FunctionName: second,
      DestinationConfig: { OnSuccess: { Destination: told.arn } },
    }),
  )
  await hearth.lambda.send(
    new PutFunctionEventInvokeConfigCommand({
      FunctionName: first,
      DestinationConfig: { OnSuccess: { Destination: arn(second) } },
    }),
  )
  const requestId = await send(first, { n: 3 })
  await eventually('the second is told of', async () => (await told.messages()).length > 0)
  const record = JSON.parse((await told.messages())[0]?.Body ?? '')
  expect(record.requestPayload).toMatchObject({
    requestContext: { requestId, functionArn: `${arn(first)}:$LATEST`, condition: 'Success' },
    responsePayload: { got: 3 },
  })
})
