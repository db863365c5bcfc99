// The loop of a queue on the real SQS of moto, with a function that the test plays: batches and
// windows, partial failures, order within groups, dead letters, throttles, and the owner's death.

import { spawn } from 'node:child_process'
import { ServiceError } from '@hearth/core/error'
import type { EventSourceMapping } from '@hearth/core/event-source-mapping'
import type { InvocationRequest, InvocationResult } from '@hearth/core/invocation'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startMoto } from '../../../e2e/neighbours.ts'
import type { Server } from '../../../e2e/servers.ts'
import { followProgress, type MappingProgress } from './mapping-progress.ts'
import { runQueueLoop } from './queue-loop.ts'
import { mappingOf } from './sources/queue-source.contract.ts'
import type { QueueSource, SourceOptions } from './sources/source.ts'
import { openSqs } from './sources/sqs.ts'
import { CREDENTIALS, openTestSqs, REGION, type TestSqs } from './sources/sqs-harness.ts'

interface SqsRecord {
  messageId: string
  body: string
  attributes: { ApproximateReceiveCount: string; MessageGroupId?: string }
}

/** The function: what it answers to these records; it may throw what the door throws. */
type Play = (records: SqsRecord[]) => Promise<{ answer?: unknown; failed?: true }>

let moto: Server
let sqs: TestSqs
let stops: (() => Promise<void>)[] = []

beforeAll(async () => {
  moto = await startMoto()
  sqs = openTestSqs(moto.url)
})
afterEach(async () => {
  await Promise.all(stops.map((stop) => stop()))
  stops = []
})
afterAll(async () => {
  sqs?.client.destroy()
  await moto?.stop()
})

const optionsFor = (mapping: EventSourceMapping): SourceOptions => ({
  mapping,
  region: REGION,
  aws: { region: REGION, endpoint: () => moto.url, credentials: CREDENTIALS },
  natsUrl: '',
  valkeyUrl: '',
})

interface Loop {
  batches: SqsRecord[][]
  requests: InvocationRequest[]
  progress: MappingProgress
  stop(): Promise<void>
}

async function run(
  settings: Partial<EventSourceMapping>,
  play: Play,
  options: {
    passes?(filtered: Record<string, unknown>): boolean
    through?(source: QueueSource): QueueSource
  } = {},
): Promise<Loop> {
  const { passes = () => true, through = (source: QueueSource) => source } = options
  const mapping = mappingOf(settings)
  const source = through(await openSqs(optionsFor(mapping)))
  const progress = followProgress(mapping)
  const batches: SqsRecord[][] = []
  const requests: InvocationRequest[] = []
  const end = new AbortController()
  const invoke = async (request: InvocationRequest): Promise<InvocationResult> => {
    const { Records } = JSON.parse(Buffer.from(request.payload).toString())
    requests.push(request)
    batches.push(Records)
    const { answer, failed } = await play(Records)
    return {
      requestId: request.requestId,
      executedVersion: '$LATEST',
      payload: Buffer.from(JSON.stringify(answer ?? null)),
      ...(failed && { functionError: 'Unhandled' as const }),
      report: { outcome: 'success', durationMs: 1, billedMs: 1, maxMemoryMb: 1, start: 'warm' },
    }
  }
  const loop = runQueueLoop(
    {
      mapping,
      region: REGION,
      source,
      passes,
      invoke,
      progress,
      batchesMax: 20,
      report: console.error,
    },
    end.signal,
  )
  let stopped: Promise<void> | undefined
  const stop = () => {
    end.abort()
    stopped ??= loop.then(() => source.close())
    return stopped
  }
  stops.push(stop)
  return { batches, requests, progress, stop }
}

