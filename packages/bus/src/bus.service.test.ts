// The bus on a real NATS: conversations in one process and between two, records and their races,
// streams that store a subject once, and the gate that refuses a server which could lose what it
// has acknowledged.

import { once } from 'node:events'
import { PassThrough, type Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Nats, startNats } from '../../../e2e/servers.ts'
import { type Claims, openClaims } from './claims.ts'
import { type Bus, connectBus } from './connect.ts'
import { openRecords } from './records.ts'
import { createRequests, type Requests } from './requests.ts'
import { createStreams } from './streams.ts'

let nats: Nats
const opened: (() => Promise<void>)[] = []

async function openBus(): Promise<Bus> {
  const bus = await connectBus({ url: nats.url, monitorUrl: nats.monitorUrl })
  opened.push(() => bus.close())
  return bus
}

/** `flushed`: the server has seen what was subscribed; two connections have no common order. */
async function openRequests(): Promise<Requests & { flushed(): Promise<void> }> {
  const claims: Claims = await openClaims('127.0.0.1', '127.0.0.1')
  opened.push(() => claims.close())
  const bus = await openBus()
  return { ...createRequests(bus, claims), flushed: () => bus.control.flush() }
}

beforeAll(async () => {
  nats = await startNats()
})
afterAll(async () => {
  await Promise.all(opened.map((close) => close()))
  await nats.stop()
})

const limits = { firstWithinMs: 1_000, lastWithinMs: 1_000, promisesLast: () => true }
const question = (body: Uint8Array = new Uint8Array(0)) => ({ meta: { q: 1 }, body })

/** Asks a question whose answer is streamed, and waits for the body. */
async function askStream(asker: Requests, subject: string) {
  const heads: unknown[] = []
  const taken = Promise.withResolvers<Readable>()
  const answer = await asker.ask<unknown, string, string>(subject, question(), {
    ...limits,
    lastWithinMs: 10_000,
    stream: (head, body) => {
      heads.push(head)
      taken.resolve(body)
    },
  })
  if (answer.kind !== 'answered') throw new Error(answer.kind)
  return { heads, body: await taken.promise, last: answer.last }
}

