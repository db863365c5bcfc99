// Puts events back on their queue when their time has come. One process at a time keeps each shard
// of the timers, by lease; two at once would only do something twice, and what may have been done
// twice is marked so. A timer goes only after its event is on the queue's disk.

import type { LeaseStore } from '@hearth/leases/connect'
import { hold } from '@hearth/leases/ownership'
import type { Events } from '@hearth/store/events'
import type { TimerMark, Timers } from '@hearth/store/timers'
import { DueHeap } from './due-heap.ts'

export interface TimerClockOptions {
  timers: Timers
  events: Pick<Events, 'put'>
  leases: LeaseStore
  report(problem: string): void
}

export interface TimerClock {
  /** Timers that are known here. */
  waiting(): number
  close(): Promise<void>
}

const LEASE_MS = 5_000
const RENEW_MS = 1_500
const AGAIN_MS = 1_000
const TICK_MS = 50
/** So many are put back at a time. */
const TOGETHER_MAX = 100

export function openTimerClock(options: TimerClockOptions): TimerClock {
  const heaps = new Map<number, DueHeap<TimerMark>>()
  const ownerships = Array.from({ length: options.timers.shards }, (_, shard) =>
    hold(options.leases, {
      name: `timers-${shard}`,
      ttlMs: LEASE_MS,
      renewMs: RENEW_MS,
      onGained: (lost) => void keep(options, { shard, heaps, lost }),
    }),
  )
  return {
    waiting: () => [...heaps.values()].reduce((sum, heap) => sum + heap.size, 0),
    close: async () => {
      await Promise.all(ownerships.map((ownership) => ownership.close()))
    },
  }
}

interface Shard {
  shard: number
  heaps: Map<number, DueHeap<TimerMark>>
  lost: AbortSignal
}

/** Until the lease is lost; after a failure it starts again from what is stored. */
async function keep(options: TimerClockOptions, { shard, heaps, lost }: Shard): Promise<void> {
  while (!lost.aborted) {
    const heap = new DueHeap<TimerMark>()
    heaps.set(shard, heap)
    const end = new AbortController()
    const signal = AbortSignal.any([lost, end.signal])
    const began = Date.now()
    try {
      await Promise.race([
        gather(options.timers.read(shard, signal), heap),
        fire(options, { heap, began, signal }),
      ])
    } catch (error) {
      if (!lost.aborted) options.report(`timers could not be kept: ${error}`)
    } finally {
      end.abort()
    }
    if (!lost.aborted) await pause(AGAIN_MS)
  }
  heaps.delete(shard)
}

async function gather(marks: AsyncIterable<TimerMark>, heap: DueHeap<TimerMark>): Promise<void> {
  for await (const mark of marks) heap.push(mark)
}

async function fire(
  { timers, events, report }: TimerClockOptions,
  { heap, began, signal }: { heap: DueHeap<TimerMark>; began: number; signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    const due = heap.popDue(Date.now(), TOGETHER_MAX)
    if (due.length === 0) {
      await pause(TICK_MS)
      continue
    }
    await Promise.all(
      due.map(async (mark) => {
        // Whoever kept this shard before us may have put it back already.
        const isAgain = mark.tried || mark.dueAt <= began
        try {
          await putBack(timers, events, { mark, isAgain })
        } catch (error) {
          report(`an event could not be put back yet: ${error}`)
          heap.push({ ...mark, dueAt: Date.now() + AGAIN_MS, tried: true })
        }
      }),
    )
  }
}

async function putBack(
  timers: TimerClockOptions['timers'],
  events: TimerClockOptions['events'],
  { mark, isAgain }: { mark: TimerMark; isAgain: boolean },
): Promise<void> {
  const found = await timers.get(mark)
  if (!found) return
  await events.put({ ...found.event, ...(isAgain && { again: true }) }, found.payload)
  await timers.remove(mark)
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
