// What becomes of an event as the door answers: done, again, or given up, with what follows stored
// before that is said, however often the store fails.

import { encode } from '@hearth/bus/envelope'
import type { DeadLetter, Delivery } from '@hearth/bus/messages'
import type { AsyncEvent } from '@hearth/core/async-event'
import { type ErrorCode, ServiceError } from '@hearth/core/error'
import type { EventInvokeConfig } from '@hearth/core/event-invoke-config'
import type { InvocationRequest, InvocationResult } from '@hearth/core/invocation'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openEventWork } from './event-work.ts'

const NOW = 1_000_000_000
beforeEach(() => {
  vi.useFakeTimers({ now: NOW })
})
afterEach(() => {
  vi.useRealTimers()
})

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:f'
const result = (changes: Partial<InvocationResult> = {}): InvocationResult => ({
  requestId: 'r',
  executedVersion: '$LATEST',
  payload: Buffer.from('{"errorMessage":"no"}'),
  report: { outcome: 'success', durationMs: 1, billedMs: 1, maxMemoryMb: 1, start: 'warm' },
  ...changes,
})
const failed = () => result({ functionError: 'Unhandled' })

interface Wish {
  answer(): InvocationResult
  event?: Partial<AsyncEvent>
  config?: Partial<EventInvokeConfig>
  deadLetterArn?: string
  /** The function's reserve. */
  reserved?: number
  deliveries?: number
  /** How often the store fails before it takes anything. */
  storeFails?: number
}

/** One event in the hands of a worker whose door and stores are the test's. */
function open(wish: Wish) {
  const seen = {
    asked: [] as InvocationRequest[],
    timers: [] as { event: AsyncEvent; dueAt: number }[],
    told: [] as Delivery[],
    buried: [] as DeadLetter[],
  }
  let failures = wish.storeFails ?? 0
  const store = async (keep: () => void) => {
    failures -= 1
    if (failures >= 0) throw new Error('away')
    keep()
  }
  const version = { configuration: { deadLetterArn: wish.deadLetterArn } }
  const handle = openEventWork({
    region: 'us-east-1',
    door: {
      invoke: async (request) => {
        seen.asked.push(request)
        return wish.answer()
      },
      resolve: () => ({ version }) as never,
    },
    functions: {
      cached: () =>
        ({
          eventInvoke: { $LATEST: { modifiedAt: 0, ...wish.config } },
          concurrency: { reserved: wish.reserved },
        }) as never,
    },
    timers: { set: (event, _, dueAt) => store(() => seen.timers.push({ event, dueAt })) },
    deliveries: { put: (delivery) => store(() => seen.told.push(delivery)) },
    deadLetters: { bury: (letter) => store(() => seen.buried.push(letter)) },
    retrySeconds: [60, 120],
    counted: () => {},
    waited: () => {},
    report: () => {},
  })
  const event: AsyncEvent = {
    requestId: 'r',
    account: '000000000000',
    functionName: 'f',
    invokedArn: ARN,
    acceptedAt: NOW,
    attempt: 1,
    ...wish.event,
  }
  const taken = {
    subject: 's',
    data: encode(event, Buffer.from('{"n":1}')),
    deliveries: wish.deliveries ?? 1,
    done: async () => {},
    working: () => {},
    giveBack: () => {},
    isOurs: () => true,
  }
  return { seen, handle: () => handle(taken) }
}

const refuse = (code: ErrorCode) => () => {
  throw new ServiceError(code, 'no')
}

test('a success is done, and told where it is to be told', async () => {
  const quiet = open({ answer: result })
  expect(await quiet.handle()).toBe('done')
  expect(quiet.seen).toMatchObject({ timers: [], told: [], buried: [] })
  const telling = open({ answer: result, config: { onSuccess: 'arn:q' } })
  expect(await telling.handle()).toBe('done')
  expect(telling.seen.told).toMatchObject([{ target: 'arn:q', condition: 'Success' }])
})

test('a failure waits for its next attempt, and the last one is given up', async () => {
  const first = open({ answer: failed })
  expect(await first.handle()).toBe('done')
  expect(first.seen.timers).toMatchObject([{ event: { attempt: 2 }, dueAt: NOW + 60_000 }])
  const last = open({ answer: failed, event: { attempt: 3 } })
  expect(await last.handle()).toBe('done')
  expect(last.seen.buried).toMatchObject([{ reason: 'RetriesExhausted' }])
})

test('a tenant’s event is tried for it each time, and told of as its own', async () => {
  const event = { tenantId: 'blue', attempt: 2 }
  const { seen, handle } = open({ answer: failed, event })
  await handle()
  expect([seen.asked, seen.timers]).toMatchObject([
    [{ tenantId: 'blue' }],
    [{ event: { tenantId: 'blue' } }],
  ])
  const last = open({
    answer: failed,
    event: { ...event, attempt: 3 },
    config: { onFailure: 'arn:d' },
  })
  await last.handle()
  expect(last.seen.told).toMatchObject([{ tenantId: 'blue' }])
  const kept = open({ answer: failed, event: { ...event, attempt: 3 } })
  await kept.handle()
  expect(kept.seen.buried).toMatchObject([{ event: { tenantId: 'blue' } }])
})