describe.each(['in one process', 'between two'])('a conversation %s', (where) => {
  const subject = (name: string) => `${where.replaceAll(' ', '-')}.${name}`
  let asker: Requests
  let answerer: Awaited<ReturnType<typeof openRequests>>
  beforeAll(async () => {
    answerer = await openRequests()
    asker = where === 'in one process' ? answerer : await openRequests()
  })

  test('has a first word and a last, with bodies of any size untouched', async () => {
    answerer.answer<{ q: number }, string, { q: number }>(
      subject('echo'),
      ({ meta, body }, respond) => {
        respond.first('accepted')
        setTimeout(() => respond.last(meta, body), 20)
      },
    )
    await answerer.flushed()
    for (const size of [0, 1, 256 * 1024, 256 * 1024 + 1, 6_291_456]) {
      const body = Buffer.alloc(size, 7)
      const answer = await asker.ask<unknown, string, unknown>(
        subject('echo'),
        question(body),
        limits,
      )
      if (answer.kind !== 'answered') throw new Error(answer.kind)
      expect(answer.first).toBe('accepted')
      const last = await answer.last
      expect(last.meta).toEqual({ q: 1 })
      expect(Buffer.from(last.body).equals(body)).toBe(true)
    }
  })

  test('may stream a body between its words, at the pace of the one who asked', async () => {
    const source = new PassThrough()
    answerer.answer<unknown, string, string, string>(subject('stream'), (_, respond) => {
      respond.first('accepted')
      respond.stream('head', source)
      source.on('close', () => respond.last('over'))
    })
    await answerer.flushed()
    const { heads, body, last } = await askStream(asker, subject('stream'))
    expect(heads).toEqual(['head'])
    source.write('one')
    expect(String((await once(body, 'data'))[0])).toBe('one')
    body.pause()
    let written = 0
    const chunk = Buffer.alloc(65_536, 1)
    const fill = () => {
      while (written < 400 && source.write(chunk)) written += 1
      written += 1
      if (written >= 400) source.end()
    }
    source.on('drain', () => written < 400 && fill())
    fill()
    await new Promise((resolve) => setTimeout(resolve, 200))
    // What two sockets and a few buffers hold, and far from all 26 MB.
    expect(written).toBeLessThan(200)
    let bytes = 0
    for await (const piece of body) bytes += piece.length
    expect(bytes).toBe(65_536 * written)
    expect((await last).meta).toBe('over')
  })

  test('whose stream nobody wants lets its maker know', async () => {
    const source = new PassThrough()
    answerer.answer<unknown, string, string>(subject('unwanted'), (_, respond) => {
      respond.first('accepted')
      respond.stream('head', source)
      source.on('close', () => respond.last('over'))
    })
    await answerer.flushed()
    const answer = await asker.ask<unknown, string, string>(subject('unwanted'), question(), limits)
    if (answer.kind !== 'answered') throw new Error(answer.kind)
    expect((await answer.last).meta).toBe('over')
    expect(source.destroyed).toBe(true)
  })

  test('whose stream breaks off is told so by the body', async () => {
    const source = new PassThrough()
    answerer.answer<unknown, string, string>(subject('broken'), (_, respond) => {
      respond.first('accepted')
      respond.stream('head', source)
      source.on('close', () => respond.last('over'))
    })
    await answerer.flushed()
    const { body } = await askStream(asker, subject('broken'))
    source.write('half')
    expect(String((await once(body, 'data'))[0])).toBe('half')
    source.destroy(new Error('the maker failed'))
    await expect(once(body, 'end')).rejects.toThrow()
  })

  test('may end with its first word', async () => {
    answerer.answer<unknown, { no: boolean }, never>(subject('no'), (_, respond) =>
      respond.first({ no: true }),
    )
    await answerer.flushed()
    const answer = await asker.ask(subject('no'), question(), {
      ...limits,
      promisesLast: () => false,
    })
    expect(answer).toMatchObject({ kind: 'answered', first: { no: true } })
  })

  test('is answered by whoever came last, when the one before leaves', async () => {
    const words = (word: string) => (_: unknown, respond: { first(word: string): void }) =>
      respond.first(word)
    const former = answerer.answer<unknown, string, never>(subject('heir'), words('former'))
    const latter = answerer.answer<unknown, string, never>(subject('heir'), words('latter'))
    former.close()
    await answerer.flushed()
    const given = { ...limits, promisesLast: () => false }
    let isInProcess = false
    void asker.ask(subject('heir'), question(), given).then(() => {
      isInProcess = true
    })
    // In one process no time passes.
    for (let turn = 0; turn < 3; turn += 1) await undefined
    expect(isInProcess).toBe(where === 'in one process')
    expect(await asker.ask(subject('heir'), question(), given)).toMatchObject({ first: 'latter' })
    latter.close()
    await answerer.flushed()
    expect(await asker.ask(subject('heir'), question(), given)).toEqual({ kind: 'nobody' })
  })

  test('with nobody is over at once', async () => {
    const startedAt = performance.now()
    const answer = await asker.ask(subject('nobody'), question(), {
      ...limits,
      firstWithinMs: 5_000,
    })
    expect(answer.kind).toBe('nobody')
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  })

  test('with nobody leaves no large body behind', async () => {
    const large = question(Buffer.alloc(6_291_456))
    // More than may wait to be collected at a time.
    for (let times = 0; times < 50; times += 1) {
      expect((await asker.ask(subject('nobody'), large, limits)).kind).toBe('nobody')
    }
  })

  test('with somebody silent ends after its time', async () => {
    answerer.answer(subject('silent'), () => {})
    await answerer.flushed()
    const answer = await asker.ask(subject('silent'), question(), { ...limits, firstWithinMs: 50 })
    expect(answer.kind).toBe('silent')
  })

  test('whose last word does not come fails after its time, or when it is given up', async () => {
    answerer.answer<unknown, string, never>(subject('first'), (_, respond) => respond.first('yes'))
    await answerer.flushed()
    const late = await asker.ask(subject('first'), question(), { ...limits, lastWithinMs: 50 })
    if (late.kind !== 'answered') throw new Error(late.kind)
    await expect(late.last).rejects.toThrow('no last word came in time')
    const lost = new AbortController()
    const given = await asker.ask(subject('first'), question(), { ...limits, signal: lost.signal })
    if (given.kind !== 'answered') throw new Error(given.kind)
    lost.abort('it died')
    await expect(given.last).rejects.toThrow('it died')
  })

  test('hints reach everybody', async () => {
    const heard: unknown[] = []
    asker.subscribe(subject('hint'), (meta) => heard.push(meta))
    answerer.subscribe(subject('hint'), (meta) => heard.push(meta))
    await expect
      .poll(() => {
        answerer.publish(subject('hint'), { n: 1 })
        return heard.length
      })
      .toBeGreaterThanOrEqual(2)
  })
})

