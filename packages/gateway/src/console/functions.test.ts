// Which functions a page of the list shows, and that a list of ten thousand holds nobody up.

import type { FunctionDocument } from '@hearth/core/function'
import { laneKey } from '@hearth/store/lane-key'
import { expect, test } from 'vitest'
import { countDeadLetters, type DeadLetterParts } from '../routes/dead-letters.ts'
import type { Client } from './client.ts'
import { functionsPage, pick } from './functions.ts'
import { queuesPage } from './queues.ts'
import type { Visit } from './visit.ts'

const account = '000000000000'
const MANY = 10_000

const functionOf = (name: string, configuration: object = {}) =>
  ({
    ...{ account, name },
    latest: {
      ...{ state: 'Active', code: { size: 1, sha256: '00' }, lastModified: 0 },
      configuration: { memoryMb: 128, runtime: 'nodejs24.x', logging: {}, ...configuration },
    },
  }) as unknown as FunctionDocument
const all = Array.from({ length: 60 }, (_, index) =>
  functionOf(`f${index}`, {
    ...(index === 7 && { description: 'Takes ORDERS' }),
    ...(index === 8 && { handler: 'orders.handler' }),
  }),
)
const many = Array.from({ length: MANY }, (_, index) => functionOf(`many-${index}`))
const names = async (search: string, page: number) => {
  const { rows, ...rest } = await pick(all, { search, page })
  return { ...rest, rows: rows.map(({ name }) => name) }
}

test('a page has twenty-five, and the last what is left', async () => {
  expect(await names('', 1)).toMatchObject({ count: 60, page: 1, pages: 3 })
  const second = all.slice(25, 50).map((one) => one.name)
  expect((await names('', 2)).rows).toEqual(second)
  expect((await names('', 3)).rows).toHaveLength(10)
})

test.each([
  [99, 3],
  [0, 1],
  [-1, 1],
  [Number.NaN, 1],
])('page %s is page %s', async (page, shown) => {
  expect((await names('', page)).page).toBe(shown)
})

test('names, descriptions and handlers are searched, in any case', async () => {
  const found = { count: 2, ofAll: 60, page: 1, pages: 1, rows: ['f7', 'f8'] }
  expect(await names('orders', 1)).toEqual(found)
  expect((await names('F59', 1)).rows).toEqual(['f59'])
  expect(await names('none', 1)).toEqual({ ...found, count: 0, rows: [] })
})

/** Turns that others had meanwhile. */
async function turnsDuring<T>(work: () => Promise<T>): Promise<[T, number]> {
  let turns = 0
  let isDone = false
  const turn = () => {
    turns += 1
    if (!isDone) setImmediate(turn)
  }
  setImmediate(turn)
  const result = await work()
  isDone = true
  return [result, turns]
}
const counts = { [laneKey(account, 'many-7')]: 3, [laneKey(account, 'gone')]: 2 }
const deadLetters = { counts: async () => ({ ...counts }) }
const parts = { account, deadLetters, functions: { list: () => many } }
const client = {
  asker: { place: { account, region: 'us-east-1' } },
  functions: async () => many,
  history: async () => ({ functions: [] }),
  waiting: async () => ({ [laneKey(account, 'many-9999')]: 4 }),
  deadLetters: () => countDeadLetters(parts as unknown as DeadLetterParts),
}
const visit = (query: Record<string, string> = {}): Visit => ({
  ...{ client: client as unknown as Client, formToken: '', path: '', now: 0 },
  query: (name) => query[name],
})

test('a search through ten thousand gives way to others, and looks closely at a page of them', async () => {
  const search = () => functionsPage(visit({ q: 'MANY-999' }))
  const [{ body }, turns] = await turnsDuring(search)
  expect(String(await body)).toMatch(/11 functions for “MANY-999”.*many-9999/s)
  expect(turns).toBeGreaterThan(MANY / 500)
})

test('so does the list of what ten thousand have on their queues or gave up', async () => {
  const [{ body }, turns] = await turnsDuring(() =>
    queuesPage(
      visit(),
      many.map((one) => one.name),
    ),
  )
  const text = String(await body).replaceAll(/<[^>]*>/g, ' ')
  expect(text).toMatch(/many-7\s+0\s+3\s+of many-7.*many-9999\s+4\s+0/s)
  expect(text).toContain('2 dead letters of functions that were deleted')
  expect(turns).toBeGreaterThan(MANY / 250)
})
