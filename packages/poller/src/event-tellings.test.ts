// What is told of an event, and to whom: its record goes on in the chain, so that functions which
// are each other's destinations are found out.

import type { AsyncEvent } from '@hearth/core/async-event'
import { isRecursive } from '@hearth/core/recursion'
import { expect, test } from 'vitest'
import { openFunctions } from './destinations/function.ts'
import { deadLetterOf, destinationOf } from './event-tellings.ts'

const region = 'us-east-1'
const arn = (name: string) => `arn:aws:lambda:${region}:000000000000:function:${name}`
const first: AsyncEvent = {
  requestId: 'first',
  account: '000000000000',
  functionName: 'a',
  invokedArn: arn('a'),
  traceId: 'Root=1-5759e988-bd862e3fe1be46a994272793',
  acceptedAt: 0,
  attempt: 1,
}
const payload = Buffer.from('{}')
const result = { requestId: '', executedVersion: '$LATEST', payload, report: {} as never }

test('functions that have each other for destinations run sixteen times each', async () => {
  const queue = [first]
  const ran: string[] = []
  const { deliver } = openFunctions({
    functions: { cached: () => undefined },
    enqueue: async (event: AsyncEvent) => void queue.push(event),
  } as never)
  for (let event = queue.shift(); event && ran.length < 100; event = queue.shift()) {
    if (isRecursive(event.traceId, event.invokedArn)) break
    ran.push(event.functionName)
    const other = event.functionName === 'a' ? 'b' : 'a'
    const config = { onSuccess: arn(other), modifiedAt: 0 }
    const hand = { event, payload, config, version: undefined }
    const delivery = destinationOf({ region }, hand, { condition: 'Success', result })
    if (!delivery) throw new Error('nothing to tell')
    const target = { kind: 'lambda', region, account: event.account, name: other } as const
    expect(await deliver(delivery, target)).toBe('delivered')
  }
  expect(ran).toHaveLength(32)
  expect(ran.filter((name) => name === 'a')).toHaveLength(16)
})

test('the trace that is told is the one that the function was given, for dead letters too', () => {
  const version = { configuration: { deadLetterArn: 'arn:aws:sqs:us-east-1:000000000000:q' } }
  const hand = { event: first, payload, config: undefined, version: version as never }
  const letter = deadLetterOf({ region }, hand, { condition: 'RetriesExhausted', result })
  expect(letter?.traceId).toMatch(/;Lineage=[0-9a-f]{8}:0$/)
})
