// Answers gateways, which have no engine, who ask what an image is. It pulls what is not here, at
// most a few at a time, and says what forbids an image that was found; a stem of it can wait then.

import {
  type Acceptance,
  type ImageAnswer,
  type ImageQuestion,
  SUBJECTS,
} from '@hearth/bus/messages'
import type { Requests, Subscription } from '@hearth/bus/requests'
import { faultOf } from '@hearth/core/container-image'
import type { SandboxDriver } from './drivers/driver.ts'
import type { Stems } from './stems.ts'

/** Whoever asks for one more is told to ask again: the line is shared, and so is the disk. */
const SEARCHES_MAX = 8

export function answerImages(
  requests: Requests,
  schedulerId: string,
  { driver, stems }: { driver: Pick<SandboxDriver, 'findImage'>; stems: Pick<Stems, 'expect'> },
): Subscription {
  let searches = 0
  return requests.answer<ImageQuestion, Acceptance, ImageAnswer>(
    SUBJECTS.images(schedulerId),
    ({ meta }, respond) => {
      respond.first({ accepted: true })
      if (searches >= SEARCHES_MAX) return respond.last({ unknown: 'too many images are sought' })
      searches += 1
      void find(driver, meta).then((answer) => {
        searches -= 1
        respond.last(answer)
        if ('id' in answer) stems.expect(answer)
      })
    },
  )
}

async function find(
  driver: Pick<SandboxDriver, 'findImage'>,
  { uri, architecture }: ImageQuestion,
): Promise<ImageAnswer> {
  try {
    const found = await driver.findImage(uri)
    return 'id' in found ? (faultOf(found, architecture) ?? found) : found
  } catch (error) {
    return { unknown: String(error) }
  }
}
