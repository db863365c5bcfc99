// What ends a wait that nobody answers: its time, or a signal that whoever should answer is gone.
// Most waits end well and soon, so one clock looks after all of them, and a signal is listened to
// once: a timer and a listener for each would cost more than the answers.

/** One wait; `until` on the monotonic clock. */
export interface Wait {
  until: number
  fail(reason: 'gone' | 'late'): void
}

/** How late a wait may be told that its time is over. */
const LOOK_MS = 50

export class Patience {
  readonly #waits = new Set<Wait>()
  readonly #bySignal = new WeakMap<AbortSignal, Set<Wait>>()
  #clock: NodeJS.Timeout | undefined

  add(wait: Wait, signal?: AbortSignal): void {
    this.#waits.add(wait)
    if (signal) this.#listening(signal).add(wait)
    this.#clock ??= setInterval(() => this.#look(), LOOK_MS)
  }

  delete(wait: Wait, signal?: AbortSignal): void {
    this.#waits.delete(wait)
    if (signal) this.#bySignal.get(signal)?.delete(wait)
  }

  #look(): void {
    const now = performance.now()
    for (const wait of this.#waits) if (wait.until <= now) wait.fail('late')
    if (this.#waits.size > 0) return
    clearInterval(this.#clock)
    this.#clock = undefined
  }

  #listening(signal: AbortSignal): Set<Wait> {
    const known = this.#bySignal.get(signal)
    if (known) return known
    const waits = new Set<Wait>()
    this.#bySignal.set(signal, waits)
    signal.addEventListener('abort', () => {
      for (const wait of waits) wait.fail('gone')
    })
    return waits
  }
}
