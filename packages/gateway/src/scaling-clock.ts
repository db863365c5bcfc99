// Obeys the scheduled actions of provisioned concurrency. Every gateway looks once a second; the
// first to write what is due into the function's record has done it for all, since whoever comes
// second finds nothing due. What occurred while no gateway ran is found due when one starts.

import { type Occurrence, type ScheduledAction, settleDue } from '@hearth/core/scaling'
import type { Functions } from '@hearth/store/functions'
import { type Schedule, scheduleOf } from './schedule.ts'

export interface ScalingClock {
  close(): void
}

export interface ScalingClockParts {
  functions: Pick<Functions, 'all' | 'change' | 'list'>
  /** The account's limit of concurrency. */
  limit: number
  report(problem: string): void
}

const TURN_MS = 1_000

export function startScalingClock(parts: ScalingClockParts): ScalingClock {
  const settling = new Set<string>()
  const dueAt = rememberDue()
  const turn = () => {
    const now = Date.now()
    for (const { account, name, scaling } of parts.functions.all()) {
      const isDue = scaling?.some(({ actions }) => actions.some((one) => dueAt(one) <= now))
      const key = `${account}/${name}`
      if (!isDue || settling.has(key)) continue
      settling.add(key)
      settle({ ...parts, dueAt }, account, name)
        .catch((error) => parts.report(`the schedule of ${name} waits: ${error}`))
        .finally(() => settling.delete(key))
    }
  }
  const timer = setInterval(turn, TURN_MS)
  return { close: () => clearInterval(timer) }
}

/** Writes what is due into the record; harmless when somebody else was quicker. */
async function settle(
  parts: ScalingClockParts & { dueAt(action: ScheduledAction): number },
  account: string,
  name: string,
): Promise<void> {
  let occurrences: Occurrence[] = []
  await parts.functions.change(account, name, (found) => {
    if (!found) throw new Error('the function was deleted')
    const documents = parts.functions.list(account)
    const facts = { documents, limit: parts.limit, now: Date.now() }
    const latest = (action: ScheduledAction, until: number) =>
      parts.dueAt(action) <= until ? scheduleOrNone(action)?.latest(until) : undefined
    const settled = settleDue(found, facts, latest)
    occurrences = settled.occurrences
    return settled.document
  })
  for (const { target, action, problem } of occurrences) {
    if (problem) parts.report(`${action} could not scale ${name}:${target}: ${problem}`)
  }
}

/** When an action is to be obeyed next; reckoned once for each that is read. */
function rememberDue(): (action: ScheduledAction) => number {
  const known = new WeakMap<ScheduledAction, number>()
  return (action) => {
    const found = known.get(action)
    if (found !== undefined) return found
    const at = scheduleOrNone(action)?.next(action.settledAt) ?? Number.POSITIVE_INFINITY
    known.set(action, at)
    return at
  }
}

/** One that cannot be read any more stops nobody else. */
function scheduleOrNone(action: ScheduledAction): Schedule | undefined {
  try {
    return scheduleOf(action)
  } catch {
    return undefined
  }
}
