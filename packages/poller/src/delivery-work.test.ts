// A delivery is tried until it arrives, can never arrive, or a day is over; then it is kept, whole,
// and no key of a webhook's address is told.

import { encode } from '@hearth/bus/envelope'
import type { DeadLetter } from '@hearth/bus/messages'
import { expect, test } from 'vitest'
import { openDeliveryWork } from './delivery-work.ts'
import type { Delivered } from './destinations/destination.ts'

const DAY_MS = 24 * 3_600_000
const NEVER: Delivered = { failed: 'gone', permanent: true }
const NOT_NOW: Delivered = { failed: 'away', permanent: false }

async function work(outcome: Delivered, createdAt = Date.now()) {
  const buried: { letter: DeadLetter; payload: string }[] = []
  const reports: string[] = []
  const handle = openDeliveryWork({
    destinations: { deliver: async () => outcome },
    deadLetters: {
      bury: async (letter, payload) => {
        buried.push({ letter, payload: Buffer.from(payload).toString() })
      },
    },
    counted: () => {},
    report: (problem) => reports.push(problem),
  })
  const head = {
    id: 'r.ok',
    account: '000000000000',
    target: 'https://example.com/hook?key=secret',
    as: 'destination',
    condition: 'Success',
    functionName: 'f',
    functionArn: 'arn',
    requestId: 'r',
    createdAt,
  }
  const handled = await handle({
    subject: 's',
    data: encode(head, Buffer.from('{"the":"record"}')),
    deliveries: 1,
    done: async () => {},
    working: () => {},
    giveBack: () => {},
    isOurs: () => true,
  })
  return { handled, buried, reports, head }
}

test('what has arrived is done', async () => {
  expect(await work('delivered')).toMatchObject({ handled: 'done', buried: [], reports: [] })
})

test('what has not arrived is tried again, for a day', async () => {
  const createdAt = Date.now() - DAY_MS + 60_000
  const { handled, buried } = await work(NOT_NOW, createdAt)
  expect(handled).toEqual({ later: true, until: createdAt + DAY_MS })
  expect(buried).toEqual([])
})

test.each([
  ['can never arrive', NEVER, Date.now()],
  ['has not for a day', NOT_NOW, Date.now() - DAY_MS],
])('what %s is kept whole', async (_, outcome, createdAt) => {
  const { handled, buried, reports, head } = await work(outcome, createdAt)
  expect(handled).toBe('done')
  expect(buried).toMatchObject([{ letter: { delivery: head }, payload: '{"the":"record"}' }])
  expect(reports).toHaveLength(1)
  expect(`${reports} ${buried[0]?.letter.reason}`).toContain(
    'https://example.com could not be told',
  )
  expect(`${reports} ${buried[0]?.letter.reason}`).not.toContain('secret')
})
