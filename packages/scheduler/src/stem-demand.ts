// How many stems of each kind to hold ready: as many as were ever needed within one refill, lately,
// and one more. Pure; stems.ts obeys.

/** What is known of one kind of stem. */
export interface KindDemand {
  key: string
  /** Held whether or not anybody asked for it lately. */
  isStanding: boolean
  /** When stems of this kind were asked for, in milliseconds on one clock, oldest first. */
  asked: readonly number[]
}

/** About as long as it takes to replace a stem: what is asked for meanwhile must be there before. */
export const REFILL_MS = 2_000
/** Demand is remembered for as long as an idle environment lives by default. */
export const DEMAND_MS = 600_000

/**
 * The number of stems to hold of each kind, `max` at most in all. Kinds asked for lately come
 * first; none gets a second stem before each has its first.
 */
export function stemTargets(
  demands: readonly KindDemand[],
  now: number,
  max: number,
): Map<string, number> {
  const wanted = demands
    .map((demand) => ({ ...demand, count: countFor(demand, now), last: demand.asked.at(-1) ?? 0 }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.last - a.last)
  const targets = new Map<string, number>()
  let left = max
  for (let round = 1; left > 0; round += 1) {
    const hungry = wanted.filter(({ count }) => count >= round)
    if (hungry.length === 0) break
    for (const { key } of hungry.slice(0, left)) targets.set(key, round)
    left -= Math.min(hungry.length, left)
  }
  return targets
}

function countFor({ asked, isStanding }: KindDemand, now: number): number {
  const recent = asked.filter((at) => now - at < DEMAND_MS)
  if (recent.length === 0) return isStanding ? 1 : 0
  let busiest = 0
  let first = 0
  recent.forEach((at, index) => {
    while (at - (recent[first] ?? at) >= REFILL_MS) first += 1
    busiest = Math.max(busiest, index - first + 1)
  })
  return busiest + 1
}
