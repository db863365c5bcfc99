// What answerers said last, that the way to NATS may have lost: shortly before it broke, or before
// the asker was back. Nobody asks for it a second time: a caller would wait for its whole timeout,
// or take what runs for refused. So it is said again when the way is there again, in its order;
// whoever has heard a word does not hear it twice.

import type { NatsConnection } from '@nats-io/transport-node'

interface Word {
  reply: string
  bytes: Uint8Array
  saidAt: number
}

/** What the socket of a server that dies has swallowed is younger. */
const RECENT_MS = 2_000
const BYTES_MAX = 32 * 1024 * 1024
/** Askers find back by clocks of their own: at once, most of them. */
const AGAIN_AFTER_MS = [500, 2_000, 5_000]
/** Here askers say whose way broke: the way of those who answered them may have held. */
const BROKE = '_INBOX.hearth-broke'
/** Words that have been let go, before the list is made anew. */
const GONE_MAX = 1_024

export class LastWords {
  readonly #connection: NatsConnection
  #words: Word[] = []
  /** Those before it have been let go. */
  #first = 0
  #bytes = 0
  /** While the way is broken, and until all have been said again: nothing is too old. */
  #brokenUntil = 0
  #isAway = false

  /** `broke` is told each time that the way breaks. `inbox` is where we hear others. */
  constructor(connection: NatsConnection, inbox: string, broke: () => void) {
    this.#connection = connection
    void this.#watch(inbox, broke)
    connection.subscribe(BROKE, {
      callback: (error, message) => {
        if (!error) this.#sayAgain(`${message.string()}.`)
      },
    })
  }

  /** Whether the way is broken at this moment: what is published is lost. */
  get isAway(): boolean {
    return this.#isAway
  }

  say(reply: string, bytes: Uint8Array): void {
    this.#connection.publish(reply, bytes)
    this.#words.push({ reply, bytes, saidAt: performance.now() })
    this.#bytes += bytes.length
    this.#forget()
  }

  #forget(): void {
    const now = performance.now()
    const since = now < this.#brokenUntil ? 0 : now - RECENT_MS
    for (let word = this.#words[this.#first]; word; word = this.#words[this.#first]) {
      if (word.saidAt >= since && this.#bytes <= BYTES_MAX) break
      this.#bytes -= word.bytes.length
      this.#first += 1
    }
    if (this.#first < GONE_MAX) return
    this.#words = this.#words.slice(this.#first)
    this.#first = 0
  }

  async #watch(inbox: string, broke: () => void): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === 'disconnect') {
        this.#isAway = true
        this.#brokenUntil = Number.POSITIVE_INFINITY
        broke()
      }
      if (type !== 'reconnect') continue
      this.#isAway = false
      if (this.#speaks()) this.#connection.publish(BROKE, inbox)
      this.#brokenUntil = performance.now() + Math.max(...AGAIN_AFTER_MS)
      for (const ms of AGAIN_AFTER_MS) setTimeout(() => this.#sayAgain(), ms).unref()
    }
  }

  #speaks(): boolean {
    return !this.#connection.isClosed() && !this.#connection.isDraining()
  }

  #sayAgain(inbox = ''): void {
    if (!this.#speaks()) return
    this.#forget()
    for (const { reply, bytes } of this.#words.slice(this.#first)) {
      if (reply.startsWith(inbox)) this.#connection.publish(reply, bytes)
    }
  }
}
