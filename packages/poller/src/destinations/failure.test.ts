// What a failed try means, by what was thrown: an operator's hand and time can mend some, and no
// number of tries the rest.

import { ServiceError } from '@hearth/core/error'
import { expect, test } from 'vitest'
import { failureOf } from './failure.ts'

/** An error as AWS's clients throw them. */
const refused = (name: string, httpStatusCode?: number) =>
  Object.assign(new Error('no'), { name, $metadata: { httpStatusCode } })
const timedOut = Object.assign(new Error('The operation was aborted'), { name: 'AbortError' })

test.each([
  ['a queue that is not there', refused('QueueDoesNotExist', 400), true],
  ['a topic that is not there', refused('NotFound', 404), true],
  ['a message that is no message', refused('InvalidMessageContents', 400), true],
  ['a bucket that is elsewhere', refused('PermanentRedirect', 301), true],
  ['a permission that is missing', refused('AccessDenied', 403), false],
  ['a key that is unknown', refused('InvalidClientTokenId', 403), false],
  ['credentials that ran out', refused('ExpiredToken', 401), false],
  ['a throttled request', refused('ThrottlingException', 400), false],
  ['a throttled request of another name', refused('RequestThrottled', 403), false],
  ['a server that slows down', refused('SlowDown', 503), false],
  ['a server at fault', refused('InternalError', 500), false],
  ['no answer', refused('TimeoutError'), false],
  ['no connection', Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), false],
  ['no credentials at all', refused('CredentialsProviderError'), false],
  ['a function that is not there', new ServiceError('ResourceNotFoundException', 'no'), true],
  ['a queue of ours that is full', new ServiceError('TooManyRequestsException', 'no'), false],
  ['NATS that is away', new ServiceError('ServiceUnavailableException', 'no'), false],
  ['something that is no error', 'no', false],
])('%s', (_, error, permanent) => {
  expect(failureOf(error)).toEqual({ failed: expect.stringMatching(/./), permanent })
})

test('what happened is told in one line of bounded length', () => {
  expect(failureOf(new Error('x'.repeat(10_000)))).toMatchObject({ failed: 'x'.repeat(500) })
  expect(failureOf(refused('NotFound', 404))).toMatchObject({ failed: 'NotFound: no' })
  expect(failureOf(timedOut)).toMatchObject({ failed: 'It did not answer in time.' })
  const both = new AggregateError([new Error('connect a'), new Error('connect b')], '')
  expect(failureOf(both)).toMatchObject({ failed: 'Error: connect a; Error: connect b' })
})
