// An invocation on its way through the scheduler, with a pool that does as it is told: whatever
// becomes of it, its attempt ends in the log, its token goes back, its caller hears a last word.

import type { Acceptance, InvokeMessage, InvokeReply, StreamHead } from '@hearth/bus/messages'
import type { Respond } from '@hearth/bus/requests'
import type { InvocationRecord } from '@hearth/core/invocation'
import { expect, test } from 'vitest'
import type { Attempt } from './attempt.ts'
import { makeMessage, makeVersion } from './scheduler-harness.ts'
import { take } from './take.ts'

interface Taken {
  attempt: Attempt
  records: InvocationRecord[]
  said: (Acceptance | InvokeReply)[]
  given: string[]
}

/** One that was accepted; `last` may refuse to carry a word. */
function accept(last: (word: InvokeReply, body?: Uint8Array) => void = () => {}): Taken {
  const taken = { records: [], said: [], given: [] } as unknown as Taken
  const respond: Respond<Acceptance, InvokeReply, StreamHead> = {
    first: (word) => void taken.said.push(word),
    stream: (_, body) => void body.destroy(),
    last(word, body) {
      last(word, body)
      taken.said.push(word)
    },
  }
  const message: InvokeMessage = makeMessage(makeVersion({}))
  take(message, Buffer.from('{}'), {
    pool: {
      take(attempt) {
        taken.attempt = attempt
        return { accepted: true }
      },
    },
    attempts: {
      begin: (_, written) => written(),
      answered: (_, written) => written(),
      end(record, written) {
        taken.records.push(record)
        written()
      },
    },
    tokens: {
      take: () => 'pool',
      give: (pool: string) => void taken.given.push(pool),
    } as never,
    counts: { began() {}, ended() {}, failed() {}, finished() {} },
    respond,
    streamedBytesMax: 1,
  })
  return taken
}

const report = {
  outcome: 'success',
  durationMs: 1,
  billedMs: 1,
  maxMemoryMb: 1,
  start: 'warm',
} as const

test('an attempt that the platform fails has ended, and costs nothing', () => {
  const { attempt, records, said, given } = accept()
  attempt.began(() => {})
  attempt.failed('the sandbox stays frozen')
  expect(records).toMatchObject([{ outcome: 'crashed', billedMs: 0 }])
  expect(said).toEqual([{ accepted: true }, { platformError: 'the sandbox stays frozen' }])
  expect(given).toEqual(['pool'])
})

test('one that never began leaves no record', () => {
  const { attempt, records, said } = accept()
  attempt.failed('there is no room')
  expect(records).toEqual([])
  expect(said).toEqual([{ accepted: true }, { platformError: 'there is no room' }])
})

test('an answer that cannot be sent is told, and keeps no other attempt from its own', () => {
  const { attempt, records, said, given } = accept((_, body) => {
    if (body && body.length > 0) throw new Error('too many large bodies wait at once')
  })
  attempt.began(() => {})
  expect(() => attempt.finished({ payload: Buffer.from('"large"'), report })).not.toThrow()
  expect(records).toMatchObject([{ outcome: 'success' }])
  expect(said[1]).toMatchObject({ platformError: expect.stringContaining('too many large bodies') })
  expect(given).toEqual(['pool'])
})
