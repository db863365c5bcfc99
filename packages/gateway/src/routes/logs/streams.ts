// Log streams: those made by hand have a record, a function's are there while their lines are. To
// describe fifty costs the names of the group's and two messages each; in the order of their last
// events a header of each besides, never the lines.

import { ServiceError } from '@hearth/core/error'
import type { LogGroup } from '@hearth/store/log-groups'
import {
  arnOf,
  findGroup,
  type Input,
  type LogsCaller,
  noSuchStream,
  pageOf,
  readInteger,
  readText,
  refuse,
  requireText,
  STREAM_NAME,
} from './input.ts'

const PAGE_MAX = 50

export async function createLogStream(input: Input, caller: LogsCaller): Promise<object> {
  const name = requireText(input, 'logStreamName', STREAM_NAME)
  const group = await findGroup(input, caller)
  const { groups } = caller.logs
  const isThere =
    (await caller.logs.hasStream(group, name)) ||
    (await groups.createStream(group.account, group.name, { name, createdAt: Date.now() })) ===
      'exists'
  if (!isThere) return {}
  throw new ServiceError(
    'ResourceAlreadyExistsException',
    'The specified log stream already exists',
  )
}

export async function deleteLogStream(input: Input, caller: LogsCaller): Promise<object> {
  const name = requireText(input, 'logStreamName', STREAM_NAME)
  const group = await findGroup(input, caller)
  if (!(await caller.logs.hasStream(group, name))) throw noSuchStream()
  await caller.logs.removeStream(group.account, group.name, name)
  return {}
}

export async function describeLogStreams(input: Input, caller: LogsCaller): Promise<object> {
  const prefix = readText(input, 'logStreamNamePrefix', STREAM_NAME)
  const order = readText(input, 'orderBy', { values: ['LogStreamName', 'LastEventTime'] })
  const limit = readInteger(input, 'limit', [1, PAGE_MAX]) ?? PAGE_MAX
  const token = readText(input, 'nextToken')
  const group = await findGroup(input, caller)
  if (order === 'LastEventTime' && prefix !== undefined) {
    throw refuse('Cannot order by LastEventTime with a logStreamNamePrefix.')
  }
  const all = await caller.logs.streamsOf(group)
  const found = all.filter(({ name }) => name.startsWith(prefix ?? ''))
  if (order === 'LastEventTime') {
    const times = await caller.logs.lines.lastEvents(group.account, group.name)
    found.sort((one, other) => (times.get(one.name) ?? 0) - (times.get(other.name) ?? 0))
  }
  if (input.descending === true) found.reverse()
  const { page, ...next } = pageOf(found, ({ name }) => name, { limit, token })
  return { logStreams: await Promise.all(page.map((one) => view(one, group, caller))), ...next }
}

async function view(
  { name, createdAt }: { name: string; createdAt?: number },
  { account, name: group }: LogGroup,
  { logs, place }: LogsCaller,
): Promise<object> {
  const ends = await logs.lines.ends({ account, group, streams: [name] })
  return {
    logStreamName: name,
    creationTime: createdAt ?? ends?.firstStoredAt ?? 0,
    ...(ends && {
      firstEventTimestamp: ends.firstEventAt,
      lastEventTimestamp: ends.lastEventAt,
      lastIngestionTime: ends.lastStoredAt,
    }),
    uploadSequenceToken: sequenceToken(ends?.lastStoredAt ?? createdAt ?? 0),
    arn: `${arnOf(place, group)}:log-stream:${name}`,
    // AWS shows 0 for each log stream since 2019.
    storedBytes: 0,
  }
}

/** Nobody has to send one back any more; clients of old expect to get one. */
export const sequenceToken = (time: number) => `49${String(time).padStart(54, '0')}`
