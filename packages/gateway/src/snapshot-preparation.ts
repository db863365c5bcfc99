// Has schedulers load a SnapStart version ahead of its invocations: gateways run nothing. One that
// could is enough for the version to be of use; the others prepare it when they first need it.

import {
  type Acceptance,
  type SnapshotAnswer,
  type SnapshotQuestion,
  SUBJECTS,
} from '@hearth/bus/messages'
import type { Requests } from '@hearth/bus/requests'
import type { SnapshotFault } from '@hearth/core/function'
import type { Schedulers } from '@hearth/invocation/schedulers'

const ACCEPT_WITHIN_MS = 2_000
/** The longest init that Lambda gives a snapshot, and then the engine's own time. */
const PREPARE_MS_MAX = 16 * 60_000

/** @returns why it cannot be loaded. @throws Error when nobody could try, so that it is too early. */
export async function prepareSnapshot(
  parts: { requests: Requests; schedulers: Pick<Schedulers, 'live'> },
  question: SnapshotQuestion,
): Promise<SnapshotFault | undefined> {
  const { functionName, version } = question
  let unknown = 'no scheduler answers'
  for (const { schedulerId, lost } of parts.schedulers.live()) {
    const asked = await parts.requests.ask<SnapshotQuestion, Acceptance, SnapshotAnswer>(
      SUBJECTS.snapshots(schedulerId),
      { meta: question, body: new Uint8Array(0) },
      {
        firstWithinMs: ACCEPT_WITHIN_MS,
        lastWithinMs: PREPARE_MS_MAX,
        signal: lost,
        promisesLast: (word) => word.accepted,
      },
    )
    if (asked.kind !== 'answered') continue
    const answer = await asked.last.then(
      ({ meta }) => meta,
      (reason) => ({ unknown: String(reason) }),
    )
    if ('prepared' in answer) return undefined
    if ('code' in answer) return answer
    unknown = answer.unknown
  }
  throw new Error(`version ${version.version} of ${functionName} is not loaded yet: ${unknown}`)
}
