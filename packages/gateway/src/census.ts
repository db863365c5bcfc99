// What all schedulers hold, gathered for `GET /hearth/environments`: each that lives is asked at
// the same time. One that does not say within a second is named, and not waited for.

import { type SchedulerCensus, SUBJECTS } from '@hearth/bus/messages'
import type { Requests } from '@hearth/bus/requests'
import type { LiveScheduler } from '@hearth/invocation/schedulers'

/** The route's answer. */
export interface Environments {
  schedulers: SchedulerCensus[]
  /** Ids of those that live and did not answer. */
  silent: string[]
}

const ANSWER_WITHIN_MS = 1_000
const QUESTION = { meta: {}, body: new Uint8Array(0) }

export async function gatherEnvironments(
  requests: Requests,
  live: readonly Pick<LiveScheduler, 'lost' | 'schedulerId'>[],
): Promise<Environments> {
  const answers = await Promise.all(
    live.map(({ schedulerId, lost }) =>
      requests.ask<unknown, SchedulerCensus, never>(SUBJECTS.environments(schedulerId), QUESTION, {
        firstWithinMs: ANSWER_WITHIN_MS,
        lastWithinMs: ANSWER_WITHIN_MS,
        signal: lost,
        promisesLast: () => false,
      }),
    ),
  )
  return {
    schedulers: answers.flatMap((answer) => (answer.kind === 'answered' ? [answer.first] : [])),
    silent: live
      .filter((_, index) => answers[index]?.kind !== 'answered')
      .map(({ schedulerId }) => schedulerId),
  }
}
