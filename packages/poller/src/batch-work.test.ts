// What is told of a stream's batch that was given up, as AWS was recorded to tell it, and that
// a function which is not there costs its records nothing but time.

import { ServiceError } from '@hearth/core/error'
import type { EventSourceMapping } from '@hearth/core/event-source-mapping'
import type { InvocationResult } from '@hearth/core/invocation'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { workBatch } from './batch-work.ts'
import { followProgress } from './mapping-progress.ts'
import { mappingOf } from './sources/queue-source.contract.ts'

const NOW = 1_000_000_000
const AGE_MS = 60_000

// Time stands still but for what a test lets pass; rests between attempts are real, and short.
beforeEach(() => {
  vi.useFakeTimers({ now: NOW, toFake: ['Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const answer = (changes: Partial<InvocationResult>): InvocationResult => ({
  requestId: 'r',
  executedVersion: '$LATEST',
  payload: Buffer.from('null'),
  report: { outcome: 'success', durationMs: 1, billedMs: 1, maxMemoryMb: 1, start: 'warm' },
  ...changes,
})
const failing = () => answer({ functionError: 'Unhandled' })
const gone = () => {
  throw new ServiceError('ResourceNotFoundException', 'Function not found: f')
}

/** One record of an age at work until its story has ended. */
function work(wish: {
  ageMs?: number
  settings: Partial<EventSourceMapping>
  play(turn: number): InvocationResult
}) {
  const mapping = {
    ...mappingOf({ kind: 'kinesis', sourceArn: 'arn:aws:kinesis:us-east-1:000000000000:stream/s' }),
    onFailure: 'arn:aws:sqs:us-east-1:000000000000:lost',
    ...wish.settings,
  }
  const seen = { turns: 0, done: 0, told: [] as Record<string, unknown>[] }
  const progress = followProgress(mapping)
  const ended = workBatch(
    {
      ...{ mapping, region: 'us-east-1', shard: 'shard', progress },
      source: { payload: () => ({ Records: [] }), batchInfo: () => ({}) } as never,
      invoke: async () => {
        seen.turns += 1
        return wish.play(seen.turns)
      },
      deliver: async (record) => void seen.told.push(JSON.parse(record)),
    },
    {
      records: [
        {
          ...{ id: '1', event: {}, filtered: {}, size: 1, position: '1', key: 'k' },
          arrivedAt: NOW - (wish.ageMs ?? 0),
          done: () => {
            seen.done += 1
          },
        },
      ],
      stop: new AbortController().signal,
      extra: () => ({}),
      answered: () => {},
    },
  )
  return { seen, progress, ended }
}

test('what was tried in vain is told with its last answer', async () => {
  const { seen, ended } = work({ settings: { retriesMax: 1 }, play: failing })
  await ended
  expect(seen).toMatchObject({ turns: 2, done: 1 })
  expect(seen.told).toMatchObject([
    {
      requestContext: { condition: 'RetryAttemptsExhausted', approximateInvokeCount: 2 },
      responseContext: { statusCode: 200, functionError: 'Unhandled' },
    },
  ])
})

test('what grew too old while it was tried is told without any answer', async () => {
  const play = (turn: number) => {
    if (turn === 2) vi.setSystemTime(NOW + AGE_MS + 1)
    return failing()
  }
  const { seen, ended } = work({ settings: { recordAgeSecondsMax: 60 }, play })
  await ended
  expect(seen).toMatchObject({ turns: 2, done: 1 })
  expect(seen.told).toMatchObject([
    { requestContext: { condition: 'RecordAgeExceeded', approximateInvokeCount: 2 } },
  ])
  expect(seen.told[0]).not.toHaveProperty('responseContext')
})

test('what was too old before it was tried counts as tried once, as on AWS', async () => {
  const settings = { recordAgeSecondsMax: 60, retriesMax: 0 }
  const { seen, ended } = work({ ageMs: AGE_MS + 1, settings, play: failing })
  await ended
  expect(seen).toMatchObject({ turns: 0, done: 1 })
  expect(seen.told).toMatchObject([
    { requestContext: { condition: 'RecordAgeExceeded', approximateInvokeCount: 1 } },
  ])
  expect(seen.told[0]).not.toHaveProperty('responseContext')
})

test('a function that is gone uses no attempt, and its records wait for another', async () => {
  const play = (turn: number) => (turn <= 2 ? gone() : answer({}))
  const { seen, progress, ended } = work({ settings: { retriesMax: 0 }, play })
  await ended
  expect(seen).toMatchObject({ turns: 3, done: 1, told: [] })
  expect(progress.figures()).toMatchObject({ refused: 2, failed: 0 })
})

test('they wait no longer than they may', async () => {
  const play = () => {
    vi.setSystemTime(NOW + AGE_MS + 1)
    return gone()
  }
  const { seen, ended } = work({ settings: { recordAgeSecondsMax: 60 }, play })
  await ended
  expect(seen).toMatchObject({ turns: 1, done: 1 })
  expect(seen.told).toMatchObject([{ requestContext: { condition: 'RecordAgeExceeded' } }])
})
