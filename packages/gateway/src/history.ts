// The last hour as all schedulers counted it, added up minute by minute. Each that lives is asked
// when somebody looks, and nothing is kept here, so every gateway shows the same figures. One that
// does not answer within a second is missed and said to be.

import {
  emptyMinute,
  type FunctionHour,
  type HistoryMinute,
  type HistoryQuestion,
  type SchedulerHistory,
} from '@hearth/bus/figures'
import { SUBJECTS } from '@hearth/bus/messages'
import type { Requests } from '@hearth/bus/requests'
import type { LiveScheduler } from '@hearth/invocation/schedulers'

export interface Hour {
  /** One for each minute, oldest first; the last is this minute, and not over. */
  minutes: HistoryMinute[]
  /** The most used first; none where one function was asked for. */
  functions: FunctionHour[]
  /** When the one that counts longest began, in milliseconds since the epoch. */
  since: number | undefined
  schedulers: number
  /** Ids of those that live and did not answer. */
  silent: string[]
}

export const HOUR_MINUTES = 60
const MINUTE_MS = 60_000
const ANSWER_WITHIN_MS = 1_000

export async function gatherHistory(
  requests: Requests,
  live: readonly Pick<LiveScheduler, 'lost' | 'schedulerId'>[],
  question: HistoryQuestion,
): Promise<Hour> {
  const answers = await Promise.all(
    live.map(async ({ schedulerId, lost }) => {
      const answer = await requests.ask<HistoryQuestion, SchedulerHistory, never>(
        SUBJECTS.history(schedulerId),
        { meta: question, body: new Uint8Array(0) },
        {
          firstWithinMs: ANSWER_WITHIN_MS,
          lastWithinMs: ANSWER_WITHIN_MS,
          signal: lost,
          promisesLast: () => false,
        },
      )
      return answer.kind === 'answered' ? answer.first : schedulerId
    }),
  )
  const heard = answers.filter((one) => typeof one !== 'string')
  const silent = answers.filter((one) => typeof one === 'string')
  return { ...addUp(heard, Date.now()), silent }
}

export function addUp(histories: readonly SchedulerHistory[], now: number): Omit<Hour, 'silent'> {
  const last = Math.floor(now / MINUTE_MS)
  const minutes = Array.from({ length: HOUR_MINUTES }, (_, index) =>
    emptyMinute(last - HOUR_MINUTES + 1 + index),
  )
  const [first] = minutes
  for (const one of histories.flatMap((history) => history.minutes)) {
    const minute = minutes[one.minute - (first?.minute ?? 0)]
    if (minute) add(minute, one)
  }
  const begun = histories.map(({ since }) => since)
  return {
    minutes,
    functions: addFunctions(histories.flatMap(({ functions }) => functions)),
    since: begun.length === 0 ? undefined : Math.min(...begun),
    schedulers: histories.length,
  }
}

/** What ran at a time on several schedulers may not have been at the same second of it. */
function add(to: HistoryMinute, one: HistoryMinute): void {
  to.invocations += one.invocations
  to.errors += one.errors
  to.throttles += one.throttles
  to.durationMs += one.durationMs
  to.durationMsMax = Math.max(to.durationMsMax, one.durationMsMax)
  to.runningMax += one.runningMax
  addCounts(to.starts, one.starts)
  addCounts(to.coldReasons, one.coldReasons)
}

function addCounts<K extends string>(
  to: Partial<Record<K, number>>,
  from: Partial<Record<K, number>>,
): void {
  for (const key of Object.keys(from) as K[]) to[key] = (to[key] ?? 0) + (from[key] ?? 0)
}

function addFunctions(parts: readonly FunctionHour[]): FunctionHour[] {
  const byName = new Map<string, FunctionHour>()
  for (const { functionName, invocations, errors, throttles, durationMs } of parts) {
    const known = byName.get(functionName)
    byName.set(functionName, {
      functionName,
      invocations: invocations.map((count, index) => count + (known?.invocations[index] ?? 0)),
      errors: errors + (known?.errors ?? 0),
      throttles: throttles + (known?.throttles ?? 0),
      durationMs: durationMs + (known?.durationMs ?? 0),
    })
  }
  return [...byName.values()].sort((a, b) => totalOf(b) - totalOf(a))
}

export const totalOf = ({ invocations }: Pick<FunctionHour, 'invocations'>) =>
  invocations.reduce((sum, count) => sum + count, 0)
