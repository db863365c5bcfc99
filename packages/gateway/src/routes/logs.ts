// CloudWatch Logs, as far as `aws logs tail` and `hearth logs` need it: FilterLogEvents,
// DescribeLogGroups and DescribeLogStreams, in the JSON 1.1 protocol of that service. Lines come
// from store/logs and are bounded there.

import type { Logs } from '@hearth/store/logs'
import type { WireAnswer } from '../contract.ts'
import { answerTarget, numberOf, textOf } from '../json-target.ts'

export interface LogsRequest {
  /** The operation, from X-Amz-Target. */
  operation: string
  input: Record<string, unknown>
  account: string
  region: string
}

const PAGE_MAX = 10_000

/** Answers one operation; an unknown one as CloudWatch Logs does. */
export async function answerLogs(request: LogsRequest, logs: Logs): Promise<WireAnswer> {
  switch (request.operation) {
    case 'FilterLogEvents':
      return filterEvents(request, logs)
    case 'DescribeLogGroups':
      return describeGroups(request, logs)
    case 'DescribeLogStreams':
      return describeStreams(request, logs)
    default:
      return refuse('UnknownOperationException', `Hearth does not have ${request.operation}.`)
  }
}

async function filterEvents({ input, account }: LogsRequest, logs: Logs): Promise<WireAnswer> {
  const group = groupOf(input)
  if (group === undefined) return refuse('InvalidParameterException', 'logGroupName is required.')
  const found = await logs.filter({
    account,
    group,
    limit: Math.min(numberOf(input.limit) ?? PAGE_MAX, PAGE_MAX),
    ...given('startTime', numberOf(input.startTime)),
    ...given('endTime', numberOf(input.endTime)),
    ...given('pattern', textOf(input.filterPattern)),
    ...given('nextToken', textOf(input.nextToken)),
    ...(Array.isArray(input.logStreamNames) && { streams: input.logStreamNames.map(String) }),
  })
  if (found === 'no such group') {
    return refuse('ResourceNotFoundException', 'The specified log group does not exist.')
  }
  return answerTarget({ ...found, searchedLogStreams: [] })
}

async function describeGroups(request: LogsRequest, logs: Logs): Promise<WireAnswer> {
  const { input, account, region } = request
  const groups = await logs.groups(account, textOf(input.logGroupNamePrefix) ?? '')
  return answerTarget({
    logGroups: groups.map((logGroupName) => ({
      logGroupName,
      arn: `arn:aws:logs:${region}:${account}:log-group:${logGroupName}:*`,
      creationTime: 0,
      metricFilterCount: 0,
      storedBytes: 0,
    })),
  })
}

async function describeStreams({ input, account }: LogsRequest, logs: Logs): Promise<WireAnswer> {
  const group = groupOf(input)
  if (group === undefined) return refuse('InvalidParameterException', 'logGroupName is required.')
  const streams = await logs.streamsOf(account, group)
  return answerTarget({ logStreams: streams.map((logStreamName) => ({ logStreamName })) })
}

/** A group is named by its name, or by an ARN that ends in it. */
function groupOf(input: Record<string, unknown>): string | undefined {
  const name = textOf(input.logGroupName) ?? textOf(input.logGroupIdentifier)
  return name?.replace(/^arn:[^:]*:logs:[^:]*:\d*:log-group:/, '').replace(/:\*$/, '')
}

const given = (name: string, value: unknown) => (value === undefined ? {} : { [name]: value })

function refuse(type: string, message: string): WireAnswer {
  return {
    status: 400,
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-errortype': type },
    body: JSON.stringify({ __type: type, message }),
  }
}
