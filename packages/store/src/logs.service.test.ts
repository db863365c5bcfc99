// Logs on a real NATS: groups that lines make and that take their lines along, pages in both
// directions that miss nothing and repeat nothing, and a retention that the disk obeys.

import { type Bus, connectBus } from '@hearth/bus/connect'
import { createStreams, type Streams } from '@hearth/bus/streams'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Nats, startNats } from '../../../e2e/servers.ts'
import type { LogGroup } from './log-groups.ts'
import type { LogPlace } from './log-lines.ts'
import { pageBackward, pageForward } from './log-pages.ts'
import { type Logs, openLogs } from './logs.ts'

const account = '000000000000'
const DAY_MS = 86_400_000
let nats: Nats
let bus: Bus
let streams: Streams
let logs: Logs
let group: LogGroup
let count = 0

beforeAll(async () => {
  nats = await startNats()
  bus = await connectBus({ url: nats.url, monitorUrl: nats.monitorUrl })
  streams = await createStreams(bus)
  logs = await openLogs(bus, streams)
})
afterAll(async () => {
  logs?.close()
  await bus?.close()
  await nats?.stop()
})
beforeEach(async () => {
  count += 1
  group = { account, name: `/g/${count}`, createdAt: 1, tags: {}, logClass: 'STANDARD' }
  expect(await logs.groups.create(group)).toBe('created')
})

const source = (...names: string[]) => ({
  account,
  group: group.name,
  ...(names.length > 0 && { streams: names }),
})
const put = (stream: string, messages: string[], timestamp = Date.now()) =>
  logs.put(
    group,
    stream,
    messages.map((message) => ({ timestamp, message })),
  )
const textsOf = (events: { message: string }[]) => events.map(({ message }) => message)
const forward = async (limit: number, ...names: string[]) =>
  textsOf((await pageForward(logs.lines, { ...source(...names), limit })).events)
const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => String(from + index))
const batches = async () => {
  const found: number[] = []
  for await (const batch of logs.lines.batches(source(), {})) found.push(batch.sequence)
  return found.length
}

test('a line makes its group, once; a group that is known stays as it is', async () => {
  const publish = (name: string) =>
    logs.publish(account, name, { stream: 's', events: [{ timestamp: 5, message: 'm' }] })
  publish('/made')
  publish('/made')
  publish(group.name)
  await expect.poll(() => logs.groups.find(account, '/made')).toMatchObject({ tags: {} })
  await expect.poll(() => logs.lines.streamsOf(account, '/made')).toEqual(['s'])
  expect(await logs.groups.find(account, group.name)).toEqual(group)
  expect(await logs.groups.create({ ...group, name: '/made' })).toBe('exists')
})

test('pages forward go on where they ended, in one log stream and in all', async () => {
  for (const part of [0, 1, 2]) {
    await put('one', numbers(part * 10, part * 10 + 5))
    await put('two', numbers(part * 10 + 5, part * 10 + 10))
  }
  const found: string[] = []
  let place: LogPlace | undefined
  for (let isEnd = false; !isEnd; ) {
    const page = await pageForward(logs.lines, { ...source(), limit: 7 }, place)
    expect(page.events.length).toBeLessThanOrEqual(7)
    found.push(...textsOf(page.events))
    place = page.next
    isEnd = page.isEnd
  }
  expect(found).toEqual(numbers(0, 30))
  expect(await pageForward(logs.lines, { ...source(), limit: 7 }, place)).toMatchObject({
    events: [],
    next: place,
  })
  await put('two', ['late'])
  const more = await pageForward(logs.lines, { ...source(), limit: 7 }, place)
  expect(textsOf(more.events)).toEqual(['late'])
  expect(await forward(4, 'two')).toEqual(numbers(5, 9))
  expect(await forward(99, 'one', 'two')).toHaveLength(31)
  expect(await forward(99, 'nobody')).toEqual([])
})

test('pages backward begin at the end and come to the beginning', async () => {
  for (const part of [0, 1, 2, 3]) await put('one', numbers(part * 5, part * 5 + 5))
  await put('two', ['not mine'])
  const found: string[] = []
  let place: LogPlace | undefined
  for (const size of [6, 6, 6, 2]) {
    const page = await pageBackward(
      logs.lines,
      { ...source('one'), limit: 6 },
      place && { before: place },
    )
    expect(page.events).toHaveLength(size)
    found.unshift(...textsOf(page.events))
    if (!place) {
      const ahead = await pageForward(logs.lines, { ...source('one'), limit: 6 }, page.next)
      expect(ahead.events).toEqual([])
    }
    place = page.previous
  }
  expect(found).toEqual(numbers(0, 20))
  const before = await pageBackward(
    logs.lines,
    { ...source('one'), limit: 6 },
    place && { before: place },
  )
  expect(before).toMatchObject({ events: [], previous: place, isEnd: true })
})

