// Long lists, a part at a time: whoever goes through thousands of functions for a page gives way to
// invocations again and again meanwhile.

/** A digest of each takes a millisecond or two. */
const ITEMS_A_TURN = 250

export async function filterInTurns<T>(
  all: readonly T[],
  isWanted: (one: T) => boolean,
): Promise<T[]> {
  const found: T[] = []
  for (let from = 0; from < all.length; from += ITEMS_A_TURN) {
    if (from > 0) await new Promise(setImmediate)
    found.push(...all.slice(from, from + ITEMS_A_TURN).filter(isWanted))
  }
  return found
}
