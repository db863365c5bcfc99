// Asks schedulers for an image: gateways have no engine. One that has it or can pull it is enough;
// if none can, the last one's reason is the function's. Who cannot be asked has said nothing.

import {
  type Acceptance,
  type ImageAnswer,
  type ImageQuestion,
  SUBJECTS,
} from '@hearth/bus/messages'
import type { Requests } from '@hearth/bus/requests'
import type { ImageFacts, ImageFault } from '@hearth/core/container-image'
import type { LiveScheduler, Schedulers } from '@hearth/invocation/schedulers'

const ACCEPT_WITHIN_MS = 2_000
/** A large image over a slow line; after that the search begins anew. */
const PULL_MS_MAX = 30 * 60_000

/** @throws Error when nobody could tell, so that it is too early to say. */
export async function findImage(
  parts: { requests: Requests; schedulers: Pick<Schedulers, 'live'> },
  question: ImageQuestion,
): Promise<ImageFacts | ImageFault> {
  let fault: ImageFault | undefined
  let unknown = 'no scheduler answers'
  for (const scheduler of parts.schedulers.live()) {
    const answer = await ask(parts.requests, scheduler, question)
    if ('id' in answer) return answer
    if ('code' in answer) fault = answer
    else unknown = answer.unknown
  }
  if (fault) return fault
  throw new Error(`the image ${question.uri} is still sought: ${unknown}`)
}

async function ask(
  requests: Requests,
  scheduler: LiveScheduler,
  question: ImageQuestion,
): Promise<ImageAnswer> {
  const answer = await requests.ask<ImageQuestion, Acceptance, ImageAnswer>(
    SUBJECTS.images(scheduler.schedulerId),
    { meta: question, body: new Uint8Array(0) },
    {
      firstWithinMs: ACCEPT_WITHIN_MS,
      lastWithinMs: PULL_MS_MAX,
      signal: scheduler.lost,
      promisesLast: (word) => word.accepted,
    },
  )
  if (answer.kind !== 'answered') return { unknown: `${scheduler.schedulerId} does not answer` }
  return answer.last.then(
    ({ meta }) => meta,
    (reason) => ({ unknown: String(reason) }),
  )
}
