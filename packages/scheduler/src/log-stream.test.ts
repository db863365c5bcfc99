// The log of an environment: whose line is whose, in what order they are published, and what a tail
// holds.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LogStream, logStreamName } from './log-stream.ts'
import { LogTail } from './log-tail.ts'
import { type PlatformEvent, platformLog } from './platform-log.ts'

let published: string[] = []
let log: LogStream
const platform = {
  ...platformLog({
    logging: { format: 'Text', group: 'g' },
    functionName: 'f',
    version: '1',
    memoryMb: 128,
    runtime: 'r',
    runtimeArn: 'a',
    initializationType: 'on-demand',
    logStream: 's',
  }),
  start: (id: string) => event(`START ${id}`),
  startLines: (id: string) => [`START ${id}`],
}
const event = (text: string): PlatformEvent => ({
  type: text.split(' ')[0] ?? '',
  level: 'INFO',
  text: () => [text],
  record: () => ({ text }),
})
/** What an invocation's log ends with. */
const ends =
  (...texts: string[]) =>
  () =>
    texts
const say = (text: string) => log.take(Buffer.from(text))

async function closeWithTail(id: string, closing: () => string[]): Promise<string> {
  const tail = await log.tailOf(id, closing)
  log.close(id, closing)
  return tail
}

beforeEach(() => {
  vi.useFakeTimers()
  published = []
  log = new LogStream(platform, (events) => published.push(...events.map((one) => one.message)))
})
afterEach(() => {
  vi.useRealTimers()
})

test.each([
  ['/aws/lambda/f', /^2026\/03\/04\/\[\$LATEST\][0-9a-f]{32}$/],
  ['/shared', /^2026\/03\/04\/f\[\$LATEST\][0-9a-f]{32}$/],
])('the name of a stream is AWS’s in %s', (group, form) => {
  const now = new Date('2026-03-04T05:06:07Z')
  expect(logStreamName({ functionName: 'f', version: '$LATEST', group }, now)).toMatch(form)
})

test('times never go back, and an invocation ends when it ended', () => {
  const times: number[] = []
  log = new LogStream(platform, (events) => times.push(...events.map((one) => one.timestamp)))
  const begun = Date.now()
  log.begin('0', false)
  say('\0END 0\n')
  log.close('0', ends('END 0'))
  log.begin('1', false)
  vi.advanceTimersByTime(10)
  log.close('1', ends('END 1'))
  vi.advanceTimersByTime(10)
  log.begin('2', false)
  vi.advanceTimersByTime(10)
  say('late\n\0END 1\n')
  log.close('2', ends('END 2'))
  vi.advanceTimersByTime(500)
  const order = [0, 0, 0, 30, 30, 30, 30].map((ms) => begun + ms)
  expect(times).toEqual(order)
})

test('init, two invocations and what comes between keep their order', () => {
  log.note(event('INIT_START'))
  say('loading\n')
  log.begin('1', false)
  say('a\n\0END 1\n')
  say('late\n')
  log.close('1', ends('END 1', 'REPORT 1'))
  log.begin('2', false)
  say('b\n\0END 2\n')
  log.close('2', ends('END 2', 'REPORT 2'))
  vi.advanceTimersByTime(250)
  const first = ['START 1', 'a', 'END 1', 'REPORT 1', 'late']
  const second = ['START 2', 'b', 'END 2', 'REPORT 2']
  expect(published).toEqual(['INIT_START', 'loading', ...first, ...second])
})

test('output that comes a little after the answer is still its own', () => {
  log.begin('1', false)
  log.close('1', ends('END 1'))
  say('slow\n\0END 1\n')
  vi.advanceTimersByTime(250)
  expect(published).toEqual(['START 1', 'slow', 'END 1'])
})

test('a mark may come when the next invocation has begun', () => {
  log.begin('1', false)
  say('a\n')
  log.close('1', ends('END 1'))
  log.begin('2', false)
  say('\0END 1\nb\n')
  log.close('2', ends('END 2'))
  say('\0END 2\n')
  vi.advanceTimersByTime(250)
  expect(published).toEqual(['START 1', 'a', 'END 1', 'START 2', 'b', 'END 2'])
})

test('an invocation without a mark is closed all the same', () => {
  log.begin('1', false)
  say('half')
  log.close('1', ends('END 1'))
  vi.advanceTimersByTime(300)
  expect(published).toEqual(['START 1', 'half', 'END 1'])
})

