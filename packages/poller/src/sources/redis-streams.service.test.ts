// Redis Streams on a real Valkey: the contract of queues, the record as it is documented, a server
// that forgets, a poller that dies, and keys that are refused.

import type { EventSourceMapping } from '@hearth/core/event-source-mapping'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Server, startValkey } from '../../../../e2e/servers.ts'
import { keepsQueueContract, mappingOf, receiveAll } from './queue-source.contract.ts'
import { judgeRedisStream, openRedisStream, removeRedisStream } from './redis-streams.ts'
import type { SourceOptions } from './source.ts'

const REGION = 'eu-central-1'
const ACCOUNT = '123456789012'

let valkey: Server
let redis: Redis
let serial = 0

beforeAll(async () => {
  valkey = await startValkey()
  redis = new Redis(valkey.url)
})
afterAll(async () => {
  redis?.disconnect()
  await valkey?.stop()
})

const optionsFor = (mapping: Partial<EventSourceMapping>): SourceOptions => ({
  mapping: mappingOf(mapping),
  region: REGION,
  aws: { region: REGION, endpoint: () => undefined },
  natsUrl: '',
  valkeyUrl: valkey.url,
})

const nameIt = () => {
  serial += 1
  return `source-${serial}`
}

const keyArn = (key: string) => `arn:aws-hearth:redis:${REGION}:${ACCOUNT}:${key}`

describe('Redis Streams', () => {
  keepsQueueContract(async () => {
    const key = nameIt()
    const options = optionsFor({ kind: 'redis', sourceArn: keyArn(key) })
    return {
      open: () => openRedisStream(options),
      bodyOf: ({ event }) => (event.fields as Record<string, string>).body ?? '',
      async send(bodies) {
        for (const body of bodies) await redis.xadd(key, '*', 'body', body)
      },
    }
  })

  test('hands out records as Hearth documents them, and goes on after a server forgot', async () => {
    const key = `${nameIt()}:with:colons`
    const options = optionsFor({ kind: 'redis', sourceArn: keyArn(key) })
    await redis.xadd(key, '1700000000000-1', 'order', '{"a":1}', 'plain', 'text')
    const source = await openRedisStream(options)
    const [record] = await receiveAll(source, 1)
    expect(record?.event).toEqual({
      eventSource: 'hearth:redis',
      eventSourceARN: keyArn(key),
      awsRegion: REGION,
      stream: key,
      id: '1700000000000-1',
      time: '2023-11-14T22:13:20.000Z',
      fields: { order: '{"a":1}', plain: 'text' },
      deliveryCount: 1,
    })
    expect(record?.filtered.fields).toEqual({ order: { a: 1 }, plain: 'text' })
    await redis.del(key)
    await redis.xadd(key, '*', 'order', 'after')
    const [later] = await receiveAll(source, 1)
    expect(later?.event.fields).toEqual({ order: 'after' })
    await source.close()
    await removeRedisStream(options)
    expect(await redis.xinfo('GROUPS', key)).toEqual([])
  })

  test('counts deliveries, and takes over what a dead poller held', async () => {
    const key = nameIt()
    const options = optionsFor({ kind: 'redis', sourceArn: keyArn(key) })
    const group = `hearth-${options.mapping.uuid}`
    await redis.xadd(key, '*', 'body', 'held')
    await redis.xgroup('CREATE', key, group, '0')
    await redis.xreadgroup('GROUP', group, 'dead', 'COUNT', 1, 'STREAMS', key, '>')
    const [[id] = []] = (await redis.xrange(key, '-', '+')) as [string, string[]][]
    await redis.call('XCLAIM', key, group, 'dead', '0', id ?? '', 'IDLE', '29000', 'JUSTID')
    const source = await openRedisStream(options)
    const [record] = await receiveAll(source, 1, 5_000)
    expect(record?.id).toBe(id)
    expect(record?.event.deliveryCount).toBe(2)
    await source.close()
  })

  test("refuses keys of another kind, and Hearth's own", async () => {
    const judge = (key: string) =>
      judgeRedisStream(optionsFor({ kind: 'redis', sourceArn: keyArn(key) }))
    await redis.set('a-string', 'x')
    expect(await judge('not-there-yet')).toEqual({ usable: true })
    expect(await judge('a-string')).toMatchObject({
      message: 'The key a-string holds a string and not a stream.',
    })
    expect(await judge('hearth:owner:x')).toMatchObject({
      message: expect.stringMatching(/Hearth's own/),
    })
  })
})
