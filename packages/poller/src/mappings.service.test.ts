// Mappings from their record to their records: states moved on, loops begun, changed, handed over
// and taken away, by one poller and by several, on real NATS, Valkey and SQS.

import { type ChildProcess, spawn } from 'node:child_process'
import { openClaims as openBodies } from '@hearth/bus/claims'
import { connectBus } from '@hearth/bus/connect'
import { type Acceptance, type SourceAnswer, SUBJECTS } from '@hearth/bus/messages'
import { createRequests, type Requests } from '@hearth/bus/requests'
import {
  createMapping,
  deleteMapping,
  type EventSourceMapping,
  updateMapping,
} from '@hearth/core/event-source-mapping'
import { connectLeases } from '@hearth/leases/connect'
import { type Checkpoints, openCheckpoints } from '@hearth/store/checkpoints'
import { openClaims } from '@hearth/store/claims'
import { createEnvelope } from '@hearth/store/envelope'
import {
  type EventSourceMappings,
  openEventSourceMappings,
} from '@hearth/store/event-source-mappings'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startMoto } from '../../../e2e/neighbours.ts'
import { type Nats, type Server, startNats, startValkey } from '../../../e2e/servers.ts'
import { type Mappings, type MappingsParts, startMappings } from './mappings.ts'
import { openShares } from './shares.ts'
import { ACCOUNT, CREDENTIALS, openTestSqs, REGION, type TestSqs } from './sources/sqs-harness.ts'

const envelope = createEnvelope([Buffer.alloc(32, 1)])
let moto: Server
let nats: Nats
let valkey: Server
let sqs: TestSqs
/** The control side: it stores mappings and asks questions, as a gateway does. */
let control: { mappings: EventSourceMappings; checkpoints: Checkpoints; requests: Requests }
let closing: (() => Promise<unknown>)[] = []
const children: ChildProcess[] = []

beforeAll(async () => {
  ;[moto, nats, valkey] = await Promise.all([startMoto(), startNats(), startValkey()])
  sqs = openTestSqs(moto.url)
  const bus = await connectBus({ url: nats.url, monitorUrl: nats.monitorUrl })
  const bodies = await openBodies('127.0.0.1', '127.0.0.1')
  control = {
    mappings: await openEventSourceMappings(bus, envelope),
    checkpoints: await openCheckpoints(bus),
    requests: createRequests(bus, bodies),
  }
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const close of closing.reverse()) await close()
  closing = []
  for (const { account, uuid } of control.mappings.all()) {
    await control.mappings.change(account, uuid, (now) => gone(now as EventSourceMapping))
    await control.mappings.remove(account, uuid)
  }
})
afterAll(async () => {
  sqs?.client.destroy()
  await Promise.all([moto, nats, valkey].map((server) => server?.stop()))
})

const gone = (mapping: EventSourceMapping) =>
  mapping.state === 'Deleting' ? mapping : deleteMapping(mapping, Date.now())

interface Poller extends Mappings {
  /** Bodies that the function was given, in the order in which it was. */
  bodies: string[]
}

async function join(parts: Partial<MappingsParts> = {}): Promise<Poller> {
  const bus = await connectBus({ url: nats.url, monitorUrl: nats.monitorUrl })
  const claimBodies = await openBodies('127.0.0.1', '127.0.0.1')
  const requests = createRequests(bus, claimBodies)
  const leases = connectLeases(valkey.url)
  const claims = await openClaims(bus)
  const shares = openShares({ requests, leases, claims, report: console.error })
  const bodies: string[] = []
  const mappings = startMappings({
    region: REGION,
    requests,
    shares,
    claims,
    mappings: await openEventSourceMappings(bus, envelope),
    checkpoints: await openCheckpoints(bus),
    invoke: async ({ requestId, payload }) => {
      const { Records } = JSON.parse(Buffer.from(payload).toString())
      bodies.push(...Records.map(({ body }: { body: string }) => body))
      return {
        requestId,
        executedVersion: '$LATEST',
        payload: Buffer.from('null'),
        report: { outcome: 'success', durationMs: 1, billedMs: 1, maxMemoryMb: 1, start: 'warm' },
      }
    },
    aws: { region: REGION, endpoint: () => moto.url, credentials: CREDENTIALS },
    natsUrl: nats.url,
    valkeyUrl: valkey.url,
    batchesMax: 10,
    report: () => {},
    runStream: async () => {},
    judgeStream: async () => ({ usable: true }),
    ...parts,
  })
  closing.push(async () => {
    await mappings.close()
    await leases.close()
    await claimBodies.close()
    await bus.close()
  })
  return { ...mappings, bodies }
}

async function store(
  source: Parameters<typeof createMapping>[0] extends infer About ? Partial<About> : never,
  wish: Parameters<typeof createMapping>[1] = {},
): Promise<EventSourceMapping> {
  const mapping = createMapping(
    {
      kind: 'sqs',
      account: ACCOUNT,
      functionName: 'f',
      tags: {},
      uuid: crypto.randomUUID(),
      ...source,
    },
    wish,
    Date.now(),
  )
  expect(await control.mappings.create(mapping)).toBe('created')
  return mapping
}

