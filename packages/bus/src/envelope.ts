// How one message is laid out in bytes: a JSON head and an untouched body beside it, so that a
// payload is never escaped, copied into JSON or parsed on its way.

/** A head that says what it is about, and the body as it came. */
export interface Envelope<Meta> {
  meta: Meta
  body: Uint8Array
}

/** What an envelope on the wire carries in the place of its body. */
export type Carriage = 'claim' | 'inline'

const PREFIX_BYTES = 5
const EMPTY = new Uint8Array(0)
const decoder = new TextDecoder()

/** `u8 carriage | u32 length of the head | head | body or claim`. */
export function encode(meta: unknown, body: Uint8Array, carriage: Carriage = 'inline'): Uint8Array {
  const head = Buffer.from(JSON.stringify(meta))
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + head.length + body.length)
  bytes[0] = carriage === 'claim' ? 1 : 0
  bytes.writeUInt32LE(head.length, 1)
  bytes.set(head, PREFIX_BYTES)
  bytes.set(body, PREFIX_BYTES + head.length)
  return bytes
}

/** @throws Error on anything that encode did not make. */
export function decode<Meta>(bytes: Uint8Array): Envelope<Meta> & { carriage: Carriage } {
  if (bytes.length < PREFIX_BYTES) throw new Error('an envelope is at least five bytes')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = PREFIX_BYTES + view.getUint32(1, true)
  if (end > bytes.length) throw new Error('an envelope ended inside its head')
  const meta = JSON.parse(decoder.decode(bytes.subarray(PREFIX_BYTES, end))) as Meta
  const body = end === bytes.length ? EMPTY : bytes.subarray(end)
  return { meta, body, carriage: bytes[0] === 1 ? 'claim' : 'inline' }
}