test('events of other times than that of their storage are found by their own', async () => {
  const now = Date.now()
  const hours = (count: number) => now + count * 3_600_000
  await put('s', ['old'], hours(-30))
  await put('s', ['new'], now)
  await put('s', ['ahead'], hours(1))
  const current = (await logs.groups.find(account, group.name)) ?? group
  const find = async (from: number, to: number) => {
    const isLoose = current.isLoose ?? false
    const question = { ...source(), from, to, limit: 9, isLoose }
    return textsOf((await pageForward(logs.lines, question)).events)
  }
  expect(await find(hours(-31), hours(-29))).toEqual(['old'])
  expect(await find(hours(-1), hours(0.5))).toEqual(['new'])
  expect(await find(hours(0.5), hours(2))).toEqual(['ahead'])
  expect(await find(0, hours(9))).toEqual(['old', 'new', 'ahead'])
})

test('a page ends at AWS’s size, and what is larger than a message is stored in parts', async () => {
  const large = 'x'.repeat(200_000)
  for (const part of [0, 1]) await put('s', [`${part}a${large}`, `${part}b${large}`, `${part}c`])
  await put('s', [`2a${large}`, `2b${large}`])
  const first = await pageForward(logs.lines, { ...source(), limit: 99 })
  expect(first.events.map(({ message }) => message.slice(0, 2))).toEqual([
    ...['0a', '0b', '0c', '1a', '1b', '1c', '2a'],
  ])
  const rest = await pageForward(logs.lines, { ...source(), limit: 99 }, first.next)
  expect(rest.events.map(({ message }) => message.slice(0, 2))).toEqual(['2b'])
  const last = await pageBackward(logs.lines, { ...source('s'), limit: 99 })
  expect(last.events[0]?.message.slice(0, 2)).toBe('0b')
})

test('log streams say when their events were, and how many bytes a group has', async () => {
  const now = Date.now()
  await put('b', ['1'], now - 10_000)
  await put('b', ['2'], now - 5_000)
  await put('a', ['3'], now - 3_600_000)
  await logs.groups.createStream(account, group.name, { name: 'c', createdAt: 7 })
  expect(await logs.streamsOf(group)).toEqual([
    { name: 'a' },
    { name: 'b' },
    { name: 'c', createdAt: 7 },
  ])
  expect(await logs.lines.lastEvents(account, group.name)).toEqual(
    new Map([
      ['b', now - 5_000],
      ['a', now - 3_600_000],
    ]),
  )
  expect(await logs.lines.ends(source('b'))).toMatchObject({
    firstEventAt: now - 10_000,
    lastEventAt: now - 5_000,
  })
  expect(await logs.lines.ends(source('c'))).toBeUndefined()
  expect(await logs.lines.bytesOf(account, group.name)).toBeGreaterThan(100)
  expect(await logs.lines.bytesOf(account, '/nobody')).toBe(0)
})

test('a group or a log stream that goes takes its lines, and no others', async () => {
  await logs.groups.createStream(account, group.name, { name: 'made', createdAt: 7 })
  await put('made', ['1'])
  await put('other', ['2'])
  await logs.removeStream(account, group.name, 'made')
  expect(await logs.hasStream(group, 'made')).toBe(false)
  expect(await forward(9)).toEqual(['2'])
  await logs.removeGroup(account, group.name)
  expect(await logs.groups.find(account, group.name)).toBeUndefined()
  expect(await forward(9)).toEqual([])
  await logs.groups.create(group)
  expect(await logs.streamsOf(group)).toEqual([])
})

test('what has expired leaves the disk, and nothing else does', async () => {
  await put('s', ['1'])
  await put('t', ['2'])
  await new Promise((resolve) => setTimeout(resolve, 20))
  const between = Date.now()
  await put('s', ['3'])
  const kept = { ...group, name: `${group.name}/kept` }
  await logs.groups.create(kept)
  await logs.put(kept, 's', [{ timestamp: between, message: 'kept' }])
  const late = between + 3 * DAY_MS + 2 * 3_600_000
  await logs.expire(late)
  expect(await batches()).toBe(3)
  await logs.groups.change(account, group.name, (one) => ({ ...one, retentionDays: 3 }))
  await logs.expire(late - 1_000)
  expect(await batches()).toBe(3)
  await logs.expire(late)
  expect(await forward(9)).toEqual(['3'])
  await logs.expire(late + DAY_MS)
  expect(await batches()).toBe(0)
  const found = await pageForward(logs.lines, { account, group: kept.name, limit: 9 })
  expect(textsOf(found.events)).toEqual(['kept'])
})

test('who follows gets what comes, and only that', async () => {
  await put('s', ['before'])
  const end = new AbortController()
  const lines = await logs.lines.follow([source()], end.signal)
  await put('s', ['after'])
  for await (const line of lines) {
    expect(line.group).toBe(group.name)
    expect(textsOf(line.batch.events)).toEqual(['after'])
    break
  }
  end.abort()
})

test('lines of the former form are removed when the store is opened', async () => {
  await streams.append(`logs.${account}.old`, Buffer.from('{}'))
  const again = await openLogs(bus, streams)
  again.close()
  expect((await streams.facts('LOGS', 'logs.*.*')).subjects).toEqual({})
})