const change = (uuid: string, how: (mapping: EventSourceMapping) => EventSourceMapping) =>
  control.mappings.change(ACCOUNT, uuid, (now) => how(now as EventSourceMapping))
const set = (uuid: string, wish: Parameters<typeof updateMapping>[1]) =>
  change(uuid, (mapping) => updateMapping(mapping, wish, Date.now()))
const now = (uuid: string) => control.mappings.cached(ACCOUNT, uuid)

async function eventually(what: () => boolean | Promise<boolean>, withinMs = 30_000) {
  for (const giveUpAt = Date.now() + withinMs; !(await what()); ) {
    if (Date.now() > giveUpAt) throw new Error('it did not come to that')
    await pause(50)
  }
}
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const numbered = (count: number) => Array.from({ length: count }, (_, index) => `${index}`)

describe('a mapping', () => {
  test('is taken up, says how it goes, rests, goes on, and goes', async () => {
    const queue = await sqs.create()
    const { uuid } = await store({ sourceArn: queue.arn })
    const poller = await join()
    await eventually(() => now(uuid)?.state === 'Enabled')
    expect(now(uuid)?.stateReason).toBe('USER_INITIATED')
    await queue.send(['one'])
    await eventually(() => poller.bodies.length === 1 && now(uuid)?.lastResult === 'OK')
    expect(poller.figures()).toMatchObject([{ uuid, received: 1, invoked: 1, failed: 0 }])

    await set(uuid, { enabled: false })
    expect(now(uuid)?.state).toBe('Disabling')
    await eventually(() => now(uuid)?.state === 'Disabled')
    await queue.send(['two'])
    await pause(3_000)
    expect(await queue.count()).toBe(1)

    await set(uuid, { enabled: true })
    await eventually(() => now(uuid)?.state === 'Enabled')
    await eventually(() => poller.bodies.length === 2)

    await set(uuid, { filters: ['{"body":{"kind":["wanted"]}}'] })
    await eventually(() => now(uuid)?.state === 'Enabled')
    await queue.send(['{"kind":"wanted"}', '{"kind":"other"}', 'three'])
    await eventually(async () => (await queue.count()) === 0)
    expect(poller.bodies).toEqual(['one', 'two', '{"kind":"wanted"}'])

    await change(uuid, gone)
    await eventually(() => now(uuid) === undefined)
    await queue.send(['four'])
    await pause(1_000)
    expect(await queue.count()).toBe(1)
  })

  test('that is made disabled becomes Disabled, and is never read for', async () => {
    const queue = await sqs.create()
    await queue.send(['waits'])
    const { uuid } = await store({ sourceArn: queue.arn }, { enabled: false })
    const poller = await join()
    await eventually(() => now(uuid)?.state === 'Disabled')
    await pause(500)
    expect(poller.bodies).toEqual([])
  })

  test('whose source is not there says so, and goes on when it is', async () => {
    const queue = await sqs.create()
    const later = `later-${Date.now()}`
    const arn = queue.arn.replace(/[^:]+$/, later)
    const { uuid } = await store({ sourceArn: arn })
    const poller = await join()
    await eventually(() => now(uuid)?.lastResult?.startsWith('PROBLEM: Connection error') === true)
    expect(now(uuid)?.state).toBe('Enabled')
    await (await sqs.create({}, later)).send(['at last'])
    await eventually(() => poller.bodies.includes('at last'), 60_000)
    await eventually(() => now(uuid)?.lastResult === 'OK')
  })

  test('has its sources judged by whoever polls', async () => {
    const queue = await sqs.create()
    await join()
    const ask = async (sourceArn: string): Promise<SourceAnswer | undefined> => {
      const mapping = createMapping(
        { kind: 'sqs', account: ACCOUNT, functionName: 'f', tags: {}, uuid: 'x', sourceArn },
        {},
        0,
      )
      const answer = await control.requests.ask<unknown, Acceptance, SourceAnswer>(
        SUBJECTS.sources,
        { meta: { mapping }, body: new Uint8Array(0) },
        { firstWithinMs: 2_000, lastWithinMs: 10_000, promisesLast: (word) => word.accepted },
      )
      return answer.kind === 'answered' ? (await answer.last).meta : undefined
    }
    await eventually(async () => 'usable' in ((await ask(queue.arn)) ?? {}))
    expect(await ask(`arn:aws:sqs:${REGION}:${ACCOUNT}:missing`)).toMatchObject({
      code: 'InvalidParameterValueException',
      message: expect.stringMatching(/^Error occurred while ReceiveMessage\. SQS Error Code: /),
    })
  })
})

