// The page of a long log whose filter fits nothing: it says how far it looked, its link goes on
// from there, and what is older is not followed by what comes.

import type { StoredBatch } from '@hearth/store/log-lines'
import { afterEach, expect, test, vi } from 'vitest'
import type { Client } from './client.ts'
import { logPage } from './function-log.ts'

const MINUTE_MS = 60_000
const NEWEST = Date.parse('2026-05-04T12:00:00Z')
const account = '000000000000'

/** Reading a batch takes so long here, and all else no time. */
let msEach = 500
let clock = 0
vi.spyOn(performance, 'now').mockImplementation(() => clock)
afterEach(() => {
  clock = 0
})

const all = Array.from({ length: 300 }, (_, index): StoredBatch => {
  const storedAt = NEWEST - (299 - index) * 10 * MINUTE_MS
  const events = [{ timestamp: storedAt, message: `line ${index}` }]
  return { sequence: index + 1, storedAt, stream: 's', events }
})
const lines = {
  first: async () => all[0],
  last: async () => all.at(-1),
  timeOf: async (sequence: number) => all[sequence - 1]?.storedAt,
  async *batches(_: unknown, { time = 0 }) {
    for (const batch of all.filter(({ storedAt }) => storedAt >= time)) {
      clock += msEach
      yield batch
    }
  },
}
const group = { account, name: '/aws/lambda/f', createdAt: 1, tags: {}, logClass: 'STANDARD' }
const client = {
  call: async () => ({}),
  logs: () => ({ place: { account }, logs: { lines, groups: { find: async () => group } } }),
}

async function show(query: Record<string, string>): Promise<string> {
  const { body } = await logPage(
    {
      ...{ client: client as unknown as Client, formToken: '', path: '', now: NEWEST },
      query: (name) => query[name],
    },
    'f',
  )
  return String(await body)
}
const linkOf = (text: string, page: string) => {
  const [, href = ''] = new RegExp(`<a href="([^"]*)">${text}`).exec(page) ?? []
  return Object.fromEntries(new URL(href.replaceAll('&amp;', '&'), 'http://h').searchParams)
}

test('says how far it looked for what is not there, and goes on from there', async () => {
  const page = await show({ filter: 'none' })
  expect(page).toContain('Looked only as far back as 4 May 2026, 11:52:00 UTC')
  expect(page).toContain('data-log="/console/functions/f/log/live?filter=none"')
  const next = linkOf('Look further back', page)
  expect(next).toEqual({ filter: 'none', until: String(NEWEST - 8 * MINUTE_MS) })
  const further = await show(next)
  expect(further).toContain('Looked only as far back as 4 May 2026, 11:44:00 UTC')
  expect(further).not.toContain('data-log=')
  expect(linkOf('Newest lines', further)).toEqual({ filter: 'none' })
})

test('a full page leads to older lines, and the oldest lead nowhere', async () => {
  msEach = 0
  const page = await show({})
  expect(page).toContain('>line 100<')
  // Of today no day is told, of earlier ones before their first line.
  expect(page.match(/<h3>[^<]*(?=<)/g)).toEqual(['<h3>3 May 2026', '<h3>4 May 2026'])
  expect(page).not.toContain('>line 99<')
  const older = await show(linkOf('← Older lines', page))
  expect(older).toContain('>line 99<')
  expect(older).toContain('>line 0<')
  expect(older).not.toContain('>line 100<')
  expect(older).not.toContain('Older lines')
})
