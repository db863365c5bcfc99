// The queue family by kind: which file opens, judges and cleans up after which source. A kind that
// is not here is read by position.

import type { SourceAnswer } from '@hearth/bus/messages'
import type { SourceKind } from '@hearth/core/event-source-mapping'
import { judgeJetStream, openJetStream, removeJetStream } from './jetstream.ts'
import { judgeRedisStream, openRedisStream, removeRedisStream } from './redis-streams.ts'
import type { QueueSource, SourceOptions } from './source.ts'
import { judgeSqs, openSqs } from './sqs.ts'

export interface QueueKind {
  open(options: SourceOptions): Promise<QueueSource>
  /** Whether it can be read, in AWS's words where it cannot and AWS has some. */
  judge(options: SourceOptions): Promise<SourceAnswer>
  /** Takes away what a mapping leaves at its source. */
  remove(options: SourceOptions): Promise<void>
}

const QUEUES: Partial<Record<SourceKind, QueueKind>> = {
  jetstream: { open: openJetStream, judge: judgeJetStream, remove: removeJetStream },
  redis: { open: openRedisStream, judge: judgeRedisStream, remove: removeRedisStream },
  sqs: { open: openSqs, judge: judgeSqs, remove: async () => {} },
}

/** undefined for a source that is read by position. */
export const queueOf = (kind: SourceKind): QueueKind | undefined => QUEUES[kind]
