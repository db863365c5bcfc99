// Which scheduler should run an invocation: a pure ranking by rendezvous hash, so that a function,
// or each tenant of one, has a home (its warm environments are found again, and its tokens), and
// spill-over has an order that every gateway agrees on without asking anyone.

/** The candidates for whatever `name` is at home with, best first. Those that drain are left out. */
export function rank<Candidate extends { schedulerId: string; draining: boolean }>(
  name: string,
  candidates: readonly Candidate[],
): Candidate[] {
  const open = candidates.filter((candidate) => !candidate.draining)
  if (open.length < 2) return open
  return open
    .map((candidate) => ({ candidate, weight: hash(`${name}/${candidate.schedulerId}`) }))
    .sort(
      (a, b) => b.weight - a.weight || compare(a.candidate.schedulerId, b.candidate.schedulerId),
    )
    .map(({ candidate }) => candidate)
}

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/** FNV-1a with a final mix, 32 bits: well spread, and the same in every process. */
function hash(text: string): number {
  let value = FNV_OFFSET
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), FNV_PRIME)
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
