// SnapStart through the AWS SDK: publishing loads the version, says so truthfully, and what is
// invoked is restored; a version that cannot be loaded has failed, and says why.

import {
  DeleteFunctionCommand,
  GetFunctionConfigurationCommand,
  PublishVersionCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
  waitUntilPublishedVersionActive,
} from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, type Hearth, startHearth } from './hearth.ts'

const CODE = `
import os
from snapshot_restore_py import register_after_restore
state = {"restored": False}
register_after_restore(state.update, restored=True)
def handler(event, context):
    return {**state, "type": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]}
`
const PYTHON = { Runtime: 'python3.13', Handler: 'app.handler' } as const

let hearth: Hearth
beforeAll(async () => {
  hearth = await startHearth()
})
afterAll(() => hearth?.stop())

const settings = (FunctionName: string, Qualifier?: string) =>
  hearth.lambda.send(new GetFunctionConfigurationCommand({ FunctionName, Qualifier }))

async function publish(FunctionName: string): Promise<string> {
  const { Version } = await hearth.lambda.send(new PublishVersionCommand({ FunctionName }))
  return Version ?? ''
}

test('a published version is loaded ahead and restored; $LATEST is not', async () => {
  const SnapStart = { ApplyOn: 'PublishedVersions' } as const
  const name = await hearth.create({ ...PYTHON, SnapStart, files: { 'app.py': CODE } })
  expect((await settings(name)).SnapStart).toEqual({ ...SnapStart, OptimizationStatus: 'Off' })
  expect((await hearth.invoke(name)).json).toEqual({ restored: false, type: 'on-demand' })
  const Qualifier = await publish(name)
  expect((await settings(name, Qualifier)).State).toBe('Pending')
  await waitUntilPublishedVersionActive(
    { client: hearth.lambda, maxWaitTime: 60, minDelay: 1, maxDelay: 1 },
    { FunctionName: name, Qualifier },
  )
  expect((await settings(name, Qualifier)).SnapStart).toEqual({
    ...SnapStart,
    OptimizationStatus: 'On',
  })
  await eventually('a snapshot waits', async () => (await hearth.sandboxes()).length > 1)
  const answer = await hearth.invoke(name, {}, { Qualifier, LogType: 'Tail' })
  expect(answer.json).toEqual({ restored: true, type: 'snap-start' })
  expect(answer.log).toContain('\tRestore Duration: ')
  await hearth.lambda.send(new DeleteFunctionCommand({ FunctionName: name }))
})

test('a version that cannot be loaded has failed, and an update heals the next one', async () => {
  const name = await hearth.create({
    ...PYTHON,
    SnapStart: { ApplyOn: 'PublishedVersions' },
    Environment: { Variables: { BROKEN: '1' } },
    files: { 'app.py': `import os\nif os.environ.get("BROKEN"): raise ValueError("no")\n${CODE}` },
  })
  const first = await publish(name)
  await eventually('it has failed', async () => (await settings(name, first)).State === 'Failed')
  const failed = await settings(name, first)
  expect(failed.StateReasonCode).toBe('FunctionError.RuntimeInitError')
  expect(failed.StateReason).toContain('ValueError')
  expect(failed.SnapStart?.OptimizationStatus).toBe('Off')
  await hearth.lambda.send(
    new UpdateFunctionConfigurationCommand({ FunctionName: name, Environment: { Variables: {} } }),
  )
  await waitUntilFunctionUpdatedV2(
    { client: hearth.lambda, maxWaitTime: 30, minDelay: 1, maxDelay: 1 },
    { FunctionName: name },
  )
  const second = await publish(name)
  await eventually('it is active', async () => (await settings(name, second)).State === 'Active')
})

test.each([
  ['an OS-only runtime', { Runtime: 'provided.al2023' }, 'is not supported for SnapStart'],
  ['a large /tmp', { EphemeralStorage: { Size: 1024 } }, 'EphemeralStorage greater than 512 MB'],
] as const)('%s has no snapshots', async (_what, wish, message) => {
  const SnapStart = { ApplyOn: 'PublishedVersions' } as const
  await expect(
    hearth.create({ ...PYTHON, ...wish, SnapStart, files: { 'app.py': CODE } }),
  ).rejects.toThrow(message)
})
