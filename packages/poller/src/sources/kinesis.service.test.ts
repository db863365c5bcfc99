// Mappings of Kinesis on the streams of moto and the checkpoints of a real NATS: records, shards,
// filters, poison, order by key, windows, and owners that stop, are overtaken or come too late.

import { ServiceError } from '@hearth/core/error'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startMoto } from '../../../../e2e/neighbours.ts'
import { type Nats, startNats } from '../../../../e2e/servers.ts'
import { eventually, fine, type Play, pause, REGION } from '../stream-harness.ts'
import { judgeKinesis } from './kinesis.ts'
import {
  type Bench,
  mappingFor,
  numbered,
  openBench,
  optionsAt,
  textOf,
  textsIn,
  textsOf,
} from './kinesis-harness.ts'

let kinesis: Awaited<ReturnType<typeof startMoto>>
let nats: Nats
let bench: Bench

beforeAll(async () => {
  ;[kinesis, nats] = await Promise.all([startMoto(), startNats()])
  bench = await openBench(kinesis.url, nats)
})
afterEach(() => bench.clear())
afterAll(async () => {
  await bench?.close()
  await Promise.all([kinesis, nats].map((server) => server?.stop()))
})

test('gives the function AWS records, in order, and remembers what is done', async () => {
  const { arn, put } = await bench.createStream()
  await put(numbered(250))
  const mapping = mappingFor(arn)
  const loop = await bench.run(mapping, fine)
  await eventually(() => textsOf(loop).length === 250)
  expect(textsOf(loop)).toEqual(numbered(250))
  expect(Math.max(...loop.events.map(({ Records }) => Records.length))).toBe(100)
  const [first] = loop.events[0]?.Records ?? []
  expect(first).toEqual({
    kinesis: {
      kinesisSchemaVersion: '1.0',
      partitionKey: 'k',
      sequenceNumber: expect.stringMatching(/^\d+$/),
      data: Buffer.from('0').toString('base64'),
      approximateArrivalTimestamp: expect.any(Number),
    },
    eventSource: 'aws:kinesis',
    eventVersion: '1.0',
    eventID: expect.stringMatching(/^shardId-000000000000:\d+$/),
    eventName: 'aws:kinesis:record',
    invokeIdentityArn: expect.stringMatching(/^arn:aws:iam::/),
    awsRegion: REGION,
    eventSourceARN: arn,
  })
  await loop.stop()
  await put(['later'])
  const next = await bench.run(mapping, fine, { epoch: 2 })
  await eventually(() => textsOf(next).length === 1)
  expect(textsOf(next)).toEqual(['later'])
})