async function eventually(what: () => boolean | Promise<boolean>, withinMs = 30_000) {
  for (const giveUpAt = Date.now() + withinMs; !(await what()); ) {
    if (Date.now() > giveUpAt) throw new Error('it did not come to that')
    await pause(50)
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const fine: Play = async () => ({})
const bodiesOf = (batches: readonly SqsRecord[][]) => batches.flat().map(({ body }) => body)
const numbered = (count: number) => Array.from({ length: count }, (_, index) => `${index}`)

describe('batches', () => {
  test('hold no more than their size, and all records come through once', async () => {
    const queue = await sqs.create()
    await queue.send(numbered(57))
    const loop = await run({ sourceArn: queue.arn, functionName: 'f', qualifier: 'live' }, fine)
    await eventually(async () => (await queue.count()) === 0)
    expect(bodiesOf(loop.batches).sort()).toEqual(numbered(57).sort())
    expect(Math.max(...loop.batches.map(({ length }) => length))).toBeLessThanOrEqual(10)
    expect(loop.requests[0]).toMatchObject({
      account: '000000000000',
      functionName: 'f',
      qualifier: 'live',
      invokedArn: `arn:aws:lambda:${REGION}:000000000000:function:f:live`,
    })
    expect(loop.progress.figures()).toMatchObject({ received: 57, invoked: 57, failed: 0 })
    expect(loop.progress.unwritten()).toBe('OK')
  })

  test('gather over several receipts for as long as their window', async () => {
    const queue = await sqs.create({ VisibilityTimeout: '2' })
    const startedAt = Date.now()
    const loop = await run({ sourceArn: queue.arn, batchSize: 100, batchingWindowSeconds: 4 }, fine)
    await queue.send(numbered(12))
    await pause(2_500)
    await queue.send(['late'])
    await eventually(async () => (await queue.count()) === 0)
    expect(loop.batches.map(({ length }) => length)).toEqual([13])
    expect(Date.now() - startedAt).toBeGreaterThan(3_500)
    // The queue would have handed them out again long before, had they not been kept away.
    expect(loop.progress.figures().received).toBe(13)
  })

  test('are sent before their window has passed when they are full', async () => {
    const queue = await sqs.create()
    const loop = await run(
      { sourceArn: queue.arn, batchSize: 25, batchingWindowSeconds: 300 },
      fine,
    )
    await queue.send(numbered(25))
    await eventually(async () => (await queue.count()) === 0)
    expect(loop.batches.map(({ length }) => length)).toEqual([25])
  })

  test('stay below the limit of a payload', async () => {
    const queue = await sqs.create()
    const large = 'x'.repeat(250_000)
    for (let sent = 0; sent < 30; sent += 1) await queue.send([large])
    const loop = await run(
      { sourceArn: queue.arn, batchSize: 1_000, batchingWindowSeconds: 15 },
      fine,
    )
    await eventually(async () => (await queue.count()) === 0, 50_000)
    expect(loop.batches.flat().length).toBe(30)
    for (const { payload } of loop.requests) expect(payload.length).toBeLessThanOrEqual(6_291_456)
    // 25 of them are 6.2 MB.
    expect(loop.batches[0]?.length).toBe(25)
  })

  test('without records that no pattern matches, which are deleted', async () => {
    const queue = await sqs.create()
    await queue.send(['{"kind":"wanted"}', '{"kind":"other"}', 'no document'])
    const loop = await run({ sourceArn: queue.arn }, fine, {
      passes: ({ body }) => (body as { kind?: string }).kind === 'wanted',
    })
    await eventually(async () => (await queue.count()) === 0)
    expect(bodiesOf(loop.batches)).toEqual(['{"kind":"wanted"}'])
    expect(loop.progress.figures()).toMatchObject({ received: 3, filteredOut: 2, invoked: 1 })
  })

  test('run beside each other while there is more, and never more than may be', async () => {
    const queue = await sqs.create()
    let [now, most] = [0, 0]
    await queue.send(numbered(40))
    await run({ sourceArn: queue.arn, batchSize: 1, maximumConcurrency: 3 }, async () => {
      now += 1
      most = Math.max(most, now)
      await pause(300)
      now -= 1
      return {}
    })
    await eventually(async () => (await queue.count()) === 0)
    expect(most).toBe(3)
  })
})

describe('failures', () => {
  test('that the function names come back alone', async () => {
    const queue = await sqs.create({ VisibilityTimeout: '2' })
    await queue.send(['good', 'bad', 'fine'])
    const loop = await run(
      { sourceArn: queue.arn, reportsItemFailures: true },
      async (records) => ({
        answer: {
          batchItemFailures: records
            .filter((one) => one.body === 'bad' && one.attributes.ApproximateReceiveCount === '1')
            .map(({ messageId }) => ({ itemIdentifier: messageId })),
        },
      }),
    )
    await eventually(async () => (await queue.count()) === 0)
    expect(bodiesOf(loop.batches).sort()).toEqual(['bad', 'bad', 'fine', 'good'])
    expect(loop.progress.figures()).toMatchObject({ invoked: 4, failed: 1 })
  })

  test('of a poisonous record end in the dead-letter queue of the queue itself', async () => {
    const dead = await sqs.create()
    const redrive = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 3 })
    const queue = await sqs.create({ VisibilityTimeout: '1', RedrivePolicy: redrive })
    await queue.send(['poison'])
    const loop = await run({ sourceArn: queue.arn }, async () => ({ failed: true }))
    await eventually(async () => (await dead.count()) === 1)
    expect(await dead.bodies()).toEqual(['poison'])
    const counts = loop.batches.flat().map((one) => one.attributes.ApproximateReceiveCount)
    expect(counts).toEqual(['1', '2', '3'])
    expect(loop.progress.unwritten()).toBe('PROBLEM: Function call failed')
  })

  test('to get a place are waited out, and cost no receipt', async () => {
    const queue = await sqs.create({ VisibilityTimeout: '1' })
    await queue.send(['patient'])
    let refusals = 0
    const loop = await run({ sourceArn: queue.arn }, async () => {
      refusals += 1
      if (refusals === 3) throw new ServiceError('ServiceException', 'The scheduler was lost.')
      if (refusals < 5) throw new ServiceError('TooManyRequestsException', 'Rate Exceeded.')
      return {}
    })
    await eventually(async () => (await queue.count()) === 0)
    const counts = loop.batches.flat().map((one) => one.attributes.ApproximateReceiveCount)
    expect(counts).toEqual(['1', '1', '1', '1', '1'])
    expect(loop.progress.figures()).toMatchObject({ received: 1, invoked: 1, refused: 4 })
    expect(new Set(loop.requests.map(({ requestId }) => requestId)).size).toBe(5)
  })
})

