// Asks the pollers whether a source can be read before anything is stored: gateways have no way to
// it. Any poller's word is enough; where none speaks, nobody would read either.

import {
  type Acceptance,
  type SourceAnswer,
  type SourceQuestion,
  SUBJECTS,
} from '@hearth/bus/messages'
import type { Requests } from '@hearth/bus/requests'
import { ServiceError } from '@hearth/core/error'
import type { EventSourceMapping } from '@hearth/core/event-source-mapping'

const ACCEPT_WITHIN_MS = 2_000
/** As long as a client waits for a source that is slow to answer, and then some. */
const ANSWER_WITHIN_MS = 20_000

/** @throws ServiceError for a source that cannot be read, or not now. */
export async function checkSource(
  requests: Pick<Requests, 'ask'>,
  mapping: EventSourceMapping,
): Promise<void> {
  const asked = await requests.ask<SourceQuestion, Acceptance, SourceAnswer>(
    SUBJECTS.sources,
    { meta: { mapping }, body: new Uint8Array(0) },
    {
      firstWithinMs: ACCEPT_WITHIN_MS,
      lastWithinMs: ANSWER_WITHIN_MS,
      promisesLast: (word) => word.accepted,
    },
  )
  if (asked.kind !== 'answered' || !asked.first.accepted) throw unavailable('no poller answers.')
  const { meta } = await asked.last.catch((cause) => {
    throw unavailable('the poller was lost over the question.', cause)
  })
  if ('unknown' in meta) throw unavailable(meta.unknown)
  if ('code' in meta) throw new ServiceError(meta.code, meta.message)
}

const unavailable = (why: string, cause?: unknown) =>
  new ServiceError('ServiceUnavailableException', `Service is unavailable: ${why}`, { cause })
