// The real client of CloudWatch Logs for tests, and what they ask of it again and again, in one
// line each.

import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DescribeLogGroupsCommand,
  FilterLogEventsCommand,
  type FilterLogEventsCommandInput,
  GetLogEventsCommand,
  type GetLogEventsCommandInput,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs'
import { KEYS } from './hearth.ts'

export const LOG_ARN = 'arn:aws:logs:us-east-1:000000000000:log-group:'
export type LogTests = ReturnType<typeof openLogTests>

export function openLogTests(endpoint: string) {
  const client = new CloudWatchLogsClient({
    endpoint,
    region: 'us-east-1',
    credentials: KEYS,
    maxAttempts: 1,
    // Live Tail has a host name of its own at AWS, and an address cannot have one.
    disableHostPrefix: true,
  })
  return {
    client,

    createGroup: (logGroupName: string, tags?: Record<string, string>) =>
      client.send(new CreateLogGroupCommand({ logGroupName, ...(tags && { tags }) })),

    createStream: (logGroupName: string, logStreamName: string) =>
      client.send(new CreateLogStreamCommand({ logGroupName, logStreamName })),

    put: (
      logGroupName: string,
      logStreamName: string,
      events: readonly (readonly [number, string])[],
    ) => {
      const logEvents = events.map(([timestamp, message]) => ({ timestamp, message }))
      return client.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }))
    },

    get: (input: GetLogEventsCommandInput) => client.send(new GetLogEventsCommand(input)),

    /** The messages of the first page. */
    async filter(input: FilterLogEventsCommandInput) {
      const { events = [] } = await client.send(new FilterLogEventsCommand(input))
      return events.map(({ message }) => message)
    },

    async groupsOf(logGroupNamePrefix: string) {
      const found = await client.send(new DescribeLogGroupsCommand({ logGroupNamePrefix }))
      return found.logGroups ?? []
    },
  }
}

/** What a refusal says, as `name: message`. */
export const refusal = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing was refused',
    (error: Error) => `${error.name}: ${error.message}`,
  )
