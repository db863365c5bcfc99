// Who has failed to sign in too often: an address with one key, and, after more failures, an
// address with any key that did not sign in from there before. Kept in memory and bounded, for this
// gateway alone; a secret is long enough for several to be guessed at.

export interface Try {
  address: string
  accessKeyId: string
}

export interface FailedSignIns {
  /** Seconds to wait before the next try; 0 when there is no need. */
  waitSeconds(one: Try, now: number): number
  add(one: Try, now: number): void
  /** It signed in: its own failures are forgotten, and those of others at its address stay. */
  succeeded(one: Try, now: number): void
}

/** With one key from one address. */
export const TRIES_MAX = 10
/** With all keys from one address: behind a proxy many people share one. */
export const ADDRESS_TRIES_MAX = 100
const WINDOW_MS = 5 * 60_000
/** So long a key that signed in from an address does not wait for the failures of others there. */
const KNOWN_MS = 24 * 3_600_000
const KEPT_MAX = 10_000
/** No key's id is longer, and what is typed instead of one may be. */
const KEY_ID_LENGTH_MAX = 128

export function openFailedSignIns(): FailedSignIns {
  const byKey = new Bounded<number>(KEPT_MAX)
  const byAddress = new Bounded<number>(KEPT_MAX)
  const known = new Bounded<true>(KEPT_MAX)
  const waitOf = (
    counts: Bounded<number>,
    key: string,
    { max, now }: { max: number; now: number },
  ) => {
    const found = counts.get(key, now)
    return found && found.value >= max ? Math.ceil((found.until - now) / 1000) : 0
  }
  const count = (counts: Bounded<number>, key: string, now: number) => {
    const { value, until } = counts.get(key, now) ?? { value: 0, until: now + WINDOW_MS }
    counts.set(key, { value: value + 1, until })
  }
  return {
    waitSeconds(one, now) {
      const own = waitOf(byKey, keyOf(one), { max: TRIES_MAX, now })
      if (own > 0 || known.get(keyOf(one), now)) return own
      return waitOf(byAddress, neighbourhood(one.address), { max: ADDRESS_TRIES_MAX, now })
    },
    add(one, now) {
      count(byKey, keyOf(one), now)
      count(byAddress, neighbourhood(one.address), now)
    },
    succeeded(one, now) {
      byKey.delete(keyOf(one))
      known.set(keyOf(one), { value: true, until: now + KNOWN_MS })
    },
  }
}

interface Entry<T> {
  value: T
  /** When it is forgotten, in milliseconds. */
  until: number
}

/** What was set last stays; the oldest go first when there are too many. */
class Bounded<T> {
  readonly #max: number
  readonly #entries = new Map<string, Entry<T>>()

  constructor(max: number) {
    this.#max = max
  }

  get(key: string, now: number): Entry<T> | undefined {
    const found = this.#entries.get(key)
    return found && found.until > now ? found : undefined
  }

  set(key: string, entry: Entry<T>): void {
    this.#entries.delete(key)
    const [oldest] = this.#entries.keys()
    if (this.#entries.size >= this.#max && oldest !== undefined) this.#entries.delete(oldest)
    this.#entries.set(key, entry)
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }
}

const keyOf = ({ address, accessKeyId }: Try) =>
  `${neighbourhood(address)} ${accessKeyId.slice(0, KEY_ID_LENGTH_MAX)}`

/** Whoever has one address of IPv6 has 2^64 of them. */
function neighbourhood(address: string): string {
  return address.includes(':') ? address.split(':').slice(0, 4).join(':') : address
}