test('a function may run longer than the visibility timeout, and is given nothing twice', async () => {
  const queue = await sqs.create({ VisibilityTimeout: '2' })
  await queue.send(['slow'])
  const loop = await run({ sourceArn: queue.arn }, async () => {
    await pause(13_000)
    return {}
  })
  await eventually(async () => (await queue.count()) === 0, 40_000)
  expect(bodiesOf(loop.batches)).toEqual(['slow'])
})

/**
 * moto looks at which groups are taken once, when a poll begins, so two polls at a time can take
 * one group apart, which SQS never does.
 */
function inTurns(source: QueueSource): QueueSource {
  let turn: Promise<unknown> = Promise.resolve()
  const receive: QueueSource['receive'] = (asked) => {
    const records = turn.then(() => source.receive({ ...asked, waitMs: 0 }))
    turn = records.catch(() => {})
    return records
  }
  return { ...source, receive }
}

test('groups stay in order, whatever fails in between', async () => {
  const queue = await sqs.create({ FifoQueue: 'true', VisibilityTimeout: '4' })
  const done: string[] = []
  const running = new Set<string>()
  let overlaps = 0
  for (let turn = 0; turn < 6; turn += 1) {
    for (const group of ['a', 'b', 'c']) await queue.send([`${group}${turn}`], group)
  }
  const failsOnce = new Set(['a1', 'b3', 'b4', 'c0'])
  const play: Play = async (records) => {
    const groups = [...new Set(records.map((one) => one.attributes.MessageGroupId ?? ''))]
    for (const group of groups) {
      if (running.has(group)) overlaps += 1
      running.add(group)
    }
    await pause(100)
    for (const group of groups) running.delete(group)
    const failed = records.filter(({ body }) => failsOnce.delete(body))
    const stopped = new Set(failed.map((one) => one.attributes.MessageGroupId))
    const seen = new Set<string | undefined>()
    for (const record of records) {
      if (failed.includes(record)) seen.add(record.attributes.MessageGroupId)
      if (!seen.has(record.attributes.MessageGroupId)) done.push(record.body)
    }
    expect(stopped).toEqual(seen)
    return {
      answer: {
        batchItemFailures: failed.map(({ messageId: itemIdentifier }) => ({ itemIdentifier })),
      },
    }
  }
  const settings = { sourceArn: queue.arn, batchSize: 3, reportsItemFailures: true }
  await run(settings, play, { through: inTurns })
  await eventually(async () => (await queue.count()) === 0, 60_000)
  for (const group of ['a', 'b', 'c']) {
    // A record may be given again when its deletion was late; it never overtakes another.
    const order = new Set(done.filter((body) => body.startsWith(group)))
    expect([...order]).toEqual(numbered(6).map((turn) => `${group}${turn}`))
  }
  expect(overlaps).toBe(0)
})