describe('records', () => {
  test('are read at once by their writer and soon by others', async () => {
    const [mine, others] = await Promise.all(
      [await openBus(), await openBus()].map((bus) =>
        openRecords<{ n: number }>(bus, { bucket: 'seen', bytesMax: 1 << 20 }),
      ),
    )
    if (!mine || !others) throw new Error('two were opened')
    const revision = await mine.create('a.b', { n: 1 })
    expect(mine.cached('a.b')).toEqual({ value: { n: 1 }, revision })
    await expect.poll(() => others.cached('a.b')?.value).toEqual({ n: 1 })
    expect(others.keys('a.')).toEqual(['a.b'])
    await mine.delete('a.b', Number(revision))
    expect(mine.cached('a.b')).toBeUndefined()
    await expect.poll(() => others.cached('a.b')).toBeUndefined()
    expect(await mine.create('a.b', { n: 2 })).toBeGreaterThan(Number(revision))
  })

  test('are not there under what can be no key', async () => {
    const records = await openRecords(await openBus(), { bucket: 'strange', bytesMax: 1 << 20 })
    const strange = ['', '.', 'a.', '.a', 'a..b', 'a b', 'a:b', 'a.*', '>', 'a\0', 'a'.repeat(1e5)]
    for (const key of strange) {
      expect(await records.get(key), key.slice(0, 9)).toBeUndefined()
    }
    // The connection has outlived them.
    expect(await records.create('a', {})).toBeGreaterThan(0)
  })

  test('are changed by one of those who race', async () => {
    const bus = await openBus()
    const records = await openRecords<{ n: number }>(bus, { bucket: 'raced', bytesMax: 1 << 20 })
    const creations = await Promise.all([1, 2, 3].map((n) => records.create('k', { n })))
    expect(creations.filter((outcome) => outcome === 'exists')).toHaveLength(2)
    const { revision = 0 } = (await records.get('k')) ?? {}
    const updates = await Promise.all([4, 5].map((n) => records.update('k', { n }, revision)))
    expect(updates.filter((outcome) => outcome === 'stale')).toHaveLength(1)
    expect(await records.delete('k', revision)).toBe('stale')
  })

  test('are all there when a later process opens them', async () => {
    const first = await openRecords<number>(await openBus(), { bucket: 'kept', bytesMax: 1 << 20 })
    for (let n = 0; n < 200; n += 1) await first.create(`k.${n}`, n)
    const later = await openRecords<number>(await openBus(), { bucket: 'kept', bytesMax: 1 << 20 })
    expect(later.keys('k.')).toHaveLength(200)
    expect(later.cached('k.199')?.value).toBe(199)
  })
})

describe('streams', () => {
  test('store a subject once, in order, and again after a restart of NATS', async () => {
    const bus = await openBus()
    const streams = await createStreams(bus)
    await streams.open({ name: 'ONCE', subjects: 'once.>', bytesMax: 1 << 20, ageSecondsMax: 3600 })
    expect(await streams.append('once.a', Buffer.from('1'), { ifAbsent: true })).toEqual({
      sequence: 1,
    })
    expect(await streams.append('once.a', Buffer.from('2'), { ifAbsent: true })).toBe(
      'already there',
    )
    await nats.kill()
    await expect.poll(() => bus.connected()).toBe(false)
    await expect(streams.append('once.b', Buffer.from('3'))).rejects.toMatchObject({
      code: 'ServiceUnavailableException',
    })
    await nats.start()
    await expect.poll(() => bus.connected(), { timeout: 15_000 }).toBe(true)
    await expect
      .poll(() => streams.append('once.a', Buffer.from('4'), { ifAbsent: true }), {
        timeout: 15_000,
      })
      .toBe('already there')
    await streams.append('once.b', Buffer.from('5'), { ifAbsent: true })
    const end = new AbortController()
    const read: string[] = []
    for await (const { data } of streams.read('ONCE', { fromSequence: 1, signal: end.signal })) {
      read.push(Buffer.from(data).toString())
      if (read.length === 2) end.abort()
    }
    expect(read).toEqual(['1', '5'])
    expect((await streams.last('ONCE', 'once.>'))?.subject).toBe('once.b')
    expect(await streams.facts('ONCE', 'once.>')).toMatchObject({
      lastSequence: 2,
      subjects: { 'once.a': 1, 'once.b': 1 },
    })
  })
})

test('a server that is not there, or may lose what it acknowledged, is refused with advice', async () => {
  await expect(
    connectBus({ url: 'nats://127.0.0.1:1', monitorUrl: 'http://127.0.0.1:1' }),
  ).rejects.toThrow(/NATS does not answer at nats:\/\/127\.0\.0\.1:1\. Start it/)
  await expect(connectBus({ url: nats.url, monitorUrl: 'http://127.0.0.1:1' })).rejects.toThrow(
    /monitor does not answer/,
  )
  const lazy = await startNats({ syncAlways: false })
  try {
    await expect(connectBus({ url: lazy.url, monitorUrl: lazy.monitorUrl })).rejects.toThrow(
      /acknowledges before its disk has the message/,
    )
    const bus = await connectBus({ url: lazy.url, monitorUrl: lazy.monitorUrl, allowUnsafe: true })
    await bus.close()
  } finally {
    await lazy.stop()
  }
})

test('a server that takes small messages only is refused', async () => {
  const small = await startNats({ maxPayload: '1MB' })
  try {
    await expect(connectBus({ url: small.url, monitorUrl: small.monitorUrl })).rejects.toThrow(
      /takes messages of 1048576 bytes at most.*Put `max_payload: 8MB`/,
    )
  } finally {
    await small.stop()
  }
})
