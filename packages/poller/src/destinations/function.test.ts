// Whose event a function that is told of another's becomes: the tenant's, if it keeps tenants
// apart.

import type { Delivery } from '@hearth/bus/messages'
import type { AsyncEvent } from '@hearth/core/async-event'
import { expect, test } from 'vitest'
import type { DestinationParts } from './destination.ts'
import { openFunctions } from './function.ts'

const arn = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`
const delivery: Delivery = {
  id: 'request.ok',
  account: '000000000000',
  target: arn('told'),
  as: 'destination',
  condition: 'Success',
  functionName: 'f',
  functionArn: arn('f:$LATEST'),
  body: '{}',
  requestId: 'request',
  tenantId: 'blue',
  createdAt: 0,
}

test.each([
  ['keeps its tenants apart', { tenancy: 'PER_TENANT' }, 'blue'],
  ['does not', {}, undefined],
])('a target that %s', async (_, configuration, tenantId) => {
  const put: AsyncEvent[] = []
  const { deliver } = openFunctions({
    enqueue: async (event: AsyncEvent) => void put.push(event),
    functions: { cached: () => ({ latest: { configuration } }) },
  } as unknown as DestinationParts)
  const target = { kind: 'lambda', region: 'us-east-1', account: '000000000000', name: 'told' }
  expect(await deliver(delivery, { ...target, kind: 'lambda' })).toBe('delivered')
  expect(put.map((event) => event.tenantId)).toEqual([tenantId])
})
