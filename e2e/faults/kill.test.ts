// kill -9 of Hearth in the middle of a call: the caller hears of it, nothing runs twice, and after
// a restart every function is there, no sandbox is left over, and the ledger has each attempt
// exactly once.

import { GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually, type Hearth, type Part, startHearth } from '../hearth.ts'
import { hostAddress, type Listener, startListener } from '../listener.ts'

let hearth: Hearth
let listener: Listener
let part: Part

const env = { HEARTH_SANDBOX_ALLOW: hostAddress() }

beforeAll(async () => {
  ;[hearth, listener] = await Promise.all([startHearth({ env }), startListener()])
  part = hearth.main
  await hearth.create({
    FunctionName: 'worker',
    Timeout: 20,
    files: {
      'index.mjs': `export const handler = async ({ id, waitMs = 0, url }) => {
        await fetch(url + '/began-' + id)
        await new Promise((resolve) => setTimeout(resolve, waitMs))
        return id
      }`,
    },
  })
})
afterAll(async () => {
  await hearth?.stop()
  await listener?.close()
})

const work = (id: number, waitMs = 0) => hearth.invoke('worker', { id, waitMs, url: listener.url })
const began = (id: number) => listener.heard.filter((report) => report === `began-${id}`).length
const billed = () =>
  hearth.bill().then(
    (bill) => bill.requests,
    () => -1,
  )

test('a caller whose platform dies gets an error, and its function ran once', async () => {
  for (let id = 0; id < 10; id += 1) await work(id)
  const lost = work(100, 10_000).then(
    () => 'answered',
    (error: Error) => error.name,
  )
  await eventually('the function runs', () => began(100) === 1)
  const former = await hearth.sandboxes()
  expect(former).not.toEqual([])
  await part.kill()
  expect(await lost).not.toBe('answered')
  part = await hearth.serve()
  const present = await hearth.sandboxes()
  expect(former.filter((id) => present.includes(id))).toEqual([])
  const found = await hearth.lambda.send(
    new GetFunctionConfigurationCommand({ FunctionName: 'worker' }),
  )
  expect(found.State).toBe('Active')
  expect((await work(11)).json).toBe(11)
  expect(began(100)).toBe(1)
})

test('the ledger has each finished attempt once, and the lost one is on the house', async () => {
  await eventually('the ledger is rolled up', async () => (await billed()) === 11)
  expect((await hearth.bill()).rows).toMatchObject([{ functionName: 'worker', requests: 11 }])
})

/** Ids of a round are its own ten thousand. */
const isOf = (round: number, word: string) =>
  Math.floor(Number(word.split('-')[1]) / 10_000) === round + 1

test('killed again and again while it works, it neither loses nor doubles an attempt', async () => {
  let answered = 11
  for (let round = 0; round < 4; round += 1) {
    const callers = Array.from({ length: 6 }, async (_, caller) => {
      for (let turn = 0; turn < 200; turn += 1) {
        const ok = await work(10_000 * (round + 1) + 1_000 * caller + turn).then(
          () => true,
          () => false,
        )
        if (!ok) return
        answered += 1
      }
    })
    await eventually('work is under way', () =>
      listener.heard.some((word) => word.startsWith('began-') && isOf(round, word)),
    )
    await new Promise((resolve) => setTimeout(resolve, 1_000 + 150 * round))
    await part.kill()
    await Promise.all(callers)
    part = await hearth.serve()
  }
  // An attempt may have been written down whose answer was lost on its way; at most one a caller
  // and round.
  await eventually('the ledger has what was answered', async () => (await billed()) >= answered)
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  const { requests } = await hearth.bill()
  expect(requests).toBeGreaterThanOrEqual(answered)
  expect(requests).toBeLessThanOrEqual(answered + 4 * 6)
  const distinct = new Set(listener.heard).size
  expect(listener.heard.length).toBe(distinct)
  expect(requests).toBeLessThanOrEqual(distinct)
})

test('a Hearth whose servers have gone ends all the same, and serves when they are back', async () => {
  const events = Array.from({ length: 5 }, () =>
    hearth.invoke('worker', { id: 12, url: listener.url }, { InvocationType: 'Event' }),
  )
  await Promise.all(events)
  await eventually('the events run', () => began(12) === 5)
  await Promise.all([hearth.nats.kill(), hearth.valkey.kill()])
  const stopped = performance.now()
  await part.stop()
  // Compose kills what has not ended after a minute.
  expect(performance.now() - stopped).toBeLessThan(30_000)
  await Promise.all([hearth.nats.start(), hearth.valkey.start()])
  part = await hearth.serve()
  expect((await work(13)).json).toBe(13)
})
