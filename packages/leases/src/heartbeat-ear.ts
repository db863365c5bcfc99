// Who is heard: the heartbeats of all schedulers as one of them hears them. It tells who lives, and
// whose silence may be attested to the token allocator: only what an ear that hears its own
// heartbeats has not heard for long. Pure; time is handed in.

import { SILENT_MS } from './token-law.ts'

/** A heartbeat comes each second; an ear that missed three is not trusted. */
const DEAF_MS = 3_000

export class HeartbeatEar {
  readonly #self: string
  readonly #heard = new Map<string, number>()
  #hearsSince = Number.POSITIVE_INFINITY

  constructor(self: string) {
    this.#self = self
  }

  hear(scheduler: string, now: number): void {
    if (scheduler === this.#self && !(now - this.heardOneself < DEAF_MS)) this.#hearsSince = now
    this.#heard.set(scheduler, now)
  }

  /** When our own heartbeat last came back: until then NATS had us. */
  get heardOneself(): number {
    return this.#heard.get(this.#self) ?? Number.NEGATIVE_INFINITY
  }

  /** Those who have been silent, all the while that we could hear. */
  gone(candidates: readonly string[], now: number): string[] {
    const hears = now - this.heardOneself < DEAF_MS && now - this.#hearsSince > SILENT_MS
    if (!hears) return []
    return candidates.filter((id) => now - (this.#heard.get(id) ?? this.#hearsSince) > SILENT_MS)
  }

  /** Everybody who was ever heard. */
  known(): string[] {
    return [...this.#heard.keys()]
  }

  live(now: number): string[] {
    const live = [...this.#heard].filter(([, at]) => now - at < 2 * DEAF_MS).map(([id]) => id)
    return live.includes(this.#self) ? live : [...live, this.#self]
  }
}
