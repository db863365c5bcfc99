// How NATS is, as metrics tell it, on a real one: round trips, the disk, Hearth's own streams by
// name and all others together; and soon nothing, once it is gone.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Nats, startNats } from '../../../e2e/servers.ts'
import { type Bus, connectBus } from './connect.ts'
import { type BusHealth, watchHealth } from './health.ts'
import { createStreams } from './streams.ts'

const LIMITS = { bytesMax: 1_000_000, ageSecondsMax: 60 }

let nats: Nats
let bus: Bus
let health: BusHealth
beforeAll(async () => {
  nats = await startNats()
  bus = await connectBus(nats)
  health = watchHealth(bus, nats.monitorUrl)
})
afterAll(async () => {
  await bus?.close()
  await nats?.stop()
})

test('tells round trips, the disk, and streams under few names', async () => {
  const streams = await createStreams(bus)
  for (const [name, subjects] of [
    ['METER', 'meter.>'],
    ['THEIRS', 'theirs.>'],
    ['KV_theirs', 'more.>'],
  ] as const) {
    await streams.open({ name, subjects, ...LIMITS })
  }
  await streams.append('meter.a', Buffer.alloc(1_000))
  for (const subject of ['theirs.a', 'theirs.b', 'more.a']) {
    await streams.append(subject, Buffer.alloc(500))
  }
  expect(await health.roundTrip()).toBeLessThan(1_000)
  const told = await health.streams()
  expect(told.map(({ name, messages, bytesMax }) => ({ name, messages, bytesMax }))).toEqual([
    { name: 'METER', messages: 1, bytesMax: 1_000_000 },
    { name: 'other', messages: 3, bytesMax: undefined },
  ])
  expect(told[0]?.bytes).toBeGreaterThan(1_000)
  const storage = await health.storage()
  expect(storage?.bytes).toBeGreaterThan(2_500)
  // As deploy/nats.conf has it.
  expect(storage?.bytesMax).toBe(16 * 1024 ** 3)
})

test('tells soon that it does not answer, and tells again when it does', async () => {
  await nats.kill()
  const askedAt = performance.now()
  const answers = [health.roundTrip(), health.storage(), health.streams()]
  expect(await Promise.all(answers)).toEqual([undefined, undefined, []])
  expect(performance.now() - askedAt).toBeLessThan(3_000)
  await nats.start()
  await expect.poll(() => health.roundTrip(), { timeout: 15_000 }).toBeGreaterThanOrEqual(0)
})
