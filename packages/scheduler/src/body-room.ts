// The room that one socket of a sandbox has for request bodies which have not all come yet. Without
// it, a hundred connections with most of an answer each would be held in the scheduler's memory, by
// code that has only to stop sending.

import { RESPONSE_BYTES_MAX } from '@hearth/core/invocation'

/** An answer, another that is late, or some dozens of what extensions send. */
const ROOM_BYTES = 2 * RESPONSE_BYTES_MAX

export class BodyRoom {
  readonly #taken = new Map<unknown, number>()
  #left = ROOM_BYTES

  /** @returns whether this one's body may grow to that size; it gives the room back after it. */
  take(who: unknown, bytes: number): boolean {
    if (bytes > this.#left) return false
    if (bytes > 0) this.#taken.set(who, bytes)
    this.#left -= bytes
    return true
  }

  giveBack(who: unknown): void {
    this.#left += this.#taken.get(who) ?? 0
    this.#taken.delete(who)
  }
}
