// How far event source mappings are, as the pollers that work for them tell when they are asked.
// Several may have worked for one mapping: their counts are added up, and the lag is told by
// whoever reads now. Who says nothing in time is missed.

import type { MappingProgress, PollerProgress } from '@hearth/bus/figures'
import { SUBJECTS } from '@hearth/bus/messages'
import type { Requests } from '@hearth/bus/requests'

/** Long enough for a way to NATS and back under load; a page waits for it. */
const LISTEN_MS = 250

/** By the mapping's uuid. */
export async function gatherProgress(
  requests: Pick<Requests, 'publish' | 'subscribe'>,
): Promise<Map<string, MappingProgress>> {
  // Answers to somebody else's question are heard, too, and count once.
  const told = new Map<string, MappingProgress[]>()
  const listening = requests.subscribe<PollerProgress>(SUBJECTS.progress, (answer) => {
    told.set(answer.pollerId, answer.mappings)
  })
  requests.publish(SUBJECTS.progressWanted, {})
  await new Promise((resolve) => setTimeout(resolve, LISTEN_MS))
  listening.close()
  const found = new Map<string, MappingProgress>()
  for (const one of [...told.values()].flat()) {
    found.set(one.uuid, together(found.get(one.uuid), one))
  }
  return found
}

function together(known: MappingProgress | undefined, one: MappingProgress): MappingProgress {
  if (!known) return one
  return {
    uuid: one.uuid,
    received: known.received + one.received,
    filteredOut: known.filteredOut + one.filteredOut,
    invoked: known.invoked + one.invoked,
    failed: known.failed + one.failed,
    lag: { ...known.lag, ...one.lag },
  }
}
