// JSON as it is kept where there is much of it: compressed, since lines of a ledger repeat their
// names. What an earlier Hearth kept as plain JSON is read, too.

import { promisify } from 'node:util'
import { zstdCompress, zstdDecompressSync } from 'node:zlib'

const compress = promisify(zstdCompress)
/** The first byte of zstd's mark; no JSON text begins with it. */
const ZSTD = 0x28

/** On another thread: whoever ships a segment has invocations to answer. */
export async function pack(value: unknown): Promise<Uint8Array> {
  return compress(Buffer.from(JSON.stringify(value)))
}

export function unpack<T>(bytes: Uint8Array): T {
  const text = bytes[0] === ZSTD ? zstdDecompressSync(bytes) : Buffer.from(bytes)
  return JSON.parse(text.toString()) as T
}
