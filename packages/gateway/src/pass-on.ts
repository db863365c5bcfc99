// From a function's stream to its caller's connection: piece by piece, at the caller's pace, and no
// further than the caller stays. What the end means is the asker's affair.

import type { Writable } from 'node:stream'

/** `broken`: the source failed; `gone`: the caller left, and the source was told to drop the rest. */
export type Passed = 'broken' | 'gone' | 'whole'

/**
 * A caller that takes nothing for this long has left without a word: no function of Lambda's waits
 * longer for its caller either.
 */
const STALLED_MS_MAX = 900_000

/** Writes the pieces, each as `frame` makes it; ends nothing. Never rejects. */
export async function passOn(
  pieces: AsyncIterable<Uint8Array>,
  response: Writable,
  frame: (piece: Uint8Array) => Uint8Array = (piece) => piece,
): Promise<Passed> {
  try {
    for await (const piece of pieces) {
      if (response.destroyed) return 'gone'
      if (!response.write(frame(piece))) await drained(response)
    }
  } catch {
    return response.destroyed ? 'gone' : 'broken'
  }
  return response.destroyed ? 'gone' : 'whole'
}

/** Resolves when the connection takes more, or is no more. */
function drained(response: Writable): Promise<void> {
  return new Promise((resolve) => {
    const stalled = setTimeout(() => response.destroy(), STALLED_MS_MAX)
    const go = () => {
      clearTimeout(stalled)
      response.off('drain', go)
      response.off('close', go)
      resolve()
    }
    response.on('drain', go)
    response.on('close', go)
    if (response.destroyed) go()
  })
}
