// Event invoke configs as law: what is kept by put and by update, and AWS's literal refusals.

import { describe, expect, test } from 'vitest'
import {
  checkEventInvoke,
  deleteEventInvoke,
  type EventInvokeWish,
  eventInvokeOf,
  listEventInvoke,
  putEventInvoke,
  updateEventInvoke,
} from './event-invoke-config.ts'
import type { FunctionDocument } from './function.ts'

const place = { account: '000000000000', region: 'us-east-1' }
const at = { place, name: 'f', now: 5 }
const arn = (service: string, resource: string) =>
  `arn:aws:${service}:us-east-1:000000000000:${resource}`
const QUEUE = arn('sqs', 'told')
const SUBJECT = arn('jetstream-subject', 'told.a').replace('aws', 'aws-hearth')
const bare = {
  account: place.account,
  name: 'f',
  latest: { version: '$LATEST' },
  published: [{ version: '2' }, { version: '10' }],
} as unknown as FunctionDocument

const refusal = (code: string, message: string) => expect.objectContaining({ code, message })

test('put replaces everything, update only what is given', () => {
  const full = { retriesMax: 1, ageSecondsMax: 60, destinations: { onSuccess: QUEUE } }
  const put = putEventInvoke(bare, full, at)
  expect(eventInvokeOf(put, at)).toEqual({
    retriesMax: 1,
    ageSecondsMax: 60,
    onSuccess: QUEUE,
    modifiedAt: 5,
  })
  const again = putEventInvoke(put, { retriesMax: 0 }, { ...at, now: 6 })
  expect(eventInvokeOf(again, at)).toEqual({ retriesMax: 0, modifiedAt: 6 })
  const updated = updateEventInvoke(put, { retriesMax: 0 }, { ...at, now: 6 })
  expect(eventInvokeOf(updated, at)).toEqual({
    retriesMax: 0,
    ageSecondsMax: 60,
    onSuccess: QUEUE,
    modifiedAt: 6,
  })
  const other = updateEventInvoke(put, { destinations: { onFailure: QUEUE } }, at)
  expect(eventInvokeOf(other, at)).toMatchObject({ onSuccess: QUEUE, onFailure: QUEUE })
  const cleared = updateEventInvoke(put, { destinations: { onSuccess: '' } }, at)
  expect(eventInvokeOf(cleared, at)).not.toHaveProperty('onSuccess')
})

test('each qualifier has its own, and they are listed in their order', () => {
  const of = (qualifier?: string) => ({ ...at, ...(qualifier && { qualifier }) })
  let document = bare
  for (const qualifier of ['10', '2', undefined]) {
    document = putEventInvoke(document, { retriesMax: 1 }, of(qualifier))
  }
  expect(listEventInvoke(document).map(([qualifier]) => qualifier)).toEqual(['$LATEST', '2', '10'])
  expect(eventInvokeOf(document, of('$LATEST'))).toEqual(eventInvokeOf(document, of()))
  document = deleteEventInvoke(document, of('2'))
  expect(listEventInvoke(document).map(([qualifier]) => qualifier)).toEqual(['$LATEST', '10'])
  expect(() => deleteEventInvoke(document, of('2'))).toThrow(
    refusal(
      'ResourceNotFoundException',
      `The function ${arn('lambda', 'function:f:2')} doesn't have an EventInvokeConfig`,
    ),
  )
})

test('whoever is not there has none', () => {
  const none = refusal(
    'ResourceNotFoundException',
    `The function ${arn('lambda', 'function:f:$LATEST')} doesn't have an EventInvokeConfig`,
  )
  expect(() => eventInvokeOf(undefined, at)).toThrow(none)
  expect(() => eventInvokeOf(bare, at)).toThrow(none)
  expect(() => updateEventInvoke(bare, { retriesMax: 1 }, at)).toThrow(none)
  expect(() => eventInvokeOf(bare, { ...at, qualifier: 'constructor' })).toThrow(
    /function:f:constructor doesn't have/,
  )
  const gone = refusal('ResourceNotFoundException', "The function doesn't exist.")
  expect(() => putEventInvoke(undefined, { retriesMax: 1 }, at)).toThrow(gone)
  expect(() => updateEventInvoke(undefined, { retriesMax: 1 }, at)).toThrow(gone)
  expect(() => putEventInvoke(bare, { retriesMax: 1 }, { ...at, qualifier: 'live' })).toThrow(gone)
})

describe('a wish', () => {
  const check = (wish: EventInvokeWish) => checkEventInvoke(wish, at, ({ name }) => name === 'g')
  const FUNCTION = arn('lambda', 'function:g')

  test.each([
    [{ retriesMax: 0 }],
    [{ ageSecondsMax: 60 }],
    [{ destinations: {} }],
    [{ destinations: { onSuccess: '' } }],
    [{ destinations: { onSuccess: FUNCTION, onFailure: QUEUE } }],
    [{ destinations: { onFailure: 'arn:aws:s3:::bucket' } }],
    [{ destinations: { onSuccess: arn('sns', 'topic') } }],
    [{ destinations: { onSuccess: arn('events', 'event-bus/default') } }],
    [{ destinations: { onFailure: SUBJECT } }],
    [{ destinations: { onFailure: 'https://example.com/told?by=hearth' } }],
  ])('%j is good', (wish) => {
    check(wish)
  })

  test('for a service whose name JavaScript knows is refused like any other', () => {
    const destinations = { onSuccess: arn('constructor', 'function:g') }
    expect(() => check({ destinations })).toThrow(/ is invalid\.$/)
  })

  const strange = arn('iam', 'function:g')
  test.each<[EventInvokeWish, string]>([
    [{}, 'You must specify at least one of error handling or destination setting.'],
    [
      { destinations: { onSuccess: arn('lambda', 'function:f') } },
      "You can't specify the function as a destination for itself.",
    ],
    [
      { destinations: { onFailure: arn('lambda', 'function:f:1') } },
      "You can't specify the function as a destination for itself.",
    ],
    [
      { destinations: { onSuccess: arn('lambda', 'function:h') } },
      `The destination ARN ${arn('lambda', 'function:h')} is invalid.`,
    ],
    [
      { destinations: { onSuccess: FUNCTION.replace('east', 'west') } },
      `The destination ARN ${FUNCTION.replace('east', 'west')} is invalid.`,
    ],
    [
      { destinations: { onSuccess: strange } },
      'The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=' +
        `${strange}), onFailure=null) is invalid.`,
    ],
    [
      { destinations: { onSuccess: QUEUE, onFailure: 'kafka://topic' } },
      'The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=' +
        `${QUEUE}), onFailure=OnFailure(destination=kafka://topic)) is invalid.`,
    ],
  ])('%j is refused', (wish, message) => {
    expect(() => check(wish)).toThrow(refusal('InvalidParameterValueException', message))
  })
})
