// The time that a state may last. It begins anew with each state, several times an invocation, and
// is hardly ever reached: so a timer that would fire too early is left alone, and looks again when
// it fires.

export class StateLimit {
  readonly #expire: () => void
  #timer: NodeJS.Timeout | undefined
  /** Both on the monotonic clock. */
  #firesAt = Number.POSITIVE_INFINITY
  #endsAt = Number.POSITIVE_INFINITY

  constructor(expire: () => void) {
    this.#expire = expire
  }

  /** So many milliseconds from now, whatever was before; none when undefined. */
  set(ms: number | undefined): void {
    if (ms === undefined) return this.#clear()
    const now = performance.now()
    this.#endsAt = now + ms
    if (this.#endsAt < this.#firesAt) this.#wait(now, ms)
  }

  #clear(): void {
    clearTimeout(this.#timer)
    this.#firesAt = Number.POSITIVE_INFINITY
    this.#endsAt = Number.POSITIVE_INFINITY
  }

  #wait(now: number, ms: number): void {
    clearTimeout(this.#timer)
    this.#firesAt = now + ms
    this.#timer = setTimeout(() => this.#look(), ms)
  }

  #look(): void {
    const now = performance.now()
    const leftMs = this.#endsAt - now
    if (leftMs > 0) return this.#wait(now, leftMs)
    this.#clear()
    this.#expire()
  }
}
