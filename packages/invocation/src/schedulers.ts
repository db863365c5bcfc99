// The schedulers that live, as their heartbeats tell. A scheduler that falls silent is forgotten,
// and those who wait for its last word are told at once: an accepted invocation is never run a
// second time. Only an ear that hears can tell silence: while NATS is away nobody counts as dead.

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
/** A sweep that comes this late has stood still, and heartbeats may wait unread in the socket. */
const STANDSTILL_MS = 2_000

export interface Ear {
  /** Whether heartbeats can arrive at this moment. */
  hears(): boolean
  /** The scheduler of this process, which is spoken with whether or not NATS is there. */
  own?: string | undefined
}

export function watchSchedulers(
  requests: Pick<Requests, 'publish' | 'subscribe'>,
  ear: Ear,
): Schedulers {
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
  /** What others say while NATS is away is lost: nobody need wait for their last words. */
  const giveUpWaiting = (now: number) => {
    for (const [id, { life, end, heardAt }] of known) {
      if (id === ear.own || heardAt > now - SILENCE_MS) continue
      end.abort('NATS is away')
      const next = new AbortController()
      known.set(id, { life: { ...life, lost: next.signal }, end: next, heardAt: now })
    }
    refresh()
  }
  let sweptAt = performance.now()
  let hearsSince = sweptAt
  const sweep = setInterval(() => {
    const now = performance.now()
    if (!ear.hears() || now > sweptAt + STANDSTILL_MS) hearsSince = now
    sweptAt = now
    if (!ear.hears()) giveUpWaiting(now)
    const oldest = now - SILENCE_MS
    if (hearsSince > oldest) return
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
