// Services that are chosen by X-Amz-Target have the operations that they name, and no others: not
// those that every object has.

import { expect, test } from 'vitest'
import { readTarget } from './json-target.ts'
import { answerLogs } from './routes/logs/operations.ts'
import { answerScaling } from './routes/scaling.ts'
import { type Input, pageOf } from './routes/scaling-input.ts'

const nobody = {} as never

test.each(['constructor', 'toString', '__proto__', 'hasOwnProperty', ''])(
  'there is no operation %j',
  async (operation) => {
    const asked = { operation, input: {} }
    const refusal = { code: 'NotImplementedException' }
    await expect(answerLogs(asked, nobody)).rejects.toMatchObject(refusal)
    await expect(answerScaling(asked, nobody, nobody)).rejects.toMatchObject(refusal)
  },
)

test('a target without a dot, or without anything, names no service', () => {
  for (const target of ['', 'Logs', '.']) {
    expect(readTarget(target, Buffer.from('{}')).service).toBe('')
  }
  for (const body of ['[]', 'null', '1', '{']) {
    expect(() => readTarget('a.b', Buffer.from(body))).toThrow('The body is not a JSON object.')
  }
})

test.each<[Input]>([
  [{ NextToken: { toString: 'x' } }],
  [{ NextToken: ['1'] }],
  [{ MaxResults: '1' }],
  [{ MaxResults: 0 }],
])('a page of %j is refused', (input) => {
  expect(() => pageOf('All', [], input)).toThrow(/^MaxResults must be from 1 to 50/)
})
