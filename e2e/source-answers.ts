// A word about event sources, for tests of the API alone: whoever asks hears that every source can
// be read, but those that are called `missing` or `silent`.

import { openClaims } from '@hearth/bus/claims'
import { connectBus } from '@hearth/bus/connect'
import { type SourceAnswer, type SourceQuestion, SUBJECTS } from '@hearth/bus/messages'
import { createRequests } from '@hearth/bus/requests'
import type { Hearth } from './hearth.ts'

export const MISSING = {
  code: 'InvalidParameterValueException',
  message:
    'Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.' +
    'NonExistentQueue. SQS Error Message: The specified queue does not exist.',
} as const satisfies SourceAnswer

/** @returns what ends it. */
export async function answerForSources({ nats }: Hearth): Promise<() => Promise<void>> {
  const bus = await connectBus({ url: nats.url, monitorUrl: nats.monitorUrl })
  const claims = await openClaims('127.0.0.1', '127.0.0.1')
  const answering = createRequests(bus, claims).answer<SourceQuestion, unknown, SourceAnswer>(
    SUBJECTS.sources,
    ({ meta: { mapping } }, respond) => {
      respond.first({ accepted: true })
      const name = mapping.sourceArn ?? ''
      if (name.endsWith('missing')) respond.last(MISSING)
      else respond.last(name.endsWith('silent') ? { unknown: 'no answer' } : { usable: true })
    },
  )
  await bus.control.flush()
  return async () => {
    answering.close()
    await claims.close()
    await bus.close()
  }
}
