// A Hearth in which everything happens that metrics tell of, for tests: functions invoked in all
// ways, cold, restored and provisioned; events, destinations and dead letters; a queue and a stream
// that are read; throttles and failures. Each round brings new of each.

import { CreateStreamCommand, KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis'
import {
  CreateEventSourceMappingCommand,
  InvokeWithResponseStreamCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  PutFunctionEventInvokeConfigCommand,
  PutProvisionedConcurrencyConfigCommand,
  waitUntilPublishedVersionActive,
} from '@aws-sdk/client-lambda'
import { CreateQueueCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { fetchNative } from '../packages/cli/src/client.ts'
import { type Hearth, http, KEYS, publicUrl } from './hearth.ts'

export interface Lively {
  /** One more of everything; resolves when Hearth has answered, and may still have work. */
  round(): Promise<void>
}

const ACCOUNT = '123456789012'
const ARNS = `us-east-1:${ACCOUNT}`
const CODE = `
  await new Promise((resolve) => setTimeout(resolve, 20))
  export const handler = async ({ fails, ms = 5 }) => {
    await new Promise((resolve) => setTimeout(resolve, ms))
    if (fails) throw new Error('as asked')
    return { statusCode: 200 }
  }`
const files = { 'index.mjs': CODE }
const EVENT = { InvocationType: 'Event' } as const

/** What such a Hearth must be started with. */
export const surroundings = (aws: string) => ({
  HEARTH_ACCOUNT: ACCOUNT,
  HEARTH_STEMS: 'nodejs24.x',
  HEARTH_RETRY_SECONDS: '3',
  AWS_ENDPOINT_URL: aws,
  AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
})

export async function enliven(hearth: Hearth, aws: string): Promise<Lively> {
  const sources = openSources(aws)
  const [QueueUrl] = await Promise.all([sources.queue(), sources.stream()])
  const made = ['steady', 'ahead', 'off', 'told', 'unheard', 'doomed', 'reader']
  await Promise.all(made.map((FunctionName) => hearth.create({ FunctionName, files })))
  const url = await publicUrl(hearth.lambda, 'steady')
  await configure(hearth)
  let rounds = 0
  return {
    async round() {
      rounds += 1
      const [cold, snap] = [`cold-${rounds}`, `snap-${rounds}`]
      await Promise.all([
        hearth.create({ FunctionName: cold, files }).then(() => hearth.invoke(cold)),
        restored(hearth, snap),
        hearth.invoke('steady', { ms: 40 }),
        hearth.invoke('steady', { fails: true }),
        http(`${hearth.endpoint}/function-urls/${url.hostname.split('.')[0]}/`),
        streamed(hearth),
        ...[1, 2, 3].map(() => hearth.invoke('ahead', { ms: 1_500 }, { Qualifier: '1' })),
        hearth.invoke('off').catch(() => {}),
        // What may not run waits on its queue, and what nobody takes on its way.
        hearth.invoke('off', {}, EVENT),
        hearth.invoke('unheard', {}, EVENT),
        hearth.invoke('steady', {}, EVENT),
        hearth.invoke('told', {}, EVENT),
        hearth.invoke('told', { fails: true }, EVENT),
        hearth.invoke('doomed', { fails: true }, EVENT),
        sources.send(QueueUrl),
      ])
    },
  }
}

/** Far from being used up, or it would stop what the rounds do. */
const BUDGET = { unit: 'requests', limit: 100_000 }

async function configure({ lambda, endpoint }: Hearth): Promise<void> {
  const client = { endpointUrl: endpoint, region: 'us-east-1', credentials: KEYS }
  await fetchNative(client, '/hearth/budgets/all', { method: 'PUT', body: BUDGET })
  const of = (FunctionName: string) => ({ FunctionName })
  await lambda.send(new PublishVersionCommand(of('ahead')))
  const Pattern = JSON.stringify({ body: [{ 'anything-but': 'strange' }] })
  await Promise.all([
    lambda.send(
      new PutProvisionedConcurrencyConfigCommand({
        ...of('ahead'),
        Qualifier: '1',
        ProvisionedConcurrentExecutions: 1,
      }),
    ),
    ...Object.entries({ off: 0, reader: 50 }).map(([name, ReservedConcurrentExecutions]) =>
      lambda.send(new PutFunctionConcurrencyCommand({ ...of(name), ReservedConcurrentExecutions })),
    ),
    lambda.send(
      new PutFunctionEventInvokeConfigCommand({
        ...of('told'),
        MaximumRetryAttempts: 0,
        DestinationConfig: {
          OnSuccess: { Destination: `arn:aws:sqs:${ARNS}:queue` },
          OnFailure: { Destination: `arn:aws:sqs:${ARNS}:no-such-queue` },
        },
      }),
    ),
    lambda.send(
      new PutFunctionEventInvokeConfigCommand({
        ...of('unheard'),
        DestinationConfig: {
          OnSuccess: { Destination: `arn:aws-hearth:jetstream-subject:${ARNS}:no.stream` },
        },
      }),
    ),
    lambda.send(
      new PutFunctionEventInvokeConfigCommand({ ...of('doomed'), MaximumRetryAttempts: 1 }),
    ),
    lambda.send(
      new CreateEventSourceMappingCommand({
        ...of('reader'),
        EventSourceArn: `arn:aws:sqs:${ARNS}:queue`,
        FilterCriteria: { Filters: [{ Pattern }] },
      }),
    ),
    lambda.send(
      new CreateEventSourceMappingCommand({
        ...of('reader'),
        EventSourceArn: `arn:aws:kinesis:${ARNS}:stream/stream`,
        StartingPosition: 'TRIM_HORIZON',
      }),
    ),
  ])
}

/** A version that was loaded when it was published: its first invocation is restored. */
async function restored(hearth: Hearth, FunctionName: string): Promise<void> {
  const SnapStart = { ApplyOn: 'PublishedVersions' } as const
  await hearth.create({ FunctionName, SnapStart, files })
  const { Version: Qualifier = '' } = await hearth.lambda.send(
    new PublishVersionCommand({ FunctionName }),
  )
  await waitUntilPublishedVersionActive(
    { client: hearth.lambda, maxWaitTime: 60, minDelay: 1, maxDelay: 1 },
    { FunctionName, Qualifier },
  )
  await hearth.invoke(FunctionName, {}, { Qualifier })
}

async function streamed({ lambda }: Hearth): Promise<void> {
  const { EventStream = [] } = await lambda.send(
    new InvokeWithResponseStreamCommand({ FunctionName: 'steady', Payload: Buffer.from('{}') }),
  )
  for await (const _ of EventStream);
}

/** A queue and a stream on a server that speaks AWS. */
function openSources(endpoint: string) {
  const access = { endpoint, region: 'us-east-1', credentials: KEYS }
  const sqs = new SQSClient(access)
  const kinesis = new KinesisClient({ ...access, requestHandler: new NodeHttpHandler() })
  const StreamName = 'stream'
  return {
    async queue() {
      const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: 'queue' }))
      return QueueUrl
    },
    stream: () => kinesis.send(new CreateStreamCommand({ StreamName, ShardCount: 1 })),
    async send(QueueUrl: string) {
      const bodies = ['a', 'strange', '{"fails":true}', 'b']
      const Entries = bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody }))
      const Records = bodies.map((text) => ({ Data: Buffer.from(text), PartitionKey: text }))
      await Promise.all([
        sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries })),
        kinesis.send(new PutRecordsCommand({ StreamName, Records })),
      ])
    },
  }
}
