// Asynchronous invocations through the unmodified AWS SDK, told by the functions themselves: what
// was accepted runs, retries come by AWS's law, a flood of one function delays no other, and a
// kill -9 of every process loses nothing.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { InvokeCommand, PutFunctionConcurrencyCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, type Hearth, KEYS, MAIN, NODE, startHearth } from './hearth.ts'
import { hostAddress, type Listener, startListener } from './listener.ts'

let hearth: Hearth
let listener: Listener

const code = `
  const report = (what) => fetch(process.env.LISTENER + '/' + encodeURIComponent(what))
  let runs = 0
  export const handler = async (event, context) => {
    runs += 1
    await report([event.id, context.awsRequestId].join(' '))
    if (event.waitMs) await new Promise((resolve) => setTimeout(resolve, event.waitMs))
    if (event.fails > 0 && heardOf(event.id) <= event.fails) throw new Error('as asked')
    return event.id
  }
  const times = new Map()
  function heardOf(id) {
    times.set(id, (times.get(id) ?? 0) + 1)
    return times.get(id)
  }`
const files = { 'index.mjs': code }

beforeAll(async () => {
  listener = await startListener()
  hearth = await startHearth({
    env: {
      HEARTH_SANDBOX_ALLOW: hostAddress(),
      HEARTH_RETRY_SECONDS: '1,2',
      HEARTH_STEMS_MAX: '0',
    },
  })
  for (const FunctionName of ['f', 'flooded', 'quiet', 'off']) {
    const Environment = { Variables: { LISTENER: listener.url } }
    await hearth.create({ FunctionName, files, Environment })
  }
})
afterAll(async () => {
  await hearth?.stop()
  await listener?.close()
})

const send = (FunctionName: string, event: Record<string, unknown>) =>
  hearth.lambda.send(
    new InvokeCommand({
      FunctionName,
      InvocationType: 'Event',
      Payload: JSON.stringify(event),
    }),
  )
/** What the command says. */
async function hearthCommand(...words: string[]): Promise<string> {
  const env = {
    PATH: process.env.PATH,
    AWS_ENDPOINT_URL_LAMBDA: hearth.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
  }
  return (await promisify(execFile)(NODE, [MAIN, ...words], { env })).stdout
}
/** Request ids under which an event was run. */
const runs = (id: string) =>
  listener.heard.filter((what) => what.startsWith(`${id} `)).map((what) => what.split(' ')[1])
const reserve = (FunctionName: string, ReservedConcurrentExecutions: number) =>
  hearth.lambda.send(
    new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions }),
  )

describe('an event', () => {
  test('is accepted with 202 and an empty body, and run once', async () => {
    const answer = await send('f', { id: 'once' })
    expect(answer).toMatchObject({ StatusCode: 202 })
    expect(answer.Payload?.length ?? 0).toBe(0)
    expect(answer.FunctionError).toBeUndefined()
    await eventually('it runs', () => runs('once').length > 0)
    expect(runs('once')).toEqual([answer.$metadata.requestId])
  })

  test('of a function that fails is tried again, twice, under the same request id', async () => {
    const { $metadata } = await send('f', { id: 'thrice', fails: 9 })
    await eventually('it is tried three times', () => runs('thrice').length >= 3)
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    expect(runs('thrice')).toEqual(Array(3).fill($metadata.requestId))
    const at = listener.reports.filter(({ what }) => what.startsWith('thrice')).map((r) => r.at)
    const [first = 0, second = 0, third = 0] = at
    expect(second - first).toBeGreaterThanOrEqual(1_000)
    expect(third - second).toBeGreaterThanOrEqual(2_000)
  })

  test('that fails once succeeds when it is tried again', async () => {
    await send('f', { id: 'twice', fails: 1 })
    await eventually('it is tried again', () => runs('twice').length >= 2)
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    expect(runs('twice')).toHaveLength(2)
  })

  test('for a function that is not there is refused', async () => {
    await expect(send('nobody', { id: 'x' })).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    })
  })

  test('may have 1 MB, and not a byte more', async () => {
    const envelope = JSON.stringify({ id: 'large', text: '' }).length
    await send('f', { id: 'large', text: 'x'.repeat(1_048_576 - envelope) })
    await eventually('it runs', () => runs('large').length === 1)
    await expect(
      send('f', { id: 'larger', text: 'x'.repeat(1_048_577 - envelope) }),
    ).rejects.toMatchObject({ name: 'RequestEntityTooLargeException' })
  })

  test('that is no JSON is refused', async () => {
    const Payload = '{"half":'
    await expect(
      hearth.lambda.send(
        new InvokeCommand({ FunctionName: 'f', InvocationType: 'Event', Payload }),
      ),
    ).rejects.toMatchObject({ name: 'InvalidRequestContentException' })
  })
})

test('what was given up is listed, and put back under a new request id', async () => {
  const { $metadata } = await send('f', { id: 'given-up', fails: 3 })
  const seen = async () => {
    const lines = await hearthCommand('dlq', 'ls', 'f', '-o', 'json')
    return (JSON.parse(lines) as { requestId: string }[]).find(
      ({ requestId }) => requestId === $metadata.requestId,
    )
  }
  await eventually('it is given up', async () => (await seen()) !== undefined)
  expect(await seen()).toMatchObject({
    reason: 'RetriesExhausted',
    attempts: 3,
    payload: '{"id":"given-up","fails":3}',
  })
  const said = await hearthCommand('dlq', 'redrive', 'f', String($metadata.requestId))
  expect(said).toBe('1 of f are on their way again.\n')
  await eventually('it runs a fourth time', () => runs('given-up').length === 4)
  expect(runs('given-up')[3]).not.toBe($metadata.requestId)
  expect(await seen()).toBeUndefined()
})

test('reserved concurrency of 0 keeps events waiting, and they run when it is raised', async () => {
  await reserve('off', 0)
  await Promise.all(['a', 'b', 'c'].map((id) => send('off', { id: `off-${id}` })))
  await new Promise((resolve) => setTimeout(resolve, 4_000))
  expect(listener.heard.filter((what) => what.startsWith('off-'))).toEqual([])
  await reserve('off', 2)
  await eventually('all of them run', () => {
    return ['a', 'b', 'c'].every((id) => runs(`off-${id}`).length === 1)
  })
})

test('a function that is flooded delays no other', async () => {
  await reserve('flooded', 1)
  await send('quiet', { id: 'warm-up' })
  await eventually('it is warm', () => runs('warm-up').length === 1)
  const flood = Array.from({ length: 100 }, (_, index) =>
    send('flooded', { id: `flood-${index}`, waitMs: 100 }),
  )
  await Promise.all(flood)
  const sentAt = performance.now()
  await send('quiet', { id: 'quiet' })
  await eventually('it runs', () => runs('quiet').length === 1, 3_000)
  expect(performance.now() - sentAt).toBeLessThan(3_000)
  const flooded = listener.heard.filter((what) => what.startsWith('flood-')).length
  expect(flooded).toBeLessThan(100)
  await eventually(
    'the flood is over',
    () => listener.heard.filter((what) => what.startsWith('flood-')).length >= 100,
    60_000,
  )
})

test('what was accepted survives kill -9 of everything', async () => {
  const ids = Array.from({ length: 40 }, (_, index) => `killed-${index}`)
  await Promise.all(ids.map((id) => send('f', { id, waitMs: 50 })))
  await hearth.main.kill()
  await hearth.serve()
  await eventually('each has run', () => ids.every((id) => runs(id).length > 0), 60_000)
})
