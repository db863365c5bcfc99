// Has schedulers load a SnapStart version ahead of its invocations. One that could is enough for
// the version to be of use; the others fill its cache when they first need it.

import { type SnapshotAnswer, type SnapshotQuestion, SUBJECTS } from '@hearth/bus/messages'
import type { SnapshotFault } from '@hearth/core/function'
import { type Asking, askInTurn } from './scheduler-questions.ts'

/** The longest init that Lambda gives a snapshot, and then the engine's own time. */
const PREPARE_MS_MAX = 16 * 60_000

/** @returns why it cannot be loaded. @throws Error when nobody could try: it is too early. */
export async function prepareSnapshot(
  parts: Asking,
  question: SnapshotQuestion,
): Promise<SnapshotFault | undefined> {
  const { functionName, version } = question
  let unknown = 'no scheduler answers'
  const ask = { subjectOf: SUBJECTS.snapshots, question, withinMs: PREPARE_MS_MAX }
  for await (const answer of askInTurn<SnapshotQuestion, SnapshotAnswer>(parts, ask)) {
    if ('prepared' in answer) return undefined
    if ('code' in answer) return answer
    unknown = answer.unknown
  }
  throw new Error(`version ${version.version} of ${functionName} is not loaded yet: ${unknown}`)
}
