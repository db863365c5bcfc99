// `hearth logs`: a function's log through CloudWatch's API. Following asks again from the last line on and shows
// each line once, however late it arrives.

import { type CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs'
import { CommandError, EXIT } from './client.ts'

export interface LogsOptions {
  follow?: boolean
  since?: string
  filter?: string
}

const POLL_MS = 1_000
/** How far back a follower looks for lines that arrive late. */
const LATE_MS = 10_000
const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

export async function logs(
  client: CloudWatchLogsClient,
  name: string,
  options: LogsOptions,
): Promise<void> {
  const group = name.startsWith('/') ? name : `/aws/lambda/${name}`
  let from = Date.now() - parseSpan(options.since ?? '10m')
  let shown = new Map<string, number>()
  for (;;) {
    const until = Date.now() - LATE_MS
    for await (const event of eventsOf(client, group, { from, pattern: options.filter })) {
      if (shown.has(event.id)) continue
      shown.set(event.id, event.timestamp)
      process.stdout.write(`${event.message}\n`)
    }
    if (!options.follow) return
    from = Math.max(from, until)
    shown = new Map([...shown].filter(([, timestamp]) => timestamp >= from))
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

async function* eventsOf(
  client: CloudWatchLogsClient,
  logGroupName: string,
  { from, pattern }: { from: number; pattern: string | undefined },
) {
  let nextToken: string | undefined
  do {
    const page = await client.send(
      new FilterLogEventsCommand({
        logGroupName,
        startTime: from,
        ...(pattern && { filterPattern: pattern }),
        ...(nextToken && { nextToken }),
      }),
    )
    for (const { eventId = '', timestamp = 0, message = '' } of page.events ?? []) {
      yield { id: eventId, timestamp, message }
    }
    nextToken = page.nextToken
  } while (nextToken)
}

/** `90s`, `10m`, `2h`, `1d` in milliseconds. @throws CommandError for anything else. */
export function parseSpan(text: string): number {
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(text) ?? []
  const milliseconds = UNITS[unit ?? '']
  if (!amount || !milliseconds) {
    throw new CommandError(`${text} is no time span. Write 90s, 10m, 2h or 1d.`, EXIT.usage)
  }
  return Number(amount) * milliseconds
}
