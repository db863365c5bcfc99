// Mappings and their checkpoints on a real NATS: no pair is mapped twice whoever comes at the same
// moment, changes lose no race, and a shard that was taken over is out of its former owner's reach.

import type { Bus } from '@hearth/bus/connect'
import { connectBus } from '@hearth/bus/connect'
import { createMapping, deleteMapping, updateMapping } from '@hearth/core/event-source-mapping'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Nats, startNats } from '../../../e2e/servers.ts'
import { type Checkpoints, openCheckpoints } from './checkpoints.ts'
import { createEnvelope } from './envelope.ts'
import { type EventSourceMappings, openEventSourceMappings } from './event-source-mappings.ts'

const ACCOUNT = '000000000000'
const envelope = createEnvelope([Buffer.alloc(32, 1)])
let nats: Nats
let bus: Bus
let mappings: EventSourceMappings
let others: EventSourceMappings
let checkpoints: Checkpoints

beforeAll(async () => {
  nats = await startNats()
  bus = await connectBus({ url: nats.url, monitorUrl: nats.monitorUrl })
  mappings = await openEventSourceMappings(bus, envelope)
  others = await openEventSourceMappings(bus, envelope)
  checkpoints = await openCheckpoints(bus)
})
afterAll(async () => {
  for (const opened of [mappings, others, checkpoints]) opened?.close()
  await bus?.close()
  await nats?.stop()
})

const make = (queue: string, functionName = 'f') =>
  createMapping(
    {
      kind: 'sqs',
      sourceArn: `arn:aws:sqs:us-east-1:${ACCOUNT}:${queue}`,
      account: ACCOUNT,
      uuid: crypto.randomUUID(),
      functionName,
      tags: {},
    },
    {},
    1,
  )

describe('mappings', () => {
  test('are found by uuid, function and source', async () => {
    const mapping = make('found')
    expect(await mappings.create(mapping)).toBe('created')
    await mappings.create(make('found', 'g'))
    expect(mappings.cached(ACCOUNT, mapping.uuid)).toEqual(mapping)
    expect(mappings.cached('111111111111', mapping.uuid)).toBeUndefined()
    expect(mappings.ofFunction(ACCOUNT, 'f')).toContainEqual(mapping)
    expect(mappings.ofSource(ACCOUNT, mapping.sourceArn as string)).toHaveLength(2)
    expect(mappings.all().length).toBe(mappings.list(ACCOUNT).length)
  })

  test('are never two of a pair, not even when both come at the same moment', async () => {
    for (let round = 0; round < 20; round += 1) {
      const pair = [make(`pair-${round}`), make(`pair-${round}`)] as const
      const outcomes = await Promise.all([mappings.create(pair[0]), others.create(pair[1])])
      const created = outcomes.filter((outcome) => outcome === 'created')
      expect(created.length).toBeLessThanOrEqual(1)
      const stored = () => pair.filter(({ uuid }) => others.cached(ACCOUNT, uuid)).length
      await expect.poll(stored).toBe(created.length)
    }
  })

  test('lose no change when many come at the same moment', async () => {
    const mapping = make('busy')
    await mappings.create(mapping)
    const grow = (store: EventSourceMappings) =>
      store.change(ACCOUNT, mapping.uuid, (found) => {
        if (!found) throw new Error('there is none')
        return updateMapping(found, { batchSize: (found.batchSize % 10) + 1 }, 2)
      })
    await Promise.all(Array.from({ length: 8 }, (_, index) => grow(index % 2 ? mappings : others)))
    expect((await grow(mappings)).generation).toBe(10)
  })

  test('go only once they are being deleted', async () => {
    const mapping = make('going')
    await mappings.create(mapping)
    await mappings.remove(ACCOUNT, mapping.uuid)
    expect(mappings.cached(ACCOUNT, mapping.uuid)).toBeDefined()
    await mappings.change(ACCOUNT, mapping.uuid, (found) => deleteMapping(found as never, 2))
    expect(await mappings.create(make('going'))).toMatchObject({ rival: { state: 'Deleting' } })
    await mappings.remove(ACCOUNT, mapping.uuid)
    expect(mappings.cached(ACCOUNT, mapping.uuid)).toBeUndefined()
    expect(await mappings.create(make('going'))).toBe('created')
  })
})

describe('checkpoints', () => {
  const place = (uuid: string, resets = 0) => ({ uuid, resets })
  const taken = async (uuid: string, epoch: number, resets = 0) => {
    const claim = await checkpoints.claim(place(uuid, resets), 'topic.a/0', epoch)
    if (claim === 'stale') throw new Error('somebody has it')
    return claim
  }

  test('go on from where the last owner was, and he can no longer write', async () => {
    const first = await taken('a', 1)
    expect(first.value).toEqual({ epoch: 1 })
    const at = place('a')
    const write = (position: string, epoch: number, revision: number) =>
      checkpoints.advance(at, 'topic.a/0', { position, epoch, revision })
    const next = await write('10', 1, first.revision)
    if (next === 'stale') throw new Error('nobody else has it')
    const second = await taken('a', 2)
    expect(second.value).toEqual({ position: '10', epoch: 2 })
    expect(await write('11', 1, next)).toBe('stale')
    expect(await checkpoints.claim(at, 'topic.a/0', 1)).toBe('stale')
    expect(await write('12', 2, second.revision)).toEqual(expect.any(Number))
    expect(checkpoints.list(at)).toEqual(new Map([['topic.a/0', { position: '12', epoch: 2 }]]))
  })

  test('keep the state of a window beside the position', async () => {
    const { revision } = await taken('w', 1)
    const state = { window: { start: 5 }, state: { sum: 3 } }
    await checkpoints.advance(place('w'), 'topic.a/0', { position: '3', epoch: 1, state, revision })
    expect((await taken('w', 2)).value).toEqual({ position: '3', epoch: 2, state })
  })

  test('from before a reset never come back', async () => {
    const { revision } = await taken('r', 1)
    const anew = await taken('r', 2, 1)
    expect(anew.value).toEqual({ epoch: 2 })
    const late = { position: '99', epoch: 1, revision }
    await checkpoints.advance(place('r', 0), 'topic.a/0', late)
    expect(checkpoints.list(place('r', 1)).get('topic.a/0')).toEqual({ epoch: 2 })
    await checkpoints.sweep(place('r', 1), 'former')
    expect(checkpoints.list(place('r', 0)).size).toBe(0)
    expect(checkpoints.list(place('r', 1)).size).toBe(1)
    expect(await checkpoints.advance(place('r', 0), 'topic.a/0', late)).toBe('stale')
    await checkpoints.sweep(place('r', 1), 'all')
    expect(checkpoints.list(place('r', 1)).size).toBe(0)
  })
})
