// The prelude of a streamed HTTP answer: JSON with status, headers and cookies, then eight NUL
// bytes, then the body. A prelude that is too long, or is no JSON, is an error before anything has
// been answered. Pure.

import { type HttpHead, headOf } from './http-event.ts'

/** The content type by which a runtime announces a prelude. */
export const PRELUDE_TYPE = 'application/vnd.awslambda.http-integration-response'
const SEPARATOR = Buffer.alloc(8)
/** AWS looks for the separator in the first 16 KB only. */
const PRELUDE_BYTES_MAX = 16 * 1024

/**
 * The body behind a prelude. `begin` is called once, before the first piece. @throws Error when the
 * prelude is none, or does not end.
 */
export async function* afterPrelude(
  pieces: AsyncIterable<Uint8Array>,
  begin: (head: HttpHead) => void,
): AsyncGenerator<Uint8Array> {
  let held: Buffer | undefined = Buffer.alloc(0)
  for await (const piece of pieces) {
    if (!held) {
      yield piece
      continue
    }
    held = Buffer.concat([held, piece])
    const end = held.indexOf(SEPARATOR)
    if (end < 0 && held.length < PRELUDE_BYTES_MAX + SEPARATOR.length) continue
    if (end < 0 || end > PRELUDE_BYTES_MAX) throw new Error('the prelude does not end')
    begin(headOf(JSON.parse(held.toString('utf8', 0, end))))
    const rest = held.subarray(end + SEPARATOR.length)
    held = undefined
    if (rest.length > 0) yield rest
  }
  if (held) throw new Error('the stream ended in its prelude')
}
