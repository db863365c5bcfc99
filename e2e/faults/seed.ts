// Numbers by a seed, so that a trial that failed can be made again: the same faults in the same
// order. When what happens is the machine's; only what is meant to happen is the seed's.

export interface Random {
  /** From 0 to 1, without 1. */
  next(): number
  between(least: number, most: number): number
  shuffled<T>(all: readonly T[]): T[]
}

/** Mulberry32: small, and good enough to shuffle with. */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    next,
    between: (least, most) => least + next() * (most - least),
    shuffled(all) {
      const left = [...all]
      for (let index = left.length - 1; index > 0; index -= 1) {
        const other = Math.floor(next() * (index + 1))
        ;[left[index], left[other]] = [left[other] as never, left[index] as never]
      }
      return left
    },
  }
}
