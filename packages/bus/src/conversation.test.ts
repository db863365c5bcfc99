// Words that come twice, or before what was said earlier, and those that never come.

import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Conversation } from './conversation.ts'

beforeAll(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
})
afterAll(() => {
  vi.useRealTimers()
})

const bytes = new Uint8Array(0)
const begin = (stream?: (head: unknown, body: Readable) => void) =>
  new Conversation<string, string>({
    firstWithinMs: 100,
    lastWithinMs: 5_000,
    promisesLast: () => true,
    ...(stream && { stream }),
  })
const word = (meta: string) => async () => ({ meta, body: bytes })

async function lastOf(conversation: Conversation<string, string>) {
  const answer = await conversation.answer
  return answer.kind === 'answered' ? (await answer.last).meta : answer.kind
}

test('a last word waits for the first', async () => {
  const conversation = begin()
  conversation.last(false, word('done'))
  conversation.first('accepted')
  expect(await conversation.answer).toMatchObject({ first: 'accepted' })
  expect(await lastOf(conversation)).toBe('done')
})

test('a last word waits for the stream that it ends, and for no other', async () => {
  const heads: unknown[] = []
  const conversation = begin((head) => heads.push(head))
  conversation.first('accepted')
  conversation.last(true, word('done'))
  conversation.stream('head', async () => Readable.from([]))
  expect(await lastOf(conversation)).toBe('done')
  expect(heads).toEqual(['head'])
})

test('what is said again is heard once', async () => {
  const heads: unknown[] = []
  let collected = 0
  const conversation = begin((head) => heads.push(head))
  const collect = async () => {
    collected += 1
    return { meta: 'done', body: bytes }
  }
  for (const _ of ['said', 'said again']) {
    conversation.last(true, collect)
    conversation.first('accepted')
    conversation.stream('head', async () => Readable.from([]))
  }
  expect(await lastOf(conversation)).toBe('done')
  expect([heads, collected]).toEqual([['head'], 1])
})

test('a last word whose body is gone is an end at once', async () => {
  const conversation = begin()
  conversation.first('accepted')
  conversation.last(false, () => Promise.reject(new Error('it is gone')))
  await expect(lastOf(conversation)).rejects.toThrow('it is gone')
})

test('silence is that, and after a break it is not known to be', async () => {
  const [still, broken] = [begin(), begin()]
  broken.broke()
  const both = Promise.all([lastOf(still), lastOf(broken)])
  await vi.advanceTimersByTimeAsync(6_000)
  expect(await both).toEqual(['silent', 'lost'])
})

test('a first word has some time more after a break', async () => {
  const conversation = begin()
  conversation.broke()
  await vi.advanceTimersByTimeAsync(4_000)
  conversation.first('accepted')
  conversation.last(false, word('done'))
  expect(await lastOf(conversation)).toBe('done')
})
