// `hearth logs`: a function's log through CloudWatch's API. Following asks again from a little
// before the newest line on and shows each line once, however late it arrives. Only the server's
// clock decides where it goes on.

import { styleText } from 'node:util'
import {
  type CloudWatchLogsClient,
  type FilteredLogEvent,
  FilterLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs'
import { CommandError } from './failures.ts'
import type { Format } from './output.ts'
import { parseSince } from './time-span.ts'

export interface LogsOptions {
  follow?: boolean
  since: string
  filter?: string
}

/** A line with all that following needs of it. */
export interface Line {
  id: string
  /** Milliseconds since the epoch, by the clock of the host that wrote it. */
  timestamp: number
  message: string
}

const POLL_MS = 1_000
/**
 * Lines are shipped in batches, so an older one may become visible after a newer one by this much.
 */
export const LATE_MS = 15_000

export async function logs(
  client: CloudWatchLogsClient,
  name: string,
  { output, ...options }: LogsOptions & { output: Format },
): Promise<void> {
  const group = name.startsWith('/') ? name : `/aws/lambda/${functionNameOf(name)}`
  const place = new Place(parseSince(options.since, Date.now()))
  for (;;) {
    for (const line of place.take(await read(client, group, { ...options, from: place.from }))) {
      process.stdout.write(`${output === 'json' ? JSON.stringify(line) : shown(line.message)}\n`)
    }
    if (!options.follow) return
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/** As people read it: in colours where they see them, and without where a file does. */
function shown(message: string): string {
  const text = message.replace(/\n$/, '')
  const tone = toneOf(text)
  return tone ? styleText(tone, text, { stream: process.stdout }) : text
}

/** What the platform says when something went wrong, as text and as JSON. */
const FAILED = /\tStatus: (error|timeout)\b|"status":"(error|timeout)"|\bTask timed out after\b/
/** What else it says. */
const PLATFORM =
  /^((START|END|REPORT) RequestId: |INIT_START |RESTORE_\w+ |(EXTENSION|LOGS|TELEMETRY)\tName: |\{"time":"[^"]*","type":"platform\.)/
/** Levels as Node.js, Python, and JSON have them. */
const LEVEL = /\t(ERROR|FATAL|WARN)\t|^\[(ERROR|CRITICAL|WARNING)\]|"level":"(ERROR|FATAL|WARN)/

/** The platform's own lines step back, and what went wrong stands out. */
export function toneOf(line: string): 'dim' | 'red' | 'yellow' | undefined {
  if (FAILED.test(line)) return 'red'
  if (PLATFORM.test(line)) return 'dim'
  const [level] = LEVEL.exec(line) ?? []
  if (level === undefined) return undefined
  return level.includes('WARN') ? 'yellow' : 'red'
}

/** Where a reader of a log stands: from when to ask, and which lines of that time it has had. */
export class Place {
  #from: number
  #had = new Map<string, number>()

  constructor(from: number) {
    this.#from = from
  }

  /** The time to ask from, in milliseconds since the epoch. */
  get from(): number {
    return this.#from
  }

  /** The lines that were not there before; then moves on, and forgets what can't come again. */
  take(lines: readonly Line[]): Line[] {
    const fresh: Line[] = []
    let newest = this.#from + LATE_MS
    for (const line of lines) {
      if (this.#had.has(line.id)) continue
      this.#had.set(line.id, line.timestamp)
      newest = Math.max(newest, line.timestamp)
      fresh.push(line)
    }
    this.#from = newest - LATE_MS
    for (const [id, timestamp] of this.#had) if (timestamp < this.#from) this.#had.delete(id)
    return fresh
  }
}

/** Every line from a time on, oldest first. */
async function read(
  client: CloudWatchLogsClient,
  logGroupName: string,
  { from, filter, follow }: { from: number; filter?: string; follow?: boolean },
): Promise<Line[]> {
  const lines: Line[] = []
  let nextToken: string | undefined
  try {
    do {
      const page = await client.send(
        new FilterLogEventsCommand({
          logGroupName,
          startTime: from,
          ...(filter && { filterPattern: filter }),
          ...(nextToken && { nextToken }),
        }),
      )
      lines.push(...(page.events ?? []).map(toLine))
      nextToken = page.nextToken
    } while (nextToken)
  } catch (error) {
    if ((error as Error).name !== 'ResourceNotFoundException') throw error
    // The first invocation makes the log group; a follower may well be there before it.
    if (!follow) {
      throw new CommandError(
        `There is no log group ${logGroupName} yet. A function's first invocation makes it; ` +
          '`hearth ls` shows the functions.',
      )
    }
  }
  return lines
}

const toLine = ({ eventId = '', timestamp = 0, message = '' }: FilteredLogEvent): Line => ({
  id: eventId,
  timestamp,
  message,
})

/** The name in an ARN, full or partial, and in a qualified name. */
function functionNameOf(name: string): string {
  const [, inArn] = /(?:^|:)function:([^:]+)/.exec(name) ?? []
  return inArn ?? name.split(':')[0] ?? name
}