test('a loop that is stopped lets finish what runs, and gives back what it gathered', async () => {
  const queue = await sqs.create({ VisibilityTimeout: '60' })
  await queue.send(['running'])
  const first = await run({ sourceArn: queue.arn, batchSize: 1 }, async () => {
    await pause(3_000)
    return {}
  })
  await eventually(() => first.batches.length === 1)
  const gathering = await sqs.create({ VisibilityTimeout: '60' })
  await gathering.send(['gathered'])
  const second = await run(
    { sourceArn: gathering.arn, batchSize: 100, batchingWindowSeconds: 200 },
    fine,
  )
  await eventually(() => second.progress.figures().received === 1)
  await Promise.all([first.stop(), second.stop()])
  expect(await queue.count()).toBe(0)
  expect(second.batches).toEqual([])
  expect(await gathering.bodies()).toEqual(['gathered'])
})

test('when the owner is killed in the midst of batches, another runs all of them', async () => {
  const queue = await sqs.create({ VisibilityTimeout: '3' })
  await queue.send(numbered(40))
  const child = spawnOwner(queue.arn)
  await eventually(() => child.began() >= 3)
  child.process.kill('SIGKILL')
  const loop = await run({ sourceArn: queue.arn }, fine)
  await eventually(async () => (await queue.count()) === 0, 50_000)
  expect([...new Set(bodiesOf(loop.batches))].sort()).toEqual(numbered(40).sort())
})

/** A loop in a process of its own, whose function never ends. */
function spawnOwner(sourceArn: string) {
  const at = (path: string) => JSON.stringify(new URL(path, import.meta.url))
  const options = { ...optionsFor(mappingOf({ sourceArn })), aws: undefined }
  const program = `
    import { followProgress } from ${at('./mapping-progress.ts')}
    import { runQueueLoop } from ${at('./queue-loop.ts')}
    import { openSqs } from ${at('./sources/sqs.ts')}
    const options = ${JSON.stringify(options)}
    options.aws = {
      region: ${JSON.stringify(REGION)},
      endpoint: () => ${JSON.stringify(moto.url)},
      credentials: ${JSON.stringify(CREDENTIALS)},
    }
    const { mapping, region } = options
    const invoke = () => { console.log('began'); return new Promise(() => {}) }
    await runQueueLoop({
      mapping, region, invoke,
      source: await openSqs(options),
      passes: () => true,
      progress: followProgress(mapping),
      batchesMax: 20,
      report: console.error,
    }, new AbortController().signal)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let began = 0
  child.stdout.on('data', (chunk: Buffer) => {
    began += chunk.toString().split('began').length - 1
  })
  return { process: child, began: () => began }
}
