// Asks schedulers for an image. One that has it or can pull it is enough; if none can, the last
// one's reason is the function's. Who cannot be asked has said nothing.

import { type ImageAnswer, type ImageQuestion, SUBJECTS } from '@hearth/bus/messages'
import type { ImageFacts, ImageFault } from '@hearth/core/container-image'
import { type Asking, askInTurn } from './scheduler-questions.ts'

/** A large image over a slow line; after that the search begins anew. */
const PULL_MS_MAX = 30 * 60_000

/** @throws Error when nobody could tell, so that it is too early to say. */
export async function findImage(
  parts: Asking,
  question: ImageQuestion,
): Promise<ImageFacts | ImageFault> {
  let fault: ImageFault | undefined
  let unknown = 'no scheduler answers'
  const ask = { subjectOf: SUBJECTS.images, question, withinMs: PULL_MS_MAX }
  for await (const answer of askInTurn<ImageQuestion, ImageAnswer>(parts, ask)) {
    if ('id' in answer) return answer
    if ('code' in answer) fault = answer
    else unknown = answer.unknown
  }
  if (fault) return fault
  throw new Error(`the image ${question.uri} is still sought: ${unknown}`)
}
