// One lane of a shard: gathers its records into batches, in order and one at a time, and has each
// worked off before it takes the next. It decides nothing about failures; batch-work.ts obeys the
// law of those. Whatever it leaves behind when it is stopped is read again by the next owner.

import type { EventSourceMapping } from '@hearth/core/event-source-mapping'
import { BATCH_BYTES_MAX, fitting } from './batching.ts'
import type { StreamRecord } from './sources/source.ts'
import { inOneWindow, type WindowState, windowEnd } from './tumbling-window.ts'

/** A record in a lane, and what is to be called when its story has ended. */
export interface Taken extends StreamRecord {
  done(): void
}

/** A batch, or the end of a window for which no more records come. */
export type LaneStep =
  | { kind: 'batch'; records: Taken[]; windowStartsAt?: number }
  | { kind: 'close window' }

export interface Lane {
  push(records: readonly Taken[]): void
  /** The source had nothing newer at this moment. */
  caughtUp(at: number): void
  /** No more will come. */
  finish(): void
  /** Ends when it is finished and empty, or stopped. */
  run(stop: AbortSignal): Promise<void>
}

/** Clocks differ, so that a window is closed a little late. */
const WINDOW_SLACK_MS = 1_000

export interface LaneParts {
  mapping: EventSourceMapping
  /** Whichever is open; none where the mapping has no windows. */
  openWindow(): WindowState | undefined
  /** Resolves when all of it is done or given up, or the stop came first. */
  work(step: LaneStep, stop: AbortSignal): Promise<void>
}

export function createLane(parts: LaneParts): Lane {
  const queue: (Taken & { takenAt: number })[] = []
  let [isFinished, caughtUpAt] = [false, 0]
  let wake = () => {}
  const woken = (ms: number | undefined, stop: AbortSignal) =>
    new Promise<void>((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(() => wake(), ms)
      const end = () => wake()
      wake = () => {
        clearTimeout(timer)
        stop.removeEventListener('abort', end)
        wake = () => {}
        resolve()
      }
      stop.addEventListener('abort', end)
      if (stop.aborted) wake()
    })
  const next = async (stop: AbortSignal): Promise<LaneStep | undefined> => {
    for (;;) {
      if (stop.aborted) return undefined
      const facts = { now: performance.now(), isFinished, caughtUpAt }
      const step = nextLaneStep(queue, facts, { ...parts, open: parts.openWindow() })
      if (step.kind === 'wait') await woken(step.ms, stop)
      else if (step.kind === 'end') return undefined
      else if (step.kind === 'close window') return step
      else {
        const { count, windowStartsAt } = step
        const records = queue.splice(0, count)
        return { kind: 'batch', records, ...(windowStartsAt !== undefined && { windowStartsAt }) }
      }
    }
  }
  return {
    push(records) {
      const takenAt = performance.now()
      for (const record of records) queue.push({ ...record, takenAt })
      if (records.length > 0) wake()
    },
    caughtUp(at) {
      caughtUpAt = at
      if (parts.openWindow()) wake()
    },
    finish() {
      isFinished = true
      wake()
    },
    async run(stop) {
      for (let step = await next(stop); step; step = await next(stop)) {
        await parts.work(step, stop)
      }
    },
  }
}

type Decision =
  | { kind: 'batch'; count: number; windowStartsAt?: number }
  | { kind: 'close window' }
  | { kind: 'end' }
  | { kind: 'wait'; ms?: number }

interface LaneFacts {
  /** On the clock of `takenAt`. */
  now: number
  isFinished: boolean
  /** Milliseconds since the epoch. */
  caughtUpAt: number
}

/** What a lane does with what it has gathered. */
export function nextLaneStep(
  queue: readonly { size: number; arrivedAt: number; takenAt: number }[],
  { now, isFinished, caughtUpAt }: LaneFacts,
  { mapping, open }: { mapping: EventSourceMapping; open: WindowState | undefined },
): Decision {
  const { batchSize, batchingWindowSeconds, tumblingWindowSeconds: seconds } = mapping
  const [first] = queue
  if (!first) {
    const isOver = open && (isFinished || caughtUpAt >= windowEnd(open, seconds) + WINDOW_SLACK_MS)
    if (isOver) return { kind: 'close window' }
    return isFinished ? { kind: 'end' } : { kind: 'wait' }
  }
  const head = queue.slice(0, batchSize)
  let fits = fitting(head, { count: 0, bytes: 0 }, batchSize)
  let isFull = fits >= batchSize || fits < queue.length
  let windowStartsAt: number | undefined
  if (seconds > 0) {
    const arrivals = head.map(({ arrivedAt }) => arrivedAt)
    const { startsAt, count } = inOneWindow(arrivals, seconds, open)
    if (open && startsAt > open.startsAt) return { kind: 'close window' }
    windowStartsAt = startsAt
    isFull ||= count < fits
    fits = Math.min(fits, count)
  }
  const waitMs = batchingWindowSeconds * 1000 - (now - first.takenAt)
  const isDue = isFull || isFinished || waitMs <= 0
  if (!isDue) return { kind: 'wait', ms: waitMs }
  return { kind: 'batch', count: fits, ...(windowStartsAt !== undefined && { windowStartsAt }) }
}

/** No function can be given such a record. */
export const isTooLarge = ({ size }: { size: number }) => size > BATCH_BYTES_MAX