describe('failures', () => {
  test('bisecting gives up the poison alone, and tells of it', async () => {
    const { arn, put } = await bench.createStream()
    await put(numbered(20))
    const done: string[] = []
    const play: Play = async (event) => {
      if (textsIn(event).includes('13')) return { failed: true }
      done.push(...textsIn(event))
      return {}
    }
    const onFailure = 'arn:aws:sqs:eu-central-1:000000000000:lost'
    const mapping = mappingFor(arn, { bisects: true, retriesMax: 1, onFailure })
    const loop = await bench.run(mapping, play)
    await eventually(() => done.length === 19)
    expect(done).toEqual(numbered(20).filter((text) => text !== '13'))
    const poison = loop.events
      .flatMap(({ Records }) => Records)
      .find((r) => textOf(r) === '13') as {
      kinesis: { sequenceNumber: string }
    }
    const { sequenceNumber } = poison.kinesis
    expect(loop.told).toEqual([
      {
        requestContext: {
          requestId: expect.any(String),
          functionArn: `arn:aws:lambda:${REGION}:000000000000:function:f`,
          condition: 'RetryAttemptsExhausted',
          approximateInvokeCount: expect.any(Number),
        },
        responseContext: {
          statusCode: 200,
          executedVersion: '$LATEST',
          functionError: 'Unhandled',
        },
        version: '1.0',
        timestamp: expect.any(String),
        KinesisBatchInfo: {
          shardId: 'shardId-000000000000',
          startSequenceNumber: sequenceNumber,
          endSequenceNumber: sequenceNumber,
          approximateArrivalOfFirstRecord: expect.any(String),
          approximateArrivalOfLastRecord: expect.any(String),
          batchSize: 1,
          streamArn: arn,
        },
      },
    ])
  })

  test('item failures resume at the lowest one', async () => {
    const { arn, put } = await bench.createStream()
    await put(numbered(10))
    let isFirst = true
    const play: Play = async ({ Records }) => {
      if (!isFirst) return {}
      isFirst = false
      const failed = [Records[7], Records[4]] as { kinesis: { sequenceNumber: string } }[]
      const batchItemFailures = failed.map(({ kinesis }) => ({
        itemIdentifier: kinesis.sequenceNumber,
      }))
      return { answer: { batchItemFailures } }
    }
    const loop = await bench.run(mappingFor(arn, { reportsItemFailures: true }), play)
    await eventually(() => loop.events.length === 2)
    expect(loop.events.map(textsIn)).toEqual([numbered(10), numbered(6, 4)])
  })

  test('a refused invocation uses no attempt', async () => {
    const { arn, put } = await bench.createStream()
    await put(numbered(3))
    let refusals = 0
    const play: Play = async () => {
      refusals += 1
      if (refusals <= 3) throw new ServiceError('TooManyRequestsException', 'Rate Exceeded.')
      return {}
    }
    const loop = await bench.run(mappingFor(arn, { retriesMax: 0 }), play)
    await eventually(() => loop.progress.figures().invoked === 3)
    expect([loop.told, loop.progress.figures().refused]).toEqual([[], 3])
  })

  test('the checkpoint waits until the destination has what was given up', async () => {
    const { arn, put } = await bench.createStream()
    await put(['poison'])
    const onFailure = 'arn:aws:sqs:eu-central-1:000000000000:lost'
    const mapping = mappingFor(arn, { retriesMax: 0, onFailure })
    const bad: Play = async () => ({ failed: true })
    let calls = 0
    const deliver = async () => {
      calls += 1
      throw new Error('not there')
    }
    const loop = await bench.run(mapping, bad, { deliver })
    await eventually(() => calls >= 2)
    await loop.stop()
    expect([...bench.checkpoints.list(mapping).values()].map(({ position }) => position)).toEqual([
      undefined,
    ])
    const next = await bench.run(mapping, bad, { epoch: 2 })
    await eventually(() => next.told.length === 1)
    await next.stop()
    expect(bench.checkpoints.list(mapping).get('shardId-000000000000')?.position).toBeDefined()
  })
})

test('filtered records move the checkpoint and reach nobody', async () => {
  const { arn, put } = await bench.createStream()
  await put(['{"kind":"a"}', '{"kind":"b"}', 'text', '{"kind":"b"}'])
  const mapping = mappingFor(arn, { filters: ['{"data":{"kind":["a"]}}'] })
  const loop = await bench.run(mapping, fine)
  await eventually(() => loop.progress.figures().filteredOut === 3)
  await eventually(() => loop.events.length === 1)
  await loop.stop()
  expect(textsOf(loop)).toEqual(['{"kind":"a"}'])
  const next = await bench.run({ ...mapping, filters: [] }, fine, { epoch: 2 })
  await put(['new'])
  await eventually(() => next.events.length > 0)
  expect(textsOf(next)).toEqual(['new'])
})

test('lanes keep the order of each key and work beside each other', async () => {
  const { arn, put } = await bench.createStream()
  const texts = numbered(200).map((text, index) => `${index % 8}:${text}`)
  const keyOf = (text: string) => text.split(':')[0] ?? ''
  await put(texts, keyOf)
  let [running, most] = [0, 0]
  const play: Play = async () => {
    running += 1
    most = Math.max(most, running)
    await pause(20)
    running -= 1
    return {}
  }
  const loop = await bench.run(mappingFor(arn, { parallelizationFactor: 4, batchSize: 5 }), play)
  await eventually(() => textsOf(loop).length === 200)
  for (const key of numbered(8)) {
    const mine = (all: string[]) => all.filter((text) => keyOf(text) === key)
    expect(mine(textsOf(loop))).toEqual(mine(texts))
  }
  expect(most).toBeGreaterThan(1)
  expect(most).toBeLessThanOrEqual(4)
})

