// What becomes of a stream with each kind of caller: one that reads, one that leaves, one that does
// neither, and with a source that breaks off.

import { PassThrough, Writable } from 'node:stream'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { passOn } from './pass-on.ts'

/** A connection whose caller reads only when told to. */
function connect() {
  const received: string[] = []
  const waiting: (() => void)[] = []
  const response = new Writable({
    highWaterMark: 1,
    write(chunk, _encoding, taken) {
      received.push(String(chunk))
      waiting.push(taken)
    },
  })
  return { response, received, read: () => waiting.shift()?.() }
}

let source: PassThrough
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  source = new PassThrough()
})
afterEach(() => {
  vi.useRealTimers()
})

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('a caller that reads gets every piece, framed, and none before the last was taken', async () => {
  const { response, received, read } = connect()
  const passed = passOn(source, response, (piece) => Buffer.from(`<${piece}>`))
  source.write('a')
  await turn()
  source.write('b')
  await turn()
  expect(received).toEqual(['<a>'])
  read()
  await turn()
  expect(received).toEqual(['<a>', '<b>'])
  source.end()
  read()
  expect(await passed).toBe('whole')
  expect(response.writableEnded).toBe(false)
})

test('a caller that leaves ends the source', async () => {
  const { response } = connect()
  const passed = passOn(source, response)
  source.write('a')
  await turn()
  response.destroy()
  source.write('b')
  expect(await passed).toBe('gone')
  expect(source.destroyed).toBe(true)
})

test('a caller that takes nothing for fifteen minutes has left', async () => {
  const { response } = connect()
  const passed = passOn(source, response)
  source.write('a')
  await turn()
  source.write('b')
  await turn()
  vi.advanceTimersByTime(899_999)
  expect(response.destroyed).toBe(false)
  vi.advanceTimersByTime(1)
  expect(response.destroyed).toBe(true)
  expect(await passed).toBe('gone')
})

test('a source that breaks off is told from one that ends', async () => {
  const { response } = connect()
  const passed = passOn(source, response)
  source.destroy(new Error('the scheduler died'))
  expect(await passed).toBe('broken')
  expect(response.destroyed).toBe(false)
})
