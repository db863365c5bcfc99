// What is counted at a door: each throttle once, by its reason and by who asked, and no other
// refusal; the caller sees what the door said.

import { ServiceError, THROTTLE_REASONS } from '@hearth/core/error'
import type { InvocationRequest } from '@hearth/core/invocation'
import { expect, test } from 'vitest'
import { createDoorCounts } from './door-counts.ts'

const throttled = (Reason: string) =>
  new ServiceError('TooManyRequestsException', 'Rate Exceeded.', { members: { Reason } })
const request = (changes: Partial<InvocationRequest> = {}): InvocationRequest => ({
  requestId: 'r',
  account: '0',
  functionName: 'f',
  invokedArn: 'arn',
  payload: Buffer.from('{}'),
  wantsLogTail: false,
  ...changes,
})

test('all reasons are told from the start', () => {
  const rows = createDoorCounts().throttles(0)
  expect(rows.map(({ reason }) => reason)).toEqual([...THROTTLE_REASONS])
  expect(rows.map(({ count }) => count)).toEqual(THROTTLE_REASONS.map(() => 0))
})

test('throttles are counted by reason and by who asked, and told to the caller', async () => {
  const counts = createDoorCounts()
  const answers: (Error | undefined)[] = [
    throttled('ConcurrentInvocationLimitExceeded'),
    new ServiceError('ServiceException', 'The scheduler was lost while the function ran.'),
    new Error('a bug'),
    undefined,
    throttled('ConcurrentInvocationLimitExceeded'),
  ]
  const door = counts.watch({
    resolve: () => expect.fail('nobody asks'),
    async invoke() {
      const answer = answers.shift()
      if (answer) throw answer
      return { requestId: 'r' } as never
    },
  })
  const said: unknown[] = []
  for (const kind of [undefined, undefined, undefined, undefined, 'mapping'] as const) {
    const asked = door.invoke(request(kind && { kind }))
    said.push(await asked.catch((error: unknown) => (error as Error).message))
  }
  expect(said).toEqual([
    'Rate Exceeded.',
    'The scheduler was lost while the function ran.',
    'a bug',
    { requestId: 'r' },
    'Rate Exceeded.',
  ])
  counts.throttles(0)
  const rows = counts.throttles(0).filter(({ functionName }) => functionName === 'f')
  expect(rows.map(({ kind, count }) => [kind, count])).toEqual([
    ['sync', 1],
    ['mapping', 1],
  ])
})

test('events are counted once they are stored, and else why they were not', async () => {
  const counts = createDoorCounts()
  const failures = [undefined, throttled('FunctionInvocationRateLimitExceeded'), new Error('away')]
  const queue = counts.watchEvents({
    streams: ['ASYNC_0'],
    async put() {
      const failure = failures.shift()
      if (failure) throw failure
    },
    waiting: async () => ({}),
  })
  const event = { ...request(), acceptedAt: 0, attempt: 1 }
  const put = () => queue.put(event, Buffer.from('{}'))
  await put()
  await expect(put()).rejects.toThrow('Rate Exceeded.')
  await expect(put()).rejects.toThrow('away')
  const mine = <T extends { functionName: string }>(rows: T[]) =>
    rows.filter(({ functionName }) => functionName === 'f')
  for (const tell of [counts.events, counts.throttles]) tell(0)
  expect(mine(counts.events(0)).map(({ count }) => count)).toEqual([1])
  expect(mine(counts.throttles(0)).map(({ kind, reason, count }) => [kind, reason, count])).toEqual(
    [['async', 'FunctionInvocationRateLimitExceeded', 1]],
  )
})
