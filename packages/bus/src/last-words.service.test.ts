// Words and a NATS that dies, or a way that breaks: an answer that nobody was there to hear is
// heard after all, and what cannot be known is not taken for a refusal.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Nats, startNats } from '../../../e2e/servers.ts'
import { openClaims } from './claims.ts'
import { connectBus } from './connect.ts'
import { createRequests, type Respond } from './requests.ts'

let nats: Nats
const opened: (() => Promise<void>)[] = []
beforeAll(async () => {
  nats = await startNats()
})
afterAll(async () => {
  await Promise.all(opened.map((close) => close()))
  await nats.stop()
})

/** A way to NATS that can be cut, and mended. */
async function openWay() {
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(Number(new URL(nats.url).port), '127.0.0.1')
    for (const [one, other] of [[near, far] as const, [far, near] as const]) {
      sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => other.destroy())
      one.pipe(other)
    }
  })
  const listen = (port: number) => once(server.listen(port, '127.0.0.1'), 'listening')
  await listen(0)
  const { port } = server.address() as AddressInfo
  const cut = async () => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    sockets.clear()
    await closed
  }
  return { url: `nats://127.0.0.1:${port}`, cut, mend: () => listen(port) }
}

async function openEnd(url = nats.url) {
  const claims = await openClaims('127.0.0.1', '127.0.0.1')
  const bus = await connectBus({ url, monitorUrl: nats.monitorUrl })
  opened.push(async () => void (await Promise.all([bus.close(), claims.close()])))
  const { connected, control } = bus
  return { ...createRequests(bus, claims), connected, flushed: () => control.flush() }
}

const question = { meta: {}, body: new Uint8Array(0) }
const limits = { firstWithinMs: 2_000, lastWithinMs: 30_000, promisesLast: () => true }

/** A question that was heard and has no word yet; `whole` is what comes of it. */
async function ask(asker: Awaited<ReturnType<typeof openEnd>>, subject: string) {
  const answerer = await openEnd()
  const asked = Promise.withResolvers<Respond<string, string, string>>()
  answerer.answer<unknown, string, string, string>(subject, (_, respond) => asked.resolve(respond))
  await answerer.flushed()
  const bodies: Promise<string>[] = []
  const stream = (_: unknown, body: Readable) => void bodies.push(text(body))
  const asking = asker.ask<unknown, string, string>(subject, question, { ...limits, stream })
  const whole = asking.then(async (answer) => {
    if (answer.kind !== 'answered') return answer.kind
    const { meta } = await answer.last
    return [answer.first, ...(await Promise.all(bodies)), meta]
  })
  return { answerer, respond: await asked.promise, whole }
}

const sayAll = (respond: Respond<string, string, string>) => {
  respond.first('accepted')
  respond.stream('head', Readable.from(['body']))
  respond.last('done')
}
const ALL = ['accepted', 'body', 'done']

/** A question that has its first word, and how to say its last. */
async function begin(asker: Awaited<ReturnType<typeof openEnd>>, subject: string) {
  const answerer = await openEnd()
  const asked = Promise.withResolvers<Respond<string, string>>()
  answerer.answer<unknown, string, string>(subject, (_, respond) => {
    respond.first('accepted')
    asked.resolve(respond)
  })
  await answerer.flushed()
  const answer = await asker.ask<unknown, string, string>(subject, question, limits)
  if (answer.kind !== 'answered') throw new Error(answer.kind)
  return { answerer, last: answer.last, respond: await asked.promise }
}

test('what is said before the asker is back is said again', async () => {
  const way = await openWay()
  const asker = await openEnd(way.url)
  const { answerer, last, respond } = await begin(asker, 'before')
  await way.cut()
  await nats.restart()
  await expect.poll(answerer.connected).toBe(true)
  respond.last('done', Buffer.from('body'))
  await answerer.flushed()
  await way.mend()
  expect(await last).toMatchObject({ meta: 'done', body: Buffer.from('body') })
  opened.push(way.cut)
})

test('what a dying server has swallowed is said again', async () => {
  const way = await openWay()
  const asker = await openEnd(way.url)
  const { answerer, last, respond } = await begin(asker, 'swallowed')
  await way.cut()
  respond.last('done')
  await answerer.flushed()
  await nats.restart()
  await way.mend()
  expect(await last).toMatchObject({ meta: 'done' })
  opened.push(way.cut)
})

test('what is said while the server is away arrives', async () => {
  const asker = await openEnd()
  const { last, respond } = await begin(asker, 'away')
  await nats.kill()
  respond.last('done')
  await nats.start()
  expect(await last).toMatchObject({ meta: 'done' })
})

test('a whole answer that a dying server has swallowed is said again', async () => {
  const way = await openWay()
  const { answerer, respond, whole } = await ask(await openEnd(way.url), 'whole')
  await way.cut()
  sayAll(respond)
  await answerer.flushed()
  await nats.restart()
  await way.mend()
  expect(await whole).toEqual(ALL)
  opened.push(way.cut)
})

test('an answer to one whose way alone broke is said again', async () => {
  const way = await openWay()
  const { answerer, respond, whole } = await ask(await openEnd(way.url), 'alone')
  await way.cut()
  sayAll(respond)
  await answerer.flushed()
  await way.mend()
  expect(await whole).toEqual(ALL)
  opened.push(way.cut)
})

test('a question that the way broke after may have been taken', async () => {
  const way = await openWay()
  const { whole } = await ask(await openEnd(way.url), 'unknown')
  await way.cut()
  await way.mend()
  expect(await whole).toBe('lost')
  opened.push(way.cut)
}, 10_000)

test('a question without a way is over at once', async () => {
  const way = await openWay()
  const asker = await openEnd(way.url)
  await way.cut()
  await expect.poll(asker.connected).toBe(false)
  const askedAt = performance.now()
  expect(await asker.ask('nowhere', question, limits)).toEqual({ kind: 'nobody' })
  expect(performance.now() - askedAt).toBeLessThan(limits.firstWithinMs / 2)
  await way.mend()
  opened.push(way.cut)
})
