// The checker: from what was seen outside and what Hearth's books say to a verdict, figure by
// figure. Pure, so that planted faults can prove that each figure is able to fail.

import { pair } from './attempts.ts'
import { type Books, judgeBilling } from './billing.ts'
import { judgeCalls } from './calls.ts'
import { judgeDeliveries } from './deliveries.ts'
import type { Figure } from './figure.ts'
import { type History, isAccepted, isRefused, type Request } from './history.ts'
import { judgeConcurrency } from './overshoot.ts'
import type { Terms } from './terms.ts'

/** How much must have happened, lest nothing was proven. */
export interface Asked {
  events: number
  calls: number
  kills: number
}

const REASONS_SHOWN = 5

export function judge(history: History, books: Books, trial: { terms: Terms; asked: Asked }) {
  const { terms, asked } = trial
  const pairing = pair(history, books.records)
  return [
    ...counts(history, asked),
    ...judgeDeliveries(history, pairing, terms),
    ...judgeCalls(history),
    ...judgeConcurrency(history, terms),
    ...judgeBilling(history, pairing, books),
  ]
}

function counts({ requests, runs, faults }: History, asked: Asked): Figure[] {
  const all = [...requests.values()]
  const accepted = (form: 'call' | 'event') =>
    all.filter((request) => request.form === form && isAccepted(request)).length
  const unknown = all.filter((request) => !isAccepted(request) && !isRefused(request))
  const unheard = all.filter(({ answers }) => answers.length === 0)
  const targets = [...new Set(faults.map(({ target }) => target))].sort()
  return [
    { what: 'events accepted', found: accepted('event'), least: asked.events },
    { what: 'calls answered', found: accepted('call'), least: asked.calls },
    { what: 'refused', found: all.filter(isRefused).length },
    { what: 'unknown', found: unknown.length, note: reasons(unknown) },
    { what: 'clients left waiting', found: unheard.length, allowed: 0 },
    { what: 'runs', found: runs.length },
    { what: 'dead letters', found: all.filter(({ isBuried }) => isBuried).length },
    { what: 'kills', found: faults.length, least: asked.kills, note: targets.join(', ') },
  ]
}

/** No answer, or 5xx: they may have run or not. */
function reasons(unknown: readonly Request[]): string {
  const counts = new Map<string, number>()
  for (const { reason = 'no reason' } of unknown.flatMap(({ answers }) => answers)) {
    counts.set(reason, (counts.get(reason) ?? 0) + 1)
  }
  const shown = [...counts].sort(([, a], [, b]) => b - a).slice(0, REASONS_SHOWN)
  return shown.map(([reason, count]) => `${count} times ${reason}`).join(', ')
}
