// The roles as processes of their own, over NATS: the same answers, large bodies by claim,
// spill-over from one scheduler to the next, and an error at once when a scheduler dies with an
// invocation.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InvokeCommand } from '@aws-sdk/client-lambda'
import type { Environments } from '@hearth/gateway'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, type Hearth, http, type Part, startHearth } from './hearth.ts'

let hearth: Hearth
let first: Part
let runs: string

const oneAtATime = { HEARTH_ENVIRONMENTS_MAX: '1' }

beforeAll(async () => {
  hearth = await startHearth({ roles: 'gateway,metering' })
  runs = await mkdtemp(join(tmpdir(), 'hearth-roles-'))
  first = await hearth.serve('scheduler', { HEARTH_SCHEDULER_ID: 'one', ...oneAtATime })
  await eventually('the gateway sees it', async () => (await schedulers()).length === 1)
  await hearth.create({
    FunctionName: 'echo',
    Timeout: 20,
    files: {
      'index.mjs': `export const handler = async (event) => {
        if (event.waitMs) await new Promise((resolve) => setTimeout(resolve, event.waitMs))
        return event
      }`,
    },
  })
})
afterAll(async () => {
  await hearth?.stop()
  await rm(runs, { recursive: true, force: true })
})

async function schedulers(): Promise<{ schedulerId: string; running: number }[]> {
  const { body } = await http(`${hearth.endpoint}/health`)
  return JSON.parse(body.toString()).schedulers
}

test('an invocation goes over NATS and back', async () => {
  const answer = await hearth.invoke('echo', { a: 1 }, { LogType: 'Tail' })
  expect(answer.json).toEqual({ a: 1 })
  expect(answer.log).toContain(`REPORT RequestId: ${answer.requestId}\t`)
})

test('a gateway whose port is taken says so and ends', async () => {
  const second = hearth.serve('gateway')
  await expect(second).rejects.toThrow(/ended early[\s\S]*Port \d+ is taken\. Stop what listens/)
})

test('6 MB go both ways', async () => {
  const Payload = `{"text":"${'é'.repeat(3_145_700)}"}`
  const answer = await hearth.lambda.send(new InvokeCommand({ FunctionName: 'echo', Payload }))
  const same = Buffer.from(answer.Payload ?? []).equals(Buffer.from(Payload))
  expect(same).toBe(true)
})

test('a busy scheduler passes work on, and a full house answers 429', async () => {
  const busy = hearth.invoke('echo', { waitMs: 4_000 })
  await eventually('one runs it', async () => (await schedulers())[0]?.running === 1)
  await expect(hearth.invoke('echo', {})).rejects.toMatchObject({
    name: 'TooManyRequestsException',
    $metadata: { httpStatusCode: 429 },
  })
  await hearth.serve('scheduler', { HEARTH_SCHEDULER_ID: 'two', ...oneAtATime })
  await eventually('both live', async () => (await schedulers()).length === 2)
  expect((await hearth.invoke('echo', { b: 2 })).json).toEqual({ b: 2 })
  expect((await busy).json).toEqual({ waitMs: 4_000 })
})

test('what both hold is gathered, and one that does not answer is named', async () => {
  const ask = () => hearth.native<Environments>('/hearth/environments')
  const { schedulers, silent } = await ask()
  expect(silent).toEqual([])
  const held = (id: string) => schedulers.find(({ schedulerId }) => schedulerId === id)
  for (const id of ['one', 'two']) {
    const [echo] = held(id)?.functions ?? []
    expect(echo).toMatchObject({ functionName: 'echo', version: '$LATEST', memoryMb: 128 })
    expect(Object.values(echo?.states ?? {})).toEqual([1])
    expect(held(id)?.starts).toContainEqual(
      expect.objectContaining({ coldReason: 'first invocation', count: 1 }),
    )
  }
  first.process.kill('SIGSTOP')
  try {
    const startedAt = performance.now()
    const found = await ask()
    expect(performance.now() - startedAt).toBeLessThan(3_000)
    expect(found.silent).toEqual(['one'])
    expect(found.schedulers.map(({ schedulerId }) => schedulerId)).toEqual(['two'])
  } finally {
    first.process.kill('SIGCONT')
  }
})

test('a scheduler that dies with an invocation is an error within seconds', async () => {
  const both = [1, 2].map((n) =>
    hearth.invoke('echo', { waitMs: 15_000, n }).then(
      () => 'answered',
      (error: Error) => error.name,
    ),
  )
  await eventually('both run', async () =>
    (await schedulers()).every(({ running }) => running === 1),
  )
  const startedAt = performance.now()
  await first.kill()
  const [heard] = await Promise.all([Promise.race(both)])
  expect(heard).toBe('ServiceException')
  expect(performance.now() - startedAt).toBeLessThan(8_000)
  expect((await Promise.all(both)).sort()).toEqual(['ServiceException', 'answered'])
})

test('without any scheduler the answer is 503', async () => {
  const lonely = await startHearth({ roles: 'gateway' })
  try {
    await lonely.create({
      FunctionName: 'echo',
      files: { 'index.mjs': 'export const handler = 1' },
    })
    await expect(lonely.invoke('echo')).rejects.toMatchObject({
      name: 'ServiceUnavailableException',
      $metadata: { httpStatusCode: 503 },
    })
  } finally {
    await lonely.stop()
  }
})
