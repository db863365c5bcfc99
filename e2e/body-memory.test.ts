// A flood of large bodies at a public function URL: what it can fill is bounded, and those who sign
// are served beside it.

import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Hearth, http, publicUrl, startHearth } from './hearth.ts'

/** The least there is; the public may fill a half of it. */
const MEMORY_MB = 128
const BODY_BYTES = 6 * 1024 * 1024
/** Whole bodies that fit into the half. */
const FIT = Math.floor((MEMORY_MB * 1024 * 1024) / 2 / BODY_BYTES)

let hearth: Hearth
let host: string
beforeAll(async () => {
  hearth = await startHearth({ env: { HEARTH_BODY_MEMORY_MB: String(MEMORY_MB) } })
  await hearth.create({
    FunctionName: 'length',
    files: {
      'index.mjs': `export const handler = async (event) =>
        event.text?.length ?? Buffer.from(event.body ?? '', 'base64').length`,
    },
  })
  host = (await publicUrl(hearth.lambda, 'length')).host
})
afterAll(() => hearth?.stop())

const post = (bytes: number) =>
  http(hearth.endpoint, { method: 'POST', headers: { host }, body: new Uint8Array(bytes) })

/** Sends all but the last byte. @returns how to send that, and the status of the answer. */
function hold() {
  const request = httpRequest(hearth.endpoint, {
    method: 'POST',
    headers: { host, 'content-length': BODY_BYTES },
    agent: false,
  })
  const status = new Promise<number | string | undefined>((resolve) => {
    request.on('response', ({ statusCode }) => resolve(statusCode))
    request.on('error', ({ message }) => resolve(message))
  })
  request.write(new Uint8Array(BODY_BYTES - 1))
  return { finish: () => request.end(new Uint8Array(1)), status }
}

async function heldBytes(): Promise<number> {
  const address = /^Metrics on (\S+)$/m.exec(hearth.main.output())?.[1] ?? ''
  const { body } = await http(address)
  return Number(/^lambda_request_body_bytes (\d+)$/m.exec(body.toString())?.[1])
}

test('a flood of the public is refused at its half, and those who sign are not', async () => {
  const slow = Array.from({ length: FIT }, hold)
  await expect.poll(heldBytes, { timeout: 30_000 }).toBe(FIT * (BODY_BYTES - 1))
  const { status, headers, body } = await post(BODY_BYTES)
  expect([status, headers['retry-after']]).toEqual([429, '1'])
  expect(JSON.parse(body.toString())).toEqual({ Message: 'Rate Exceeded.' })
  const signed = await hearth.invoke('length', { text: 'x'.repeat(3_000_000) })
  expect(signed.json).toBe(3_000_000)
  for (const { finish } of slow) finish()
  const statuses = await Promise.all(slow.map((one) => one.status))
  expect(new Set(statuses)).toEqual(new Set([200]))
  await expect.poll(heldBytes).toBe(0)
  expect((await post(1_000_000)).body.toString()).toBe('1000000')
})