describe('a stream', () => {
  const shards = { kind: 'kinesis' as const, sourceArn: `arn:aws:kinesis:${REGION}:1:stream/s` }
  const from = { start: { position: 'LATEST' as const } }

  test('has one reader at a time, a greater epoch each time, and leaves no checkpoints', async () => {
    const readers: { batchSize: number; epoch: number }[] = []
    let [reading, most] = [0, 0]
    const runStream: MappingsParts['runStream'] = async (run) => {
      reading += 1
      most = Math.max(most, reading)
      readers.push({ batchSize: run.mapping.batchSize, epoch: run.grant.epoch })
      await run.opened()
      await new Promise<void>((resolve) => run.stop.addEventListener('abort', () => resolve()))
      await pause(500)
      reading -= 1
    }
    const { uuid } = await store(shards, from)
    const first = await join({ runStream })
    await eventually(() => now(uuid)?.state === 'Enabled')
    await set(uuid, { batchSize: 7 })
    await eventually(() => readers.length === 2 && now(uuid)?.state === 'Enabled')
    await join({ runStream })
    await first.close()
    await eventually(() => readers.length === 3 && reading === 1)
    expect(readers.map(({ batchSize }) => batchSize)).toEqual([100, 7, 7])
    expect(readers[2]?.epoch).toBeGreaterThan(readers[1]?.epoch ?? 0)
    expect(most).toBe(1)

    const place = { uuid, resets: 0 }
    await control.checkpoints.claim(place, 'shard', readers[2]?.epoch ?? 0)
    expect(await control.checkpoints.claim(place, 'shard', readers[0]?.epoch ?? 0)).toBe('stale')
    await change(uuid, gone)
    await eventually(() => now(uuid) === undefined)
    expect(control.checkpoints.list(place).size).toBe(0)
  })

  test('that fails is begun again, later each time', async () => {
    const begins: number[] = []
    const { uuid } = await store(shards, from)
    await join({
      runStream: async () => {
        begins.push(Date.now())
        throw new Error('as if it were broken')
      },
    })
    await eventually(() => begins.length === 4)
    const waits = begins.slice(1).map((at, index) => at - (begins[index] ?? 0))
    expect(waits[0]).toBeGreaterThanOrEqual(990)
    expect(waits[2]).toBeGreaterThan(2 * (waits[0] ?? 0))
    expect(now(uuid)?.lastResult).toMatch(/^PROBLEM: /)
  })
})

test('when the poller that owns a mapping is killed, another goes on and nothing is lost', async () => {
  const queue = await sqs.create({ VisibilityTimeout: '3' })
  const { uuid } = await store({ sourceArn: queue.arn })
  const child = spawnPoller()
  await eventually(() => now(uuid)?.state === 'Enabled')
  await queue.send(numbered(30))
  await eventually(() => child.bodies.length > 0)
  child.process.kill('SIGKILL')
  const poller = await join()
  await eventually(async () => (await queue.count()) === 0, 60_000)
  const all = new Set([...child.finished, ...poller.bodies])
  expect([...all].sort()).toEqual(numbered(30).sort())
})

/** A poller in a process of its own, whose function takes half a second. */
function spawnPoller() {
  const at = (path: string) => JSON.stringify(new URL(path, import.meta.url))
  const program = `
    import { openClaims as openBodies } from ${at('../../bus/src/claims.ts')}
    import { connectBus } from ${at('../../bus/src/connect.ts')}
    import { createRequests } from ${at('../../bus/src/requests.ts')}
    import { connectLeases } from ${at('../../leases/src/connect.ts')}
    import { openCheckpoints } from ${at('../../store/src/checkpoints.ts')}
    import { openClaims } from ${at('../../store/src/claims.ts')}
    import { createEnvelope } from ${at('../../store/src/envelope.ts')}
    import { openEventSourceMappings } from ${at('../../store/src/event-source-mappings.ts')}
    import { startMappings } from ${at('./mappings.ts')}
    import { openShares } from ${at('./shares.ts')}
    const bus = await connectBus(${JSON.stringify({ url: nats.url, monitorUrl: nats.monitorUrl })})
    const requests = createRequests(bus, await openBodies('127.0.0.1', '127.0.0.1'))
    const claims = await openClaims(bus)
    const leases = connectLeases(${JSON.stringify(valkey.url)})
    startMappings({
      region: ${JSON.stringify(REGION)}, requests, claims,
      shares: openShares({ requests, leases, claims, report: console.error }),
      mappings: await openEventSourceMappings(bus, createEnvelope([Buffer.alloc(32, 1)])),
      checkpoints: await openCheckpoints(bus),
      invoke: async ({ requestId, payload }) => {
        const bodies = JSON.parse(Buffer.from(payload)).Records.map(({ body }) => body)
        console.log('began', ...bodies)
        await new Promise((resolve) => setTimeout(resolve, 500))
        console.log('ended', ...bodies)
        return { requestId, executedVersion: '1', payload: Buffer.from('null'), report: {} }
      },
      aws: {
        region: ${JSON.stringify(REGION)},
        endpoint: () => ${JSON.stringify(moto.url)},
        credentials: ${JSON.stringify(CREDENTIALS)},
      },
      natsUrl: '', valkeyUrl: '', batchesMax: 2, report: console.error,
      runStream: async () => {}, judgeStream: async () => ({ usable: true }),
    })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const [bodies, finished]: [string[], string[]] = [[], []]
  child.stdout.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().trim().split('\n')) {
      const [what, ...named] = line.split(' ')
      ;(what === 'began' ? bodies : finished).push(...named)
    }
  })
  return { process: child, bodies, finished }
}
