// Bodies that come and go over real connections: what they hold, what is refused, and what comes
// back.

import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { ServiceError } from '@hearth/core/error'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { type BodyRoom, createBodyRoom } from './body-room.ts'
import { readBody, sendAnswer } from './http.ts'

const ROOM = 1_000
const BODY_MAX = 800

let bodies: BodyRoom
let server: Server
/** Answers that wait for their turn; the rest are given as soon as the body is there. */
let held: Promise<void>
let release: () => void

beforeEach(async () => {
  bodies = createBodyRoom(ROOM)
  ;({ promise: held, resolve: release } = Promise.withResolvers<void>())
  server = createServer(async (request, response) => {
    bodies.follow(request, response)
    const room = request.url === '/public' ? bodies.unsigned : bodies.signed
    try {
      const body = await readBody(request, BODY_MAX, room)
      if (request.headers['x-hold']) await held
      response.writeHead(body ? 200 : 413).end(String(body?.length))
    } catch (error) {
      const isOurs = error instanceof ServiceError
      response.writeHead(429).end(isOurs ? `${error.code} ${error.members.Reason}` : String(error))
    }
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
})
afterEach(() => {
  release()
  server.closeAllConnections()
  server.close()
})

/** Sends what there is of a body; the caller ends it, or goes away. */
function open(path: string, bytes: number, headers: Record<string, string> = {}) {
  const { port } = server.address() as AddressInfo
  const request = httpRequest({ port, host: '127.0.0.1', path, method: 'POST', headers })
  const answer = new Promise<string>((resolve) => {
    request.on('error', () => resolve('gone'))
    request.on('response', async (response: IncomingMessage) => {
      const text = (await response.toArray()).join('')
      resolve(`${response.statusCode} ${text}`)
    })
  })
  request.write(Buffer.alloc(bytes))
  return { request, answer }
}

const send = (path: string, bytes: number, headers?: Record<string, string>) => {
  const { request, answer } = open(path, bytes, headers)
  request.end()
  return answer
}
const FULL = '429 TooManyRequestsException CallerRateLimitExceeded'

test('a body holds its bytes until it is answered', async () => {
  const waiting = send('/', 600, { 'x-hold': 'yes' })
  await expect.poll(bodies.heldBytes).toBe(600)
  expect(await send('/', 401)).toBe(FULL)
  expect(await send('/', 400)).toBe('200 400')
  await expect.poll(bodies.heldBytes).toBe(600)
  release()
  expect(await waiting).toBe('200 600')
  await expect.poll(bodies.heldBytes).toBe(0)
})

test('the public fills a half at most, and never the other', async () => {
  const slow = open('/public', 500)
  await expect.poll(bodies.heldBytes).toBe(500)
  expect(await send('/public', 1)).toBe(FULL)
  expect(await send('/', 500)).toBe('200 500')
  slow.request.end()
  expect(await slow.answer).toBe('200 500')
  expect(await send('/public', 500)).toBe('200 500')
})

test('signed bodies leave the public what is left of the whole', async () => {
  const waiting = send('/', 800, { 'x-hold': 'yes' })
  await expect.poll(bodies.heldBytes).toBe(800)
  expect(await send('/public', 201)).toBe(FULL)
  expect(await send('/public', 200)).toBe('200 200')
  release()
  await waiting
})

test('whoever goes away gives back what had come', async () => {
  const { request, answer } = open('/public', 300)
  await expect.poll(bodies.heldBytes).toBe(300)
  request.destroy()
  expect(await answer).toBe('gone')
  await expect.poll(bodies.heldBytes).toBe(0)
  expect(await send('/public', 500)).toBe('200 500')
})

test('a body that is too large is that, and what is read away of it takes no room', async () => {
  expect(await send('/', BODY_MAX + 1)).toBe('413 undefined')
  const { request, answer } = open('/', BODY_MAX)
  await expect.poll(bodies.heldBytes).toBe(BODY_MAX)
  request.write(Buffer.alloc(1))
  request.end(Buffer.alloc(10 * ROOM))
  expect(await answer).toBe('413 undefined')
  await expect.poll(bodies.heldBytes).toBe(0)
})

/** Gives one answer to whoever asks; `ask` does, and reads nothing yet. */
async function serveAnswer(body: Buffer) {
  const large = createBodyRoom(5 * body.length)
  const answering = createServer((request, response) => {
    large.follow(request, response)
    try {
      sendAnswer(response, { status: 200, headers: {}, body }, large.unsigned)
    } catch (error) {
      response.writeHead(500).end((error as Error).message)
    }
  })
  await new Promise<void>((listening) => answering.listen(0, '127.0.0.1', listening))
  const { port } = answering.address() as AddressInfo
  const ask = () => {
    const socket = connect(port, '127.0.0.1').pause()
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    return socket
  }
  return { large, ask, close: () => answering.close() }
}
const ANSWER = Buffer.alloc(12_000_000)

test('an answer that nobody reads holds its bytes, and no more than there is room', async () => {
  const { large, ask, close } = await serveAnswer(ANSWER)
  const text = async () => Buffer.concat(await ask().toArray()).toString('latin1')
  const unread = [ask(), ask()]
  await expect.poll(large.heldBytes).toBe(2 * ANSWER.length)
  expect(await text()).toMatch(/^HTTP\/1\.1 500 .*Too many answers wait to be read\./s)
  expect(large.heldBytes()).toBe(2 * ANSWER.length)
  for (const socket of unread) socket.destroy()
  await expect.poll(large.heldBytes).toBe(0)
  expect((await text()).length).toBeGreaterThan(ANSWER.length)
  await expect.poll(large.heldBytes).toBe(0)
  close()
})

test('an answer that is not read within five minutes is cut off', async () => {
  const { large, ask, close } = await serveAnswer(ANSWER)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const unread = ask()
  await expect.poll(large.heldBytes).toBe(ANSWER.length)
  vi.advanceTimersByTime(299_999)
  await new Promise(setImmediate)
  expect(large.heldBytes()).toBe(ANSWER.length)
  vi.advanceTimersByTime(1)
  await expect.poll(large.heldBytes).toBe(0)
  unread.destroy()
  close()
})
