// Whether a limit was ever passed: a sweep over the beginnings and ends of runs on one clock, for
// each limit. A run is over by its own word, or with its sandbox. Pure.

import { type Figure, none } from './figure.ts'
import type { History, Run } from './history.ts'
import type { Terms } from './terms.ts'

export function judgeConcurrency({ runs }: History, terms: Terms): Figure[] {
  const limited = terms.functions.filter(({ reserved }) => reserved !== undefined)
  const peaks = [
    ...limited.map(({ name, reserved = 0 }) => ({
      name,
      limit: reserved,
      peak: peakOf(runs.filter(({ functionName }) => functionName === name)),
    })),
    { name: 'all together', limit: terms.concurrency, peak: peakOf(runs) },
  ]
  const over = peaks.flatMap(({ name, limit, peak }) =>
    Array.from({ length: Math.max(0, peak - limit) }, () => `${name}: ${peak} of ${limit}`),
  )
  const shown = peaks.map(({ name, limit, peak }) => `${name} ${peak} of ${limit}`)
  const open = runs.filter(({ ending }) => ending === 'none')
  return [
    none('overshoot', over, `most at a time: ${shown.join(', ')}`),
    none(
      'runs without an end',
      open.map(({ id, functionName, host }) => `${id} of ${functionName} in ${host}`),
    ),
  ]
}

/** The most at any one instant; at the same instant, what ends goes before what begins. */
export function peakOf(runs: readonly Run[]): number {
  const steps = runs.flatMap(({ began, over }) => [
    { at: began, change: 1 },
    { at: over, change: -1 },
  ])
  steps.sort((a, b) => a.at - b.at || a.change - b.change)
  let [now, most] = [0, 0]
  for (const { change } of steps) {
    now += change
    most = Math.max(most, now)
  }
  return most
}
