// JetStream on a real NATS: the contract of queues on streams of every retention, the record as it
// is documented, where reading begins, and streams that are refused.

import type { EventSourceMapping } from '@hearth/core/event-source-mapping'
import { jetstream, jetstreamManager, RetentionPolicy } from '@nats-io/jetstream'
import { connect, headers, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Nats, startNats } from '../../../../e2e/servers.ts'
import { judgeJetStream, openJetStream, removeJetStream } from './jetstream.ts'
import { keepsQueueContract, mappingOf, receiveAll } from './queue-source.contract.ts'
import type { SourceOptions } from './source.ts'

const REGION = 'eu-central-1'
const ACCOUNT = '123456789012'

let nats: Nats
let connection: NatsConnection
let serial = 0

beforeAll(async () => {
  nats = await startNats()
  connection = await connect({ servers: nats.url })
})
afterAll(async () => {
  await connection?.close()
  await nats?.stop()
})

const optionsFor = (mapping: Partial<EventSourceMapping>): SourceOptions => ({
  mapping: mappingOf(mapping),
  region: REGION,
  aws: { region: REGION, endpoint: () => undefined },
  natsUrl: nats.url,
  valkeyUrl: '',
})

const nameIt = () => {
  serial += 1
  return `source-${serial}`
}

const streamArn = (stream: string) => `arn:aws-hearth:jetstream:${REGION}:${ACCOUNT}:${stream}`

async function createStream(retention: RetentionPolicy = RetentionPolicy.Limits) {
  const name = nameIt()
  const manager = await jetstreamManager(connection)
  await manager.streams.add({ name, subjects: [`${name}.>`], retention })
  return name
}

describe.each([RetentionPolicy.Limits, RetentionPolicy.Interest, RetentionPolicy.Workqueue])(
  'JetStream, %s',
  (retention) => {
    keepsQueueContract(async () => {
      const stream = await createStream(retention)
      const options = optionsFor({ kind: 'jetstream', sourceArn: streamArn(stream) })
      return {
        open: () => openJetStream(options),
        bodyOf: ({ event }) => Buffer.from(String(event.data), 'base64').toString(),
        async send(bodies) {
          for (const body of bodies) await jetstream(connection).publish(`${stream}.a`, body)
        },
      }
    })
  },
)

describe('JetStream', () => {
  test('hands out records as Hearth documents them, of the subjects that are asked for', async () => {
    const stream = await createStream()
    const arn = streamArn(`${stream}/${stream}.orders.*`)
    const told = headers()
    told.append('Trace', 'a')
    told.append('Trace', 'b')
    await jetstream(connection).publish(`${stream}.other`, 'no')
    await jetstream(connection).publish(`${stream}.orders.1`, '{"a":1}', { headers: told })
    const options = optionsFor({ kind: 'jetstream', sourceArn: arn })
    const source = await openJetStream(options)
    const [record, ...more] = await receiveAll(source, 2, 2_000)
    expect(more).toEqual([])
    expect(record?.event).toEqual({
      eventSource: 'hearth:jetstream',
      eventSourceARN: arn,
      awsRegion: REGION,
      stream,
      subject: `${stream}.orders.1`,
      sequence: 2,
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      headers: { Trace: ['a', 'b'] },
      data: Buffer.from('{"a":1}').toString('base64'),
      deliveryCount: 1,
    })
    expect(record?.id).toBe('2')
    expect(record?.filtered.data).toEqual({ a: 1 })
    await source.close()
    await removeJetStream(options)
    const manager = await jetstreamManager(connection)
    expect((await manager.streams.info(stream)).state.consumer_count).toBe(0)
    await removeJetStream(options)
  })

  test.each([
    ['LATEST', ['c']],
    ['TRIM_HORIZON', ['a', 'b', 'c']],
    ['AT_TIMESTAMP', ['b', 'c']],
  ] as const)('begins at %s and goes on from there', async (startingPosition, expected) => {
    const stream = await createStream()
    const publish = (body: string) => jetstream(connection).publish(`${stream}.x`, body)
    await publish('a')
    await new Promise((resolve) => setTimeout(resolve, 20))
    const startingTimestamp = Date.now()
    await publish('b')
    const options = optionsFor({
      kind: 'jetstream',
      sourceArn: streamArn(stream),
      startingPosition,
      startingTimestamp,
    })
    await (await openJetStream(options)).close()
    await publish('c')
    const source = await openJetStream(options)
    const records = await receiveAll(source, expected.length + 1, 2_000)
    const bodies = records.map(({ event }) => Buffer.from(String(event.data), 'base64').toString())
    expect(bodies).toEqual(expected)
    await source.close()
  })

  test("refuses streams that are not there, and Hearth's own", async () => {
    const judge = (stream: string) =>
      judgeJetStream(optionsFor({ kind: 'jetstream', sourceArn: streamArn(stream) }))
    expect(await judge(await createStream())).toEqual({ usable: true })
    expect(await judge('missing')).toMatchObject({
      message: `Stream not found: ${streamArn('missing')}`,
    })
    for (const own of ['METER', 'LOGS', 'TIMERS', 'ASYNC_3', 'KV_functions']) {
      expect(await judge(own)).toMatchObject({ message: expect.stringMatching(/Hearth's own/) })
      const options = optionsFor({ kind: 'jetstream', sourceArn: streamArn(own) })
      await expect(openJetStream(options)).rejects.toThrow(/Hearth's own/)
    }
  })
})
