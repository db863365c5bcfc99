// The prelude however the stream is cut, and what is none.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { HttpHead } from './http-event.ts'
import { afterPrelude } from './prelude.ts'

async function* pieces(stream: Buffer, lengths: number[]): AsyncGenerator<Uint8Array> {
  let at = 0
  for (const length of lengths) {
    yield stream.subarray(at, at + length)
    at += length
  }
  yield stream.subarray(at)
}

/** What a caller would get: the head, and the body behind it. */
async function read(stream: Buffer, lengths: number[] = []) {
  const heads: HttpHead[] = []
  const body: Uint8Array[] = []
  for await (const piece of afterPrelude(pieces(stream, lengths), (head) => heads.push(head))) {
    expect(heads).toHaveLength(1)
    body.push(piece)
  }
  return { head: heads[0], body: Buffer.concat(body).toString('latin1') }
}

const NULS = '\0'.repeat(8)
const withPrelude = (prelude: unknown, body = '') =>
  Buffer.from(JSON.stringify(prelude) + NULS + body, 'latin1')

test('head and body are the same however the stream is cut', async () => {
  const body = fc.stringMatching(/^[\0a]{0,40}$/)
  const cuts = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(body, cuts, async (text, lengths) => {
      const stream = withPrelude({ statusCode: 201, headers: { 'X-A': 1 }, cookies: ['c'] }, text)
      expect(await read(stream, lengths)).toEqual({
        head: {
          status: 201,
          headers: {
            'content-type': 'application/octet-stream',
            'x-a': '1',
            'set-cookie': ['c'],
          },
        },
        body: text,
      })
    }),
  )
})

test('a prelude names what it likes, and nothing of the connection', async () => {
  const headers = { 'Content-Type': 'text/x', 'Content-Length': '5', 'a b': 'c', d: 'e\r\nf: g' }
  expect((await read(withPrelude({ headers }))).head).toEqual({
    status: 200,
    headers: { 'content-type': 'text/x' },
  })
})

test.each([
  ['no JSON', Buffer.from(`{${NULS}`)],
  ['no status', withPrelude({ statusCode: 'many' })],
  ['a status that HTTP does not have', withPrelude({ statusCode: 1000 })],
  ['no end', Buffer.from('{}\0\0\0\0')],
  ['more than 16 KB', withPrelude({ headers: { a: 'x'.repeat(17_000) } })],
  ['an endless one', Buffer.alloc(100_000, ' ')],
])('a prelude with %s is an error', async (_name, stream) => {
  await expect(read(stream)).rejects.toThrow()
  await expect(read(stream, Array(200).fill(100))).rejects.toThrow()
})
