// Questions that any scheduler can answer, put to one after the other: gateways have no engine and
// run nothing. What an answer is worth, and whether to ask on, is the asker's affair.

import type { Acceptance } from '@hearth/bus/messages'
import type { Requests } from '@hearth/bus/requests'
import type { Schedulers } from '@hearth/invocation/schedulers'

/** Whom to ask, and by what. */
export interface Asking {
  requests: Requests
  schedulers: Pick<Schedulers, 'live'>
}

/** A scheduler could not say; somebody should ask again. */
export interface Unknown {
  unknown: string
}

const ACCEPT_WITHIN_MS = 2_000

/**
 * Each live scheduler's answer, asked for when it is wanted. One that does not accept the question,
 * or is lost over it, has said nothing.
 */
export async function* askInTurn<Question, Answer>(
  { requests, schedulers }: Asking,
  ask: { subjectOf(schedulerId: string): string; question: Question; withinMs: number },
): AsyncGenerator<Answer | Unknown> {
  for (const { schedulerId, lost } of schedulers.live()) {
    const asked = await requests.ask<Question, Acceptance, Answer>(
      ask.subjectOf(schedulerId),
      { meta: ask.question, body: new Uint8Array(0) },
      {
        firstWithinMs: ACCEPT_WITHIN_MS,
        lastWithinMs: ask.withinMs,
        signal: lost,
        promisesLast: (word) => word.accepted,
      },
    )
    if (asked.kind !== 'answered') yield { unknown: `${schedulerId} does not answer` }
    else {
      yield await asked.last.then(
        ({ meta }) => meta,
        (reason) => ({ unknown: String(reason) }),
      )
    }
  }
}
