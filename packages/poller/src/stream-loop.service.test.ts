// Shards shared out between two pollers, one of which is killed in the midst: on the streams of
// moto, the leases of a real Valkey and the checkpoints of a real NATS.

import { type ChildProcess, spawn } from 'node:child_process'
import { openClaims as openBodies } from '@hearth/bus/claims'
import { connectBus } from '@hearth/bus/connect'
import { createRequests } from '@hearth/bus/requests'
import { connectLeases } from '@hearth/leases/connect'
import { openCheckpoints } from '@hearth/store/checkpoints'
import { openClaims } from '@hearth/store/claims'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startMoto } from '../../../e2e/neighbours.ts'
import { type Nats, type Server, startNats, startValkey } from '../../../e2e/servers.ts'
import { openShares } from './shares.ts'
import { openKinesis } from './sources/kinesis.ts'
import { createTestStream } from './sources/kinesis-harness.ts'
import { mappingOf } from './sources/queue-source.contract.ts'
import {
  CREDENTIALS,
  eventually,
  pause,
  REGION,
  runLoop,
  type StreamEvent,
} from './stream-harness.ts'

let moto: Server
let nats: Nats
let valkey: Server
const children: ChildProcess[] = []

beforeAll(async () => {
  ;[moto, nats, valkey] = await Promise.all([startMoto(), startNats(), startValkey()])
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await Promise.all([moto, nats, valkey].map((server) => server?.stop()))
})

const textsIn = ({ Records }: StreamEvent) =>
  Records.map((record) => {
    const { data } = (record as { kinesis: { data: string } }).kinesis
    return Buffer.from(data, 'base64').toString()
  })

/** A poller in a process of its own, which says what its function has done. */
function spawnPoller(mapping: object): { process: ChildProcess; texts: string[] } {
  const at = (path: string) => JSON.stringify(new URL(path, import.meta.url))
  const program = `
    import { openClaims as openBodies } from ${at('../../bus/src/claims.ts')}
    import { connectBus } from ${at('../../bus/src/connect.ts')}
    import { createRequests } from ${at('../../bus/src/requests.ts')}
    import { connectLeases } from ${at('../../leases/src/connect.ts')}
    import { openCheckpoints } from ${at('../../store/src/checkpoints.ts')}
    import { openClaims } from ${at('../../store/src/claims.ts')}
    import { openShares } from ${at('./shares.ts')}
    import { openKinesis } from ${at('./sources/kinesis.ts')}
    import { runLoop } from ${at('./stream-harness.ts')}
    import { setTimeout } from 'node:timers/promises'
    const bus = await connectBus(${JSON.stringify({ url: nats.url, monitorUrl: nats.monitorUrl })})
    const mapping = ${JSON.stringify(mapping)}
    runLoop({
      mapping,
      source: await openKinesis({
        mapping,
        region: ${JSON.stringify(REGION)},
        aws: {
          endpoint: () => ${JSON.stringify(moto.url)},
          credentials: ${JSON.stringify(CREDENTIALS)},
        },
      }),
      checkpoints: await openCheckpoints(bus),
      shares: openShares({
        requests: createRequests(bus, await openBodies('127.0.0.1', '127.0.0.1')),
        leases: connectLeases(${JSON.stringify(valkey.url)}),
        claims: await openClaims(bus),
        report: console.error,
      }),
      play: async ({ Records }) => {
        await setTimeout(20)
        for (const { kinesis } of Records) {
          console.log(Buffer.from(kinesis.data, 'base64').toString())
        }
        return {}
      },
    })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const texts: string[] = []
  child.stdout.on('data', (chunk: Buffer) => {
    texts.push(...chunk.toString().trim().split('\n'))
  })
  return { process: child, texts }
}

async function joinPoller(mapping: ReturnType<typeof mappingOf>, seen: string[]) {
  const bus = await connectBus({ url: nats.url, monitorUrl: nats.monitorUrl })
  const bodies = await openBodies('127.0.0.1', '127.0.0.1')
  const leases = connectLeases(valkey.url)
  const shares = openShares({
    ...{ leases, requests: createRequests(bus, bodies) },
    claims: await openClaims(bus),
    report: console.error,
  })
  const aws = { region: REGION, endpoint: () => moto.url, credentials: CREDENTIALS }
  const loop = runLoop({
    ...{ mapping, shares },
    source: await openKinesis({ mapping, region: REGION, aws, natsUrl: '', valkeyUrl: '' }),
    checkpoints: await openCheckpoints(bus),
    play: async (event) => {
      await pause(20)
      seen.push(...textsIn(event))
      return {}
    },
  })
  return async () => {
    await loop.stop()
    await shares.close()
    await leases.close()
    await bodies.close()
    await bus.close()
  }
}

test('a killed owner leaves its shards to another, who skips nothing', async () => {
  const stream = await createTestStream(moto.url, 4)
  const keys = Array.from({ length: 16 }, (_, key) => `${key}`)
  const texts = Array.from({ length: 1_600 }, (_, index) => `${index % 16}:${index}`)
  const keyOf = (text: string) => text.split(':')[0] ?? ''
  await stream.put(texts, keyOf)
  const mapping = mappingOf({
    ...{ kind: 'kinesis', sourceArn: stream.arn, batchSize: 5, startingPosition: 'TRIM_HORIZON' },
  })
  const doomed = spawnPoller(mapping)
  await eventually(() => doomed.texts.length > 50, 60_000)
  const seen: string[] = []
  const leave = await joinPoller(mapping, seen)
  try {
    await eventually(() => seen.length > 20 || doomed.texts.length > 800)
    const early = doomed.texts.length
    doomed.process.kill('SIGKILL')
    expect(early).toBeLessThan(1_600)
    await eventually(() => new Set([...doomed.texts, ...seen]).size === 1_600, 60_000)
    for (const key of keys) {
      const mine = (all: readonly string[]) => all.filter((text) => keyOf(text) === key)
      // Each comes for the first time in the order of its key, whoever had it.
      expect([...new Set(mine([...doomed.texts, ...seen]))]).toEqual(mine(texts))
    }
  } finally {
    await leave()
    stream.close()
  }
}, 180_000)