test('who is given up is told to the destination and to the dead-letter queue, or kept', async () => {
  const places = { config: { retriesMax: 0, onFailure: 'arn:d' }, deadLetterArn: 'arn:q' }
  const { seen, handle } = open({ answer: failed, ...places })
  expect(await handle()).toBe('done')
  expect(seen.told.map(({ target, as }) => [target, as])).toEqual([
    ['arn:d', 'destination'],
    ['arn:q', 'dead letter'],
  ])
  expect(seen.buried).toEqual([])
})

test.each<[ErrorCode]>([
  ['ResourceConflictException'],
  ['ServiceException'],
  ['ServiceUnavailableException'],
  ['TooManyRequestsException'],
])('after %s the event waits, and no attempt is used up', async (code) => {
  const { seen, handle } = open({ answer: refuse(code) })
  expect(await handle()).toEqual({ later: true, until: NOW + 21_600_000 })
  expect(seen).toMatchObject({ timers: [], told: [], buried: [] })
})

test('a function that was lost with its scheduler may have run, and says so', async () => {
  const { seen, handle } = open({ answer: refuse('ServiceException') })
  await handle()
  await handle()
  expect(seen.asked.map(({ againSince }) => againSince)).toEqual([undefined, NOW])
})

test('so does one that was handed out before', async () => {
  const { seen, handle } = open({ answer: result, deliveries: 2 })
  await handle()
  expect(seen.asked[0]?.againSince).toBe(NOW)
})

test('and so do the retries of both: whoever was slow to be done with it may have had one, too', async () => {
  const { seen, handle } = open({ answer: failed, deliveries: 2 })
  await handle()
  expect(seen.timers).toMatchObject([{ event: { attempt: 2, again: true } }])
  const fresh = open({ answer: failed })
  await fresh.handle()
  expect(fresh.seen.timers[0]?.event.again).toBeUndefined()
})

test('a function that is not there may be too new to be known; later it is gone', async () => {
  const { seen, handle } = open({ answer: refuse('ResourceNotFoundException') })
  expect(await handle()).toMatchObject({ later: true })
  vi.setSystemTime(NOW + 10_001)
  expect(await handle()).toBe('done')
  expect(seen.buried).toMatchObject([{ reason: 'ResourceNotFoundException: no' }])
})

test('an event that is too old is not tried', async () => {
  const { seen, handle } = open({ answer: result, event: { acceptedAt: NOW - 21_600_000 } })
  expect(await handle()).toBe('done')
  expect(seen.asked).toEqual([])
  expect(seen.buried).toMatchObject([{ reason: 'EventAgeExceeded' }])
})

test('one whose retry would be too late is told of at once, with what it was answered', async () => {
  const config = { ageSecondsMax: 60, onFailure: 'arn:d' }
  const { seen, handle } = open({ answer: failed, config })
  expect(await handle()).toBe('done')
  expect([seen.timers, seen.told.length]).toEqual([[], 1])
  expect(JSON.parse(seen.told[0]?.body ?? '')).toMatchObject({
    requestContext: { condition: 'EventAgeExceeded', approximateInvokeCount: 1 },
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    responsePayload: { errorMessage: 'no' },
  })
})

test('one for a function that is turned off is told of at once where it can be, or waits', async () => {
  const turnedOff = { answer: refuse('TooManyRequestsException'), reserved: 0 }
  const telling = open({ ...turnedOff, config: { onFailure: 'arn:d' } })
  expect(await telling.handle()).toBe('done')
  expect([telling.seen.asked, telling.seen.told.length]).toEqual([[], 1])
  const { requestContext, ...rest } = JSON.parse(telling.seen.told[0]?.body ?? '')
  expect([requestContext.condition, requestContext.approximateInvokeCount]).toEqual([
    'ZeroReservedConcurrency',
    0,
  ])
  expect(Object.keys(rest)).toEqual(['version', 'timestamp', 'requestPayload'])
  const lettered = open({ ...turnedOff, deadLetterArn: 'arn:q' })
  await lettered.handle()
  expect(lettered.seen.told).toMatchObject([
    { target: 'arn:q', as: 'dead letter', errorMessage: 'ZeroReservedConcurrency' },
  ])
  const quiet = open(turnedOff)
  expect(await quiet.handle()).toMatchObject({ later: true })
})

test('what follows is stored before the event is done with, however often that fails', async () => {
  const { seen, handle } = open({ answer: failed, storeFails: 3 })
  let isDone = false
  const handled = handle().then(() => {
    isDone = true
  })
  await vi.advanceTimersByTimeAsync(2_500)
  expect([isDone, seen.timers.length]).toEqual([false, 0])
  await vi.advanceTimersByTimeAsync(1_000)
  await handled
  expect(seen.timers).toHaveLength(1)
  expect(seen.asked).toHaveLength(1)
})
