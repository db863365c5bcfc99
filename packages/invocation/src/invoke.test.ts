// The door and what it cannot know: an invocation that may run is never asked of another scheduler.

import type { Answer } from '@hearth/bus/requests'
import type { FunctionDocument } from '@hearth/core/function'
import { expect, test } from 'vitest'
import { type DoorParts, openDoor } from './invoke.ts'

const version = {
  version: '$LATEST',
  state: 'Active',
  configuration: { timeoutSeconds: 3 },
  deploymentId: 'one',
}
const document = { account: '0', name: 'echo', tags: {}, published: [], latest: version }

async function invoke(answer: Answer<unknown, unknown>) {
  const asked: string[] = []
  const door = openDoor({
    region: 'us-east-1',
    functions: { cached: () => document as unknown as FunctionDocument },
    schedulers: { live: () => ['one', 'two'].map((schedulerId) => ({ schedulerId })) },
    requests: {
      ask: async (subject: string) => {
        asked.push(subject)
        return answer
      },
    },
    budgets: { stopOf: () => undefined },
  } as unknown as DoorParts)
  const request = { requestId: 'r', account: '0', functionName: 'echo', invokedArn: 'arn' }
  const said = door.invoke({ ...request, payload: new Uint8Array(0), wantsLogTail: false })
  const code = await said.catch((error) => error.code)
  return { asked: asked.length, code }
}

test('one that nobody has goes on to the next', async () => {
  const nobody = { asked: 2, code: 'ServiceUnavailableException' }
  expect(await invoke({ kind: 'nobody' })).toEqual(nobody)
  expect(await invoke({ kind: 'silent' })).toEqual(nobody)
})

test("one that was lost with NATS is nobody else's", async () => {
  expect(await invoke({ kind: 'lost' })).toEqual({ asked: 1, code: 'ServiceException' })
})
