// CloudWatch Logs, as far as `aws logs tail`, `sam logs`, Terraform and consoles use it, in that
// service's JSON 1.1. Each operation is a line here and a function in one of the files beside it.
// What is known to AWS and not here is refused, and changes nothing.

import { ServiceError } from '@hearth/core/error'
import type { WireAnswer } from '../../contract.ts'
import { answerTarget } from '../../json-target.ts'
import { filterLogEvents, getLogEvents, putLogEvents } from './events.ts'
import {
  createLogGroup,
  deleteLogGroup,
  deleteRetentionPolicy,
  describeLogGroups,
  putLogGroupDeletionProtection,
  putRetentionPolicy,
} from './groups.ts'
import type { Input, LogsCaller } from './input.ts'
import { startLiveTail } from './live-tail.ts'
import { createLogStream, deleteLogStream, describeLogStreams } from './streams.ts'
import {
  listTagsForResource,
  listTagsLogGroup,
  tagLogGroup,
  tagResource,
  untagLogGroup,
  untagResource,
} from './tags.ts'

type Operation = (input: Input, caller: LogsCaller) => Promise<object>

const OPERATIONS: ReadonlyMap<string, Operation> = new Map(
  Object.entries<Operation>({
    CreateLogGroup: createLogGroup,
    CreateLogStream: createLogStream,
    DeleteLogGroup: deleteLogGroup,
    DeleteLogStream: deleteLogStream,
    DeleteRetentionPolicy: deleteRetentionPolicy,
    DescribeLogGroups: describeLogGroups,
    DescribeLogStreams: describeLogStreams,
    FilterLogEvents: filterLogEvents,
    GetLogEvents: getLogEvents,
    ListTagsForResource: listTagsForResource,
    ListTagsLogGroup: listTagsLogGroup,
    PutLogEvents: putLogEvents,
    PutLogGroupDeletionProtection: putLogGroupDeletionProtection,
    PutRetentionPolicy: putRetentionPolicy,
    TagLogGroup: tagLogGroup,
    TagResource: tagResource,
    UntagLogGroup: untagLogGroup,
    UntagResource: untagResource,
  }),
)

/** @throws ServiceError for what AWS refuses, and for what Hearth does not have. */
export async function answerLogs(
  asked: { operation: string; input: Input },
  caller: LogsCaller,
): Promise<WireAnswer> {
  if (asked.operation === 'StartLiveTail') return startLiveTail(asked.input, caller)
  const operation = OPERATIONS.get(asked.operation)
  if (operation) return answerTarget(await operation(asked.input, caller))
  throw new ServiceError(
    'NotImplementedException',
    `Hearth does not have ${asked.operation} yet; nothing was changed.`,
  )
}