describe('owners', () => {
  test('LATEST stays where it was first, whoever begins again', async () => {
    const { arn, put } = await bench.createStream()
    await put(['before'])
    await pause(1_100)
    const mapping = mappingFor(arn, { startingPosition: 'LATEST' })
    const first = await bench.run(mapping, fine)
    await eventually(() => bench.checkpoints.list(mapping).size === 2)
    await first.stop()
    await put(['between'])
    const second = await bench.run(mapping, fine, { epoch: 2 })
    await eventually(() => second.events.length > 0)
    expect([textsOf(first), textsOf(second)]).toEqual([[], ['between']])
  })

  test('one that is overtaken cannot move the checkpoint, and ends', async () => {
    const { arn, put } = await bench.createStream()
    await put(numbered(10))
    const mapping = mappingFor(arn)
    let goOn = () => {}
    const held = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const old = await bench.run(mapping, async () => held.then(() => ({})))
    await eventually(() => old.events.length === 1)
    const shard = 'shardId-000000000000'
    const claimed = await bench.checkpoints.claim(mapping, shard, 2)
    goOn()
    await eventually(() => old.progress.figures().invoked === 10)
    await pause(1_000)
    await put(['unread'])
    await pause(1_500)
    expect(textsOf(old)).toEqual(numbered(10))
    const again = await bench.checkpoints.claim(mapping, shard, 3)
    expect([claimed, again].map((one) => one !== 'stale' && one.value.position)).toEqual([
      undefined,
      undefined,
    ])
  })

  test('stopped again and again in the midst, they skip nothing and keep the order', async () => {
    const { arn, put } = await bench.createStream()
    await put(numbered(300))
    const mapping = mappingFor(arn, { batchSize: 7 })
    const seen: string[] = []
    const play: Play = async (event) => {
      await pause(10)
      seen.push(...textsIn(event))
      return {}
    }
    for (let epoch = 1; new Set(seen).size < 300; epoch += 1) {
      const before = seen.length
      const loop = await bench.run(mapping, play, { epoch })
      await eventually(() => seen.length > before + 40 || new Set(seen).size === 300)
      await loop.stop()
    }
    expect(seen).toEqual(numbered(300))
  })
})

test('tumbling windows hand on their state, over owners, and end with a last invocation', async () => {
  const { arn, put } = await bench.createStream()
  const mapping = mappingFor(arn, { tumblingWindowSeconds: 4 })
  const play: Play = async ({ Records, state }) => {
    const { count = 0 } = state as { count?: number }
    return { answer: { state: { count: count + Records.length } } }
  }
  await pause(4_000 - (Date.now() % 4_000))
  await put(numbered(3))
  const first = await bench.run(mapping, play)
  await eventually(() => first.events.length === 1)
  await first.stop()
  await put(numbered(2))
  const second = await bench.run(mapping, play, { epoch: 2 })
  await eventually(() => second.events.some((event) => event.isFinalInvokeForWindow))
  const last = second.events.find((event) => event.isFinalInvokeForWindow)
  expect(last).toEqual({
    Records: [],
    window: {
      start: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      end: expect.any(String),
    },
    state: { count: 5 },
    shardId: 'shardId-000000000000',
    eventSourceARN: arn,
    isFinalInvokeForWindow: true,
    isWindowTerminatedEarly: false,
  })
})

test('a stream that is not there is refused in the words of AWS', async () => {
  const arn = `arn:aws:kinesis:${REGION}:123456789012:stream/none`
  expect(await judgeKinesis(optionsAt(kinesis.url, mappingFor(arn)))).toEqual({
    code: 'InvalidParameterValueException',
    message: `Stream not found: ${arn}`,
  })
})
