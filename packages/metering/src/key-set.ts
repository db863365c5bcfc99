// A set of names by 64 bits of their hash, eight bytes a place: ten million attempts take 134 MB
// where strings would take ten times that. Two names with the same 64 bits are one to it, which
// among ten million has a chance of one in four hundred thousand.

const PLACES_MIN = 1 << 16
const FULL = 0.6
const OFFSET_A = 0x811c9dc5
const OFFSET_B = 0x9e3779b9
const PRIME_A = 0x01000193
const PRIME_B = 0x85ebca6b
const MIX = 0xc2b2ae35

export class KeySet {
  #high = new Uint32Array(PLACES_MIN)
  #low = new Uint32Array(PLACES_MIN)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** @returns whether it was not there. */
  add({ high, low }: Hash): boolean {
    if (this.#size > this.#high.length * FULL) this.#grow()
    const isNew = put(this.#high, this.#low, { high, low })
    if (isNew) this.#size += 1
    return isNew
  }

  #grow(): void {
    const high = new Uint32Array(this.#high.length * 2)
    const low = new Uint32Array(high.length)
    for (const [index, value] of this.#high.entries()) {
      const other = this.#low[index] ?? 0
      if (value !== 0 || other !== 0) put(high, low, { high: value, low: other })
    }
    this.#high = high
    this.#low = low
  }
}

export interface Hash {
  high: number
  low: number
}

/** Linear probing; a place of zeros is free. */
function put(highs: Uint32Array, lows: Uint32Array, { high, low }: Hash): boolean {
  const mask = highs.length - 1
  for (let place = low & mask; ; place = (place + 1) & mask) {
    const isFree = highs[place] === 0 && lows[place] === 0
    if (!isFree && highs[place] === high && lows[place] === low) return false
    if (!isFree) continue
    highs[place] = high
    lows[place] = low
    return true
  }
}

/** Two hashes of 32 bits that know nothing of each other; never both zero. */
export function hashOf(name: string): Hash {
  let a = OFFSET_A
  let b = OFFSET_B
  for (let at = 0; at < name.length; at += 1) {
    const code = name.charCodeAt(at)
    a = Math.imul(a ^ code, PRIME_A)
    b = Math.imul(b ^ code, PRIME_B)
    b ^= b >>> 15
  }
  return { high: mixed(a), low: mixed(b) || 1 }
}

function mixed(value: number): number {
  const once = Math.imul(value ^ (value >>> 16), PRIME_B)
  const twice = Math.imul(once ^ (once >>> 13), MIX)
  return (twice ^ (twice >>> 16)) >>> 0
}
