// Frames on a socket of a sandbox (images/README.md): a length, a letter, a body. What comes from
// the other side is bounded, and whoever breaks the bound is hung up on.

import type { Socket } from 'node:net'

const LENGTH_BYTES = 4
const FRAME_BYTES_MAX = 1024 * 1024

export function sendFrame(socket: Socket, letter: string, body: Buffer = Buffer.alloc(0)): void {
  const head = Buffer.alloc(LENGTH_BYTES + 1)
  head.writeUInt32LE(body.length + 1)
  head.write(letter, LENGTH_BYTES)
  socket.write(Buffer.concat([head, body]))
}

/** Gives each whole frame as latin1 text, its letter first. */
export function readFrames(socket: Socket, hear: (frame: string) => void): void {
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    while (rest.length >= LENGTH_BYTES) {
      const length = rest.readUInt32LE(0)
      if (length > FRAME_BYTES_MAX) return void socket.destroy()
      if (rest.length < LENGTH_BYTES + length) return
      const frame = rest.toString('latin1', LENGTH_BYTES, LENGTH_BYTES + length)
      rest = rest.subarray(LENGTH_BYTES + length)
      hear(frame)
    }
  })
}
