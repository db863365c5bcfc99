// Answers gateways who ask for a SnapStart version to be loaded ahead: its cache is filled here, an
// environment of it waits from then on, and an init that fails is told in AWS's codes.

import {
  type Acceptance,
  type SnapshotAnswer,
  type SnapshotQuestion,
  SUBJECTS,
} from '@hearth/bus/messages'
import type { Requests, Subscription } from '@hearth/bus/requests'
import type { Place } from './deployment.ts'
import { INIT_TIMED_OUT, type InitFailure } from './init-failure.ts'

/** Inits take a whole CPU each. */
const FILLS_MAX = 2

export function answerSnapshots(
  requests: Requests,
  schedulerId: string,
  prepare: (place: Place) => Promise<InitFailure | undefined>,
): Subscription {
  let fills = 0
  return requests.answer<SnapshotQuestion, Acceptance, SnapshotAnswer>(
    SUBJECTS.snapshots(schedulerId),
    ({ meta }, respond) => {
      respond.first({ accepted: true })
      if (fills >= FILLS_MAX) return respond.last({ unknown: 'others are being loaded' })
      fills += 1
      const told = prepare(meta).then(answerOf, (error) => ({ unknown: String(error) }))
      void told.then((answer) => {
        fills -= 1
        respond.last(answer)
      })
    },
  )
}

function answerOf(failure: InitFailure | undefined): SnapshotAnswer {
  if (!failure) return { prepared: true }
  const { reason, body, exit } = failure
  if (reason === INIT_TIMED_OUT) {
    return { code: 'FunctionError.InitTimeout', reason: 'The function did not load in time.' }
  }
  if (!body && !exit) return { unknown: reason }
  const details = body ? Buffer.from(body).toString() : JSON.stringify(exit)
  return { code: 'FunctionError.RuntimeInitError', reason: `The function did not load: ${details}` }
}