test('without marks, what comes before the next invocation is the former one’s', async () => {
  log.begin('1', false)
  say('a\n')
  log.close('1', ends('END 1'))
  log.begin('2', true)
  say('read late\n')
  await vi.advanceTimersByTimeAsync(0)
  say('b')
  const tail = closeWithTail('2', ends('END 2'))
  say('c\n')
  await vi.advanceTimersByTimeAsync(7)
  expect(await tail).toBe('START 2\nbc\nEND 2\n')
  await vi.advanceTimersByTimeAsync(300)
  expect(published).toEqual(['START 1', 'a', 'read late', 'END 1', 'START 2', 'bc', 'END 2'])
})

test('without marks, a tail waits while output still comes, but not for long', async () => {
  log.begin('1', true)
  let text = ''
  void closeWithTail('1', ends('END 1')).then((tail) => {
    text = tail
  })
  for (let ms = 0; ms < 48; ms += 2) {
    say('more\n')
    await vi.advanceTimersByTimeAsync(2)
    expect(text).toBe('')
  }
  await vi.advanceTimersByTimeAsync(6)
  expect(text).toBe(`START 1\n${'more\n'.repeat(24)}END 1\n`)
})

test('a tail waits for the last output, but not for long', async () => {
  log.begin('1', true)
  const tail = closeWithTail('1', ends('END 1'))
  say('a\n\0END 1\n')
  expect(await tail).toBe('START 1\na\nEND 1\n')
  log.begin('2', true)
  const other = closeWithTail('2', ends('END 2'))
  await vi.advanceTimersByTimeAsync(51)
  expect(await other).toBe('START 2\nEND 2\n')
})

test('a mark of another invocation ends nothing', () => {
  log.begin('1', false)
  say('\0END 2\nstill mine\n\0END 1\n')
  log.close('1', ends('END 1'))
  vi.advanceTimersByTime(250)
  expect(published).toEqual(['START 1', 'still mine', 'END 1'])
})

test('a flood is dropped, told, and no longer read until the second is over', () => {
  log.begin('1', false)
  const line = `${'x'.repeat(1023)}\n`
  for (let kilobytes = 0; kilobytes < 8 * 1024; kilobytes += 1) expect(say(line)).toBe(0)
  expect(say(line)).toBeGreaterThan(0)
  vi.advanceTimersByTime(1_000)
  expect(say('after\n')).toBe(0)
  vi.advanceTimersByTime(250)
  expect(published.length).toBe(1 + 1024 + 1 + 1)
  expect(published.at(-2)).toContain('[hearth] output over 1048576 bytes a second is dropped')
  expect(published.at(-1)).toBe('after')
})

test('a tail is the last 4 KB, whole characters only, and holds little more', () => {
  const tail = new LogTail()
  for (let lines = 0; lines < 10_000; lines += 1) tail.add('€'.repeat(50))
  const text = tail.text()
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4096)
  expect(Buffer.byteLength(text)).toBeGreaterThan(4090)
  expect(text).not.toContain('\ufffd')
  expect(text.endsWith('€\n')).toBe(true)
})

test('an extension’s lines are an invocation’s until that is closed, and no mark of theirs counts', () => {
  const extension = log.openExtension()
  log.begin('1', false)
  say('a\n')
  extension.take(Buffer.from('half '))
  say('\0END 1\n')
  extension.take(Buffer.from('a line\n\0END 1\nlast'))
  extension.end()
  log.close('1', ends('END 1'))
  log.begin('2', false)
  vi.advanceTimersByTime(250)
  expect(published).toEqual(['START 1', 'a', 'half a line', 'last', 'END 1', 'START 2'])
})

test('who taps a log hears lines and events at once, and how much was dropped', () => {
  const heard: string[] = []
  log.tap = {
    event: (one) => void heard.push(one.text()[0] ?? JSON.stringify(one.record())),
    line: (type, text) => void heard.push(`${type}: ${text.slice(0, 9)}`),
  }
  const extension = log.openExtension()
  log.begin('1', false)
  say('a\n')
  extension.take(Buffer.from('b\n'))
  const line = `${'x'.repeat(256 * 1024 - 1)}\n`
  for (let count = 0; count < 6; count += 1) say(line)
  vi.advanceTimersByTime(1_000)
  say('c\n')
  expect(heard.slice(0, 3)).toEqual(['START 1', 'function: a', 'extension: b'])
  expect(heard.slice(3, 6)).toEqual(Array(3).fill('function: xxxxxxxxx'))
  const [dropped, last] = heard.slice(6)
  expect(JSON.parse(dropped ?? '')).toMatchObject({
    droppedBytes: 3 * (256 * 1024 - 1),
    droppedRecords: 3,
  })
  expect(last).toBe('function: c')
})
