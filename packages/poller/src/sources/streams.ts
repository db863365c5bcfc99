// The stream family by kind: which file opens and judges which source. What a mapping leaves behind
// of these is its checkpoints alone.

import type { SourceAnswer } from '@hearth/bus/messages'
import type { SourceKind } from '@hearth/core/event-source-mapping'
import { judgeDynamoDbStreams, openDynamoDbStreams } from './dynamodb-streams.ts'
import { judgeKafka, openKafka } from './kafka.ts'
import { judgeKinesis, openKinesis } from './kinesis.ts'
import type { SourceOptions, StreamSource } from './source.ts'

export interface StreamKind {
  open(options: SourceOptions): Promise<StreamSource>
  /** Whether it can be read, in AWS's words where it cannot and AWS has some. */
  judge(options: SourceOptions): Promise<SourceAnswer>
}

const STREAMS: Partial<Record<SourceKind, StreamKind>> = {
  dynamodb: { open: openDynamoDbStreams, judge: judgeDynamoDbStreams },
  kafka: { open: openKafka, judge: judgeKafka },
  kinesis: { open: openKinesis, judge: judgeKinesis },
}

/** undefined for a source that is no stream. */
export const streamOf = (kind: SourceKind): StreamKind | undefined => STREAMS[kind]
