// Event source mappings at work, from a source that is not ours to what the function did: made by
// the unmodified AWS SDK, tended by pollers, one of which is killed.

import {
  CreateEventSourceMappingCommand,
  DeleteEventSourceMappingCommand,
  GetEventSourceMappingCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda'
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { connectBus } from '@hearth/bus/connect'
import { createStreams } from '@hearth/bus/streams'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, type Hearth, KEYS, type Part, startHearth } from './hearth.ts'
import { hostAddress, type Listener, startListener } from './listener.ts'
import { startMoto } from './neighbours.ts'
import type { Server } from './servers.ts'

let moto: Server
let hearth: Hearth
let listener: Listener
let sqs: SQSClient
let poller: Part

/** Tells what it got; a record that says so fails. */
const FUNCTION = `
  export const handler = async ({ Records, records }) => {
    const bodies = (Records ?? []).map((one) => one.body ?? Buffer.from(one.data, 'base64'))
    await fetch(process.env.LISTENER + '/' + encodeURIComponent(bodies.join(' ')))
    if (bodies.some((body) => String(body).startsWith('poison'))) throw new Error('poison')
  }`

beforeAll(async () => {
  listener = await startListener()
  moto = await startMoto()
  hearth = await startHearth({
    roles: 'gateway,scheduler,metering',
    env: {
      HEARTH_ACCOUNT: '123456789012',
      HEARTH_SANDBOX_ALLOW: hostAddress(),
      AWS_ENDPOINT_URL: moto.url,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    },
  })
  poller = await hearth.serve('poller')
  sqs = new SQSClient({ endpoint: moto.url, region: 'us-east-1', credentials: KEYS })
  await hearth.create({
    FunctionName: 'reader',
    MemorySize: 512,
    Environment: { Variables: { LISTENER: listener.url } },
    files: { 'index.mjs': FUNCTION },
  })
})
afterAll(async () => {
  await hearth?.stop()
  await moto?.stop()
  await listener?.close()
})

const heard = () => listener.heard.flatMap((what) => what.split(' '))
const stateOf = async (UUID?: string) =>
  (await hearth.lambda.send(new GetEventSourceMappingCommand({ UUID }))).State

async function queue(QueueName: string) {
  const { QueueUrl = '' } = await sqs.send(
    new CreateQueueCommand({ QueueName, Attributes: { VisibilityTimeout: '10' } }),
  )
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  )
  return {
    arn: Attributes?.QueueArn ?? '',
    async send(bodies: string[]) {
      const Entries = bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody }))
      await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }))
    },
    async left() {
      const { Attributes: counts } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
      )
      const { ApproximateNumberOfMessages: waiting, ApproximateNumberOfMessagesNotVisible: taken } =
        counts ?? {}
      return Number(waiting) + Number(taken)
    },
  }
}

test('a queue that is not there is refused in the words of AWS', async () => {
  await expect(
    hearth.lambda.send(
      new CreateEventSourceMappingCommand({
        FunctionName: 'reader',
        EventSourceArn: 'arn:aws:sqs:us-east-1:123456789012:nowhere',
      }),
    ),
  ).rejects.toMatchObject({
    name: 'InvalidParameterValueException',
    message: expect.stringContaining('AWS.SimpleQueueService.NonExistentQueue'),
  })
})

test('messages of a queue reach the function, and are deleted; a paused mapping waits', async () => {
  const orders = await queue('orders')
  await orders.send(['o-1', 'o-2', 'o-3'])
  const { UUID, State } = await hearth.lambda.send(
    new CreateEventSourceMappingCommand({
      FunctionName: 'reader',
      EventSourceArn: orders.arn,
    }),
  )
  expect(State).toBe('Creating')
  await eventually('all of them arrive', () =>
    ['o-1', 'o-2', 'o-3'].every((body) => heard().includes(body)),
  )
  await eventually('it is enabled', async () => (await stateOf(UUID)) === 'Enabled')
  await eventually('they are deleted', async () => (await orders.left()) === 0)

  await hearth.lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: false }))
  await eventually('it is disabled', async () => (await stateOf(UUID)) === 'Disabled')
  await orders.send(['o-4'])
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  expect(heard()).not.toContain('o-4')
  await hearth.lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: true }))
  await eventually('what waited arrives', () => heard().includes('o-4'))

  await hearth.lambda.send(new DeleteEventSourceMappingCommand({ UUID }))
  await eventually('it is gone', async () => {
    return (await stateOf(UUID).catch((error) => error.name)) === 'ResourceNotFoundException'
  })
})

test('filters keep what does not match from the function', async () => {
  const filtered = await queue('filtered')
  await hearth.lambda.send(
    new CreateEventSourceMappingCommand({
      FunctionName: 'reader',
      EventSourceArn: filtered.arn,
      FilterCriteria: { Filters: [{ Pattern: '{"body":{"kind":["wanted"]}}' }] },
    }),
  )
  await filtered.send(['{"kind":"other","n":1}', '{"kind":"wanted","n":2}'])
  await eventually('the one arrives', () => heard().includes('{"kind":"wanted","n":2}'))
  await eventually('neither is left', async () => (await filtered.left()) === 0)
  expect(heard()).not.toContain('{"kind":"other","n":1}')
})

test('when the poller that reads is killed another goes on, and nothing is lost', async () => {
  const { url, monitorUrl } = hearth.nats
  const bus = await connectBus({ url, monitorUrl })
  const streams = await createStreams(bus)
  const limits = { bytesMax: 10_000_000, ageSecondsMax: 3_600 }
  await streams.open({ name: 'CLICKS', subjects: 'clicks.>', ...limits })
  await hearth.serve('poller')
  await hearth.lambda.send(
    new CreateEventSourceMappingCommand({
      FunctionName: 'reader',
      EventSourceArn: 'arn:aws-hearth:jetstream:us-east-1:123456789012:CLICKS',
      StartingPosition: 'TRIM_HORIZON',
      BatchSize: 10,
    }),
  )
  const bodies = Array.from({ length: 200 }, (_, index) => `c-${index}`)
  for (const [index, body] of bodies.entries()) {
    await streams.append('clicks.here', Buffer.from(body))
    if (index === 100) await poller.kill()
  }
  await bus.close()
  await eventually(
    'each click arrives',
    () => {
      const all = new Set(heard())
      return bodies.every((body) => all.has(body))
    },
    90_000,
  )
})
