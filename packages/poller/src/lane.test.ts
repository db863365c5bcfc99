// A lane with a handler that refuses, fails and is slow: what is in hand is bounded, what is
// refused waits longer each time and is tried again at once when somebody says so, and nothing is
// dropped.

import type { Taken } from '@hearth/bus/queues'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Handled, Lane } from './lane.ts'
import { roomFor } from './lanes.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

interface Message {
  name: string
  done: boolean
  givenBack: boolean
  /** Whether somebody else may have it. */
  isLost?: true
}

/** A queue that has some messages and hands each out once. */
function laneOf(names: string[], handle: (name: string) => Promise<Handled>, room = () => 100) {
  const messages: Message[] = names.map((name) => ({ name, done: false, givenBack: false }))
  const waiting = [...messages]
  let inHand = 0
  let most = 0
  const source = {
    async *take(max: number) {
      for (const message of waiting.splice(0, max)) yield takenOf(message)
      if (waiting.length === 0) await new Promise((resolve) => setTimeout(resolve, 1_000))
    },
  }
  const lane = new Lane({
    source,
    reopen: async () => source,
    handle: (taken) => handle(Buffer.from(taken.data).toString()),
    room,
    counted: (change) => {
      inHand += change
      most = Math.max(most, inHand)
    },
    report: () => {},
  })
  return { lane, messages, waiting, most: () => most, inHand: () => inHand }
}

function takenOf(message: Message): Taken {
  return {
    subject: 's',
    data: Buffer.from(message.name),
    deliveries: 1,
    done: async () => {
      message.done = true
    },
    working: () => {},
    giveBack: () => {
      message.givenBack = true
    },
    isOurs: () => !message.isLost,
  }
}

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

test('what gets through widens the window, within the room that there is', async () => {
  const names = Array.from({ length: 60 }, (_, index) => String(index))
  const { lane, messages, most } = laneOf(names, async () => {
    await sleep(10)
    return 'done'
  })
  await vi.advanceTimersByTimeAsync(20_000)
  expect(messages.every(({ done }) => done)).toBe(true)
  expect(most()).toBeGreaterThan(4)
  await lane.finished
})

test('a refusal waits 1, 2, 4 seconds and so on, and at most five minutes', async () => {
  const tries: number[] = []
  const { lane } = laneOf(['a'], async () => {
    tries.push(Date.now())
    return { later: true }
  })
  await vi.advanceTimersByTimeAsync(3_600_000)
  const gaps = tries.slice(1).map((at, index) => Math.round((at - (tries[index] ?? 0)) / 1_000))
  expect(gaps.slice(0, 10)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300])
  void lane.close()
})

test('nobody behind a refusal is taken meanwhile, and a word tries it at once', async () => {
  let refuses = true
  const names = Array.from({ length: 20 }, (_, index) => String(index))
  const { lane, messages, waiting } = laneOf(names, async () =>
    refuses ? { later: true } : 'done',
  )
  await vi.advanceTimersByTimeAsync(120_000)
  expect(waiting.length).toBeGreaterThanOrEqual(15)
  refuses = false
  lane.resume()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(messages.every(({ done }) => done)).toBe(true)
  await vi.advanceTimersByTimeAsync(10_000)
  await lane.finished
})

test("a message's own time is kept, however long the lane waits", async () => {
  const startedAt = Date.now()
  const tries: number[] = []
  const { lane } = laneOf(['a'], async () => {
    tries.push(Date.now() - startedAt)
    return { later: true, until: startedAt + 90_000 }
  })
  await vi.advanceTimersByTimeAsync(95_000)
  expect(tries.some((at) => Math.abs(at - 90_000) < 300)).toBe(true)
  void lane.close()
})

test('a handler that throws is asked again', async () => {
  let calls = 0
  const { lane, messages } = laneOf(['a'], async () => {
    calls += 1
    if (calls === 1) throw new Error('away')
    return 'done'
  })
  await vi.advanceTimersByTimeAsync(10_000)
  expect(messages).toEqual([{ name: 'a', done: true, givenBack: false }])
  await lane.finished
})

test('what somebody else may have by now is not tried again', async () => {
  let calls = 0
  const { lane, messages, inHand } = laneOf(['a'], async () => {
    calls += 1
    const [message] = messages
    if (message) message.isLost = true
    return { later: true }
  })
  await vi.advanceTimersByTimeAsync(60_000)
  expect(calls).toBe(1)
  expect(inHand()).toBe(0)
  expect(messages).toMatchObject([{ done: false, givenBack: false }])
  await lane.finished
})

test('what arrives while a lane closes is given back, and not begun', async () => {
  const handled: string[] = []
  const late: Message = { name: 'late', done: false, givenBack: false }
  const source = {
    async *take() {
      await sleep(500)
      yield takenOf(late)
    },
  }
  const lane = new Lane({
    source,
    reopen: async () => source,
    handle: async (taken) => {
      handled.push(Buffer.from(taken.data).toString())
      return 'done'
    },
    room: () => 1,
    counted: () => {},
    report: () => {},
  })
  const closed = lane.close()
  await vi.advanceTimersByTimeAsync(2_000)
  await closed
  expect(handled).toEqual([])
  expect(late).toMatchObject({ done: false, givenBack: true })
})

test('a queue that was away for a moment is read on beside what runs', async () => {
  const [long, next] = ['long', 'next'].map((name) => ({ name, done: false, givenBack: false }))
  if (!long || !next) throw new Error('there are two')
  const away = {
    async *take() {
      if (!long.done) yield takenOf(long)
      throw new Error('503 No Responders')
    },
  }
  let opened = 0
  const back = {
    async *take() {
      await sleep(100)
      if (!next.done) yield takenOf(next)
    },
  }
  const lane = new Lane({
    source: away,
    async reopen() {
      opened += 1
      if (opened === 1) throw new Error('still away')
      return back
    },
    handle: async (taken) => {
      if (Buffer.from(taken.data).toString() === 'long') await sleep(900_000)
      return 'done'
    },
    room: () => 100,
    counted: () => {},
    report: () => {},
  })
  await vi.advanceTimersByTimeAsync(10_000)
  expect([long.done, next.done]).toEqual([false, true])
  void lane.close()
})

test('a lane that closes gives back what it only holds, and waits for what runs', async () => {
  const { lane, messages } = laneOf(['held', 'runs'], async (name) => {
    if (name === 'held') return { later: true }
    await sleep(5_000)
    return 'done'
  })
  await vi.advanceTimersByTimeAsync(50)
  const closed = lane.close()
  await vi.advanceTimersByTimeAsync(6_000)
  await closed
  expect(messages).toEqual([
    { name: 'held', done: false, givenBack: true },
    { name: 'runs', done: true, givenBack: false },
  ])
})

test('a flood has half of what is free, and whoever has nothing may always have one', () => {
  expect(roomFor(0, 0, 100)).toBe(50)
  expect(roomFor(50, 50, 100)).toBe(25)
  expect(roomFor(99, 99, 100)).toBe(0)
  expect(roomFor(0, 100, 100)).toBe(1)
})
