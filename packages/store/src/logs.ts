// Logs as CloudWatch has them: groups with their retention and tags (log-groups), and the lines in
// them (log-lines). This file sees that both agree: a line makes its group, a group that goes takes
// its lines, and what has expired is removed from the disk.

import type { Bus } from '@hearth/bus/connect'
import type { LogBatch, LogEvent } from '@hearth/bus/messages'
import type { Streams } from '@hearth/bus/streams'
import { type LogGroup, type LogGroups, type LogStreamRecord, openLogGroups } from './log-groups.ts'
import { type LogLines, openLogLines } from './log-lines.ts'
import { isLooseAt } from './log-pages.ts'

export interface Logs {
  readonly groups: LogGroups
  readonly lines: LogLines
  /** A function's lines; makes the group. Does not wait and may be lost. */
  publish(account: string, group: string, batch: LogBatch): void
  /** Events of a log stream that is there, oldest first; resolves once NATS has them. */
  put(group: LogGroup, stream: string, events: LogEvent[]): Promise<void>
  /** Whether made by hand or by a line. */
  hasStream(group: LogGroup, stream: string): Promise<boolean>
  /** By name; of one that only lines have made the time is not known here. */
  streamsOf(group: LogGroup): Promise<(Pick<LogStreamRecord, 'name'> & { createdAt?: number })[]>
  removeGroup(account: string, name: string): Promise<void>
  removeStream(account: string, group: string, name: string): Promise<void>
  /** Removes from the disk what no reader is shown any more. */
  expire(now: number): Promise<void>
  close(): void
}

const DAY_MS = 86_400_000
/** An event may be this much younger than its storage (PutLogEvents). */
const AHEAD_MS_MAX = 2 * 3_600_000

/** Events before this time are not shown. */
export const expiredBefore = ({ retentionDays }: LogGroup, now: number) =>
  retentionDays === undefined ? 0 : now - retentionDays * DAY_MS

export async function openLogs(bus: Bus, streams: Streams): Promise<Logs> {
  const groups = await openLogGroups(bus)
  const lines = await openLogLines(streams)
  return {
    groups,
    lines,

    publish(account, group, batch) {
      groups.notice(account, group)
      lines.publish(account, group, batch)
    },

    async put({ account, name, isLoose }, stream, events) {
      const times = events.map(({ timestamp }) => timestamp)
      if (!isLoose && isLooseAt(times, Date.now())) {
        await groups.change(account, name, (group) => ({ ...group, isLoose: true }))
      }
      await lines.append(account, name, { stream, events })
    },

    async hasStream({ account, name }, stream) {
      if (await groups.findStream(account, name, stream)) return true
      return (await lines.last({ account, group: name, streams: [stream] })) !== undefined
    },

    async streamsOf({ account, name }) {
      const found = new Map<string, { name: string; createdAt?: number }>()
      for (const one of await lines.streamsOf(account, name)) found.set(one, { name: one })
      for (const one of groups.listStreams(account, name)) found.set(one.name, one)
      return [...found.values()].sort((one, other) => (one.name < other.name ? -1 : 1))
    },

    async removeGroup(account, name) {
      await lines.remove({ account, group: name })
      await groups.remove(account, name)
      // What came in between would show in a later group of this name.
      await lines.remove({ account, group: name })
    },

    async removeStream(account, group, name) {
      await groups.removeStream(account, group, name)
      await lines.remove({ account, group, streams: [name] })
    },

    async expire(now) {
      for (const group of groups.expiring()) {
        const time = expiredBefore(group, now) - AHEAD_MS_MAX
        await lines.removeBefore({ account: group.account, group: group.name }, time)
      }
    },

    close: groups.close,
  }
}
