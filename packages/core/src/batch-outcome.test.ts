// What became of a batch: AWS's table of answers, order within groups, and where streams resume.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type BatchOutcome, readOutcome, resumeIndex, settleQueue } from './batch-outcome.ts'

const ids = ['a', 'b', 'c']
const read = (payload: string, functionError?: string) =>
  readOutcome({ payload, functionError }, { ids, reportsItemFailures: true })
const named = (...failed: unknown[]) =>
  JSON.stringify({ batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) })

describe('with ReportBatchItemFailures', () => {
  test.each([
    '',
    ' \n',
    '""',
    'null',
    '{}',
    '[]',
    '{"batchItemFailures":[]}',
    '{"batchItemFailures":null}',
    '{"statusCode":200}',
  ])('%j is success', (payload) => {
    expect(read(payload)).toEqual({ kind: 'done' })
  })

  test.each([
    named(''),
    named(null),
    named(1),
    named('z'),
    named('a', 'z'),
    named('a', ''),
    '{"batchItemFailures":[{"foo":"a"}]}',
    '{"batchItemFailures":[{}]}',
    '{"batchItemFailures":[null]}',
    '{"batchItemFailures":["a"]}',
    '{"batchItemFailures":"a"}',
    '{"batchItemFailures":{}}',
    '[{"itemIdentifier":"a"}]',
    '"done"',
    'true',
    '1',
    '{"batchItemFailures":[',
    'not JSON',
  ])('%j is the failure of the whole batch', (payload) => {
    expect(read(payload)).toEqual({ kind: 'failed' })
  })

  test('names that are in the batch fail alone, however often they are said', () => {
    expect(read(named('b', 'a', 'b'))).toEqual({ kind: 'partial', failed: new Set(['a', 'b']) })
  })

  test("Kafka's records are named by partition and offset", () => {
    const kafka = { ids: ['t-0-4', 't-0-5'], reportsItemFailures: true }
    const readKafka = (payload: string) => readOutcome({ payload }, kafka)
    const failed = new Set(['t-0-5'])
    expect(readKafka(named({ partition: 't-0', offset: 5 }))).toEqual({ kind: 'partial', failed })
    expect(readKafka(named('t-0-5'))).toEqual({ kind: 'partial', failed })
    for (const wrong of [{ partition: 't-0', offset: 6 }, { partition: 0, offset: 5 }, {}]) {
      expect(readKafka(named(wrong))).toEqual({ kind: 'failed' })
    }
  })

  test('a function error fails the batch whatever its payload says', () => {
    expect(read(named('b'), 'Unhandled')).toEqual({ kind: 'failed' })
    expect(read('{}', 'Unhandled')).toEqual({ kind: 'failed' })
  })
})

test('without ReportBatchItemFailures the answer is not looked at, but the error is', () => {
  const plain = { ids, reportsItemFailures: false }
  expect(readOutcome({ payload: named('a') }, plain)).toEqual({ kind: 'done' })
  expect(readOutcome({ payload: 'not JSON' }, plain)).toEqual({ kind: 'done' })
  expect(readOutcome({ payload: '', functionError: 'Unhandled' }, plain)).toEqual({
    kind: 'failed',
  })
})

const batches = fc
  .array(fc.option(fc.constantFrom('g', 'h'), { nil: undefined }), { minLength: 1, maxLength: 8 })
  .map((groups) =>
    groups.map((group, index) => ({ id: `${index}`, ...(group !== undefined && { group }) })),
  )
const outcomes: fc.Arbitrary<BatchOutcome> = fc.oneof(
  fc.constant<BatchOutcome>({ kind: 'done' }),
  fc.constant<BatchOutcome>({ kind: 'failed' }),
  fc
    .uniqueArray(fc.integer({ min: 0, max: 7 }).map(String), { minLength: 1 })
    .map((failed): BatchOutcome => ({ kind: 'partial', failed: new Set(failed) })),
)

describe('a queue', () => {
  test('lets what comes after a failed record go back within its group alone', () => {
    const records = [
      { id: '1', group: 'g' },
      { id: '2', group: 'h' },
      { id: '3', group: 'g' },
      { id: '4', group: 'h' },
      { id: '5' },
      { id: '6' },
    ]
    const { settled, released } = settleQueue(records, {
      kind: 'partial',
      failed: new Set(['1', '5']),
    })
    expect(settled.map(({ id }) => id)).toEqual(['2', '4', '6'])
    expect(released.map(({ id }) => id)).toEqual(['1', '3', '5'])
  })

  test('settles or releases each record once, and never settles behind a released one', () => {
    fc.assert(
      fc.property(batches, outcomes, (records, outcome) => {
        const { settled, released } = settleQueue(records, outcome)
        expect([...settled, ...released].map(({ id }) => id).sort()).toEqual(
          records.map(({ id }) => id).sort(),
        )
        for (const back of released) {
          const behind = settled.filter(
            ({ id, group }) => group !== undefined && group === back.group && id > back.id,
          )
          expect(behind).toEqual([])
        }
      }),
    )
  })
})

test('a stream resumes at the first failed record', () => {
  expect(resumeIndex(ids, { kind: 'done' })).toBe(3)
  expect(resumeIndex(ids, { kind: 'failed' })).toBe(0)
  expect(resumeIndex(ids, { kind: 'partial', failed: new Set(['c', 'b']) })).toBe(1)
})
