// Events on their way to a subscriber that is a real server: batches, order, patience, and what is
// dropped in the end.

import { createServer } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { Delivery } from './telemetry-delivery.ts'
import type { Destination } from './telemetry-subscription.ts'

const closing: { close(): unknown }[] = []
afterEach(() => {
  for (const one of closing.splice(0)) one.close()
})

const listen = (server: Server) =>
  new Promise<number>((resolve) => {
    closing.push(server)
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })

function open(destination: Destination, buffering: object = {}) {
  const delivery = new Delivery(
    {
      api: 'telemetry',
      types: ['platform', 'function'],
      hasObjects: true,
      destination,
      buffering: { maxItems: 1_000, maxBytes: 262_144, timeoutMs: 25, ...buffering },
    },
    {
      dial: (port) =>
        new Promise((resolve, reject) => {
          const socket = connect(port, '127.0.0.1', () => resolve(socket))
          socket.on('error', reject)
        }),
    },
  )
  closing.push(delivery)
  return delivery
}

/** A subscriber that answers with these, and then with 200. */
async function subscriber(...statuses: number[]) {
  const batches: unknown[][] = []
  const port = await listen(
    createServer((request, response) => {
      let body = ''
      request.on('data', (chunk) => {
        body += chunk
      })
      request.on('end', () => {
        const status = statuses.shift() ?? 200
        if (status === 200) batches.push(JSON.parse(body))
        response.writeHead(status).end()
      })
    }),
  )
  return { batches, destination: { protocol: 'HTTP', port, path: '/' } as const }
}
const event = (n: number) => JSON.stringify({ n })

test('events that come together go together, in order, also to one that refuses at first', async () => {
  const { batches, destination } = await subscriber(500)
  const delivery = open(destination)
  for (let n = 0; n < 3; n += 1) delivery.add(event(n))
  await expect.poll(() => batches).toEqual([[{ n: 0 }, { n: 1 }, { n: 2 }]])
  delivery.add(event(3))
  await delivery.flush()
  expect(batches.flat()).toHaveLength(4)
})

test('a batch leaves early when it is full, and none is larger', async () => {
  const { batches, destination } = await subscriber()
  const delivery = open(destination, { timeoutMs: 30_000 })
  for (let n = 0; n < 2_500; n += 1) delivery.add(event(n))
  await expect.poll(() => batches.map(({ length }) => length)).toEqual([1_000, 1_000, 500])
  expect(batches.flat()).toEqual(Array.from({ length: 2_500 }, (_, n) => ({ n })))
})

test('who does not keep up loses events, and hears how many', async () => {
  const { batches, destination } = await subscriber()
  const delivery = open(destination)
  // All in one turn: nothing can leave meanwhile.
  for (let n = 0; n < 6_000; n += 1) delivery.add(event(n))
  const told = () => batches.flat() as { n?: number; type?: string; record?: object }[]
  await expect.poll(() => told().at(-1)?.type).toBe('platform.logsDropped')
  const kept = told().length - 1
  expect(told().at(-1)?.record).toMatchObject({ droppedRecords: 6_000 - kept })
  expect(kept).toBeGreaterThanOrEqual(4_000)
})

test('over TCP each event is a line', async () => {
  let text = ''
  const port = await listen(
    createTcpServer((socket) => {
      socket.on('data', (chunk) => {
        text += chunk
      })
    }),
  )
  const delivery = open({ protocol: 'TCP', port })
  delivery.add(event(0))
  await delivery.flush()
  delivery.add(event(1))
  await expect.poll(() => text).toBe('{"n":0}\n{"n":1}\n')
})
