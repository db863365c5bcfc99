// How many events wait for each function. A queue's subjects are named after digests, so the names
// of functions are looked up by theirs; the deepest have a name, the rest is told together.

import type { FunctionDocument } from '@hearth/core/function'
import { largest, OTHER } from '@hearth/invocation/function-counts'
import { laneKey } from '@hearth/store/lane-key'

const NAMED_MAX = 100

/** Depths by name, of all subjects; those of functions that are gone are among the others. */
export function depthsByFunction(
  depths: Readonly<Record<string, number>>,
  documents: readonly Pick<FunctionDocument, 'account' | 'name'>[],
): [string, number][] {
  const subjects = Object.entries(depths)
  if (subjects.length === 0) return []
  const names = new Map(documents.map(({ account, name }) => [laneKey(account, name), name]))
  const { named, rest } = largest(subjects, ([, count]) => count, NAMED_MAX)
  const laneOf = (subject: string) => subject.slice(subject.lastIndexOf('.') + 1)
  return [
    ...named.map(([subject, count]): [string, number] => [
      names.get(laneOf(subject)) ?? OTHER,
      count,
    ]),
    ...rest.map(([, count]): [string, number] => [OTHER, count]),
  ]
}
