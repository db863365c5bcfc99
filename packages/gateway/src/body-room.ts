// The memory of one gateway that bodies may fill at a time: those of requests from their first byte
// until they are answered, those of answers until they are read. Without it, whoever finds a public
// function URL could end the gateway, and all it has under way, with some hundreds of large bodies,
// sent or never read.

import type { IncomingMessage, ServerResponse } from 'node:http'

export interface Room {
  /** @returns whether this request's body, or its answer's, may grow by so many bytes. */
  take(request: IncomingMessage, bytes: number): boolean
}

export interface BodyRoom {
  /** For requests with a signature: all of it. */
  signed: Room
  /** For public function URLs: a half, so that those who sign find room in any flood. */
  unsigned: Room
  /** Gives back what a request takes once its response is closed. */
  follow(request: IncomingMessage, response: ServerResponse): void
  heldBytes(): number
}

const UNSIGNED_SHARE = 0.5

/** What is left of a share. */
interface Share {
  left: number
}

export function createBodyRoom(bytesMax: number): BodyRoom {
  const whole: Share = { left: bytesMax }
  const half: Share = { left: bytesMax * UNSIGNED_SHARE }
  const held = new Map<IncomingMessage, { bytes: number; shares: readonly Share[] }>()
  const roomIn = (...shares: Share[]): Room => ({
    take(request, bytes) {
      if (shares.some(({ left }) => left < bytes)) return false
      for (const share of shares) share.left -= bytes
      const own = held.get(request)
      if (own) own.bytes += bytes
      else held.set(request, { bytes, shares })
      return true
    },
  })
  const giveBack = (request: IncomingMessage) => {
    const own = held.get(request)
    if (!own) return
    held.delete(request)
    for (const share of own.shares) share.left += own.bytes
  }
  return {
    signed: roomIn(whole),
    unsigned: roomIn(whole, half),
    follow: (request, response) => void response.once('close', () => giveBack(request)),
    heldBytes: () => bytesMax - whole.left,
  }
}
