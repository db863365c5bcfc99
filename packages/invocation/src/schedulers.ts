// The schedulers that live, as their heartbeats tell. A scheduler that falls silent is forgotten,
// and those who wait for its last word are told at once: an accepted invocation is never run a
// second time.

import { type SchedulerHeartbeat, SUBJECTS } from '@hearth/bus/messages'
import type { Requests } from '@hearth/bus/requests'

export interface LiveScheduler extends SchedulerHeartbeat {
  /** Aborts when this life of the scheduler is over. */
  lost: AbortSignal
}

export interface Schedulers {
  live(): LiveScheduler[]
  close(): void
}

/** Silence after which a scheduler counts as dead; heartbeats come every second. */
const SILENCE_MS = 4_000
const SWEEP_MS = 500

export function watchSchedulers(requests: Requests): Schedulers {
  const known = new Map<string, { life: LiveScheduler; end: AbortController; heardAt: number }>()
  let live: LiveScheduler[] = []
  const refresh = () => {
    live = [...known.values()].map(({ life }) => life)
  }
  const forget = (schedulerId: string) => {
    known.get(schedulerId)?.end.abort('the scheduler died')
    known.delete(schedulerId)
    refresh()
  }
  const hear = (heartbeat: SchedulerHeartbeat) => {
    const entry = known.get(heartbeat.schedulerId)
    if (entry && entry.life.epoch !== heartbeat.epoch) forget(heartbeat.schedulerId)
    const end = known.get(heartbeat.schedulerId)?.end ?? new AbortController()
    const life = { ...heartbeat, lost: end.signal }
    known.set(heartbeat.schedulerId, { life, end, heardAt: performance.now() })
    refresh()
  }
  const sweep = setInterval(() => {
    const oldest = performance.now() - SILENCE_MS
    for (const [id, entry] of known) if (entry.heardAt < oldest) forget(id)
  }, SWEEP_MS)
  const subscription = requests.subscribe<SchedulerHeartbeat>(SUBJECTS.schedulers, hear)
  requests.publish(SUBJECTS.schedulersWanted, {})
  return {
    live: () => live,
    close: () => {
      clearInterval(sweep)
      subscription.close()
    },
  }
}
