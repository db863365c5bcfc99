// All lanes of a queue that have something to do: opened when a bell rings or a look at the queue
// finds work, closed when they are empty. Lanes share what may be in hand, and one that floods
// never takes the last place: it has half of what is free, and whoever has nothing may always have
// one.

import { type Bell, SUBJECTS } from '@hearth/bus/messages'
import type { Backlog, Queues, Taken } from '@hearth/bus/queues'
import type { Requests } from '@hearth/bus/requests'
import { type Handled, Lane } from './lane.ts'

export interface LanesOptions {
  streams: readonly string[]
  queues: Pick<Queues, 'backlog' | 'lane'>
  requests: Pick<Requests, 'subscribe'>
  handle(taken: Taken): Promise<Handled>
  /** Messages of all lanes together that may be in hand. */
  inHandMax: number
  report(problem: string): void
}

export interface LaneCounts {
  lanes: number
  inHand: number
  /** Messages that wait or are in anybody's hands, by subject, at the last look. */
  depths: Record<string, number>
  /** When the oldest of them was stored, in milliseconds since the epoch. */
  oldestAt?: number
}

export interface Lanes {
  /** Subjects whose lane waits because it was refused. */
  paused(): string[]
  /** What was refused may get through now. */
  resume(subject: string): void
  counts(): LaneCounts
  close(): Promise<void>
}

const NOTHING: Backlog = { subjects: {} }
/** A bell that nobody heard is made up for within this time. */
const SWEEP_MS = 2_000

export function openLanes(options: LanesOptions): Lanes {
  const lanes = new Map<string, Lane>()
  const wake = openWaker(options, lanes)
  const bell = options.requests.subscribe<Bell>(SUBJECTS.bell, (rung) => {
    if (options.streams.includes(rung.stream)) void wake.at(rung)
  })
  const seen = new Map<string, Backlog>()
  const sweeps = keepSweeping(async () => {
    for (const stream of options.streams) {
      const backlog = await options.queues.backlog(stream).catch(() => NOTHING)
      seen.set(stream, backlog)
      for (const subject of Object.keys(backlog.subjects)) await wake.at({ stream, subject })
    }
  })
  return {
    paused: () => [...lanes].filter(([, lane]) => lane.isPaused).map(([subject]) => subject),
    resume: (subject) => lanes.get(subject)?.resume(),
    counts: () => ({ lanes: lanes.size, inHand: wake.inHand(), ...together([...seen.values()]) }),
    async close() {
      wake.stop()
      bell.close()
      await sweeps.close()
      await Promise.all([...lanes.values()].map((lane) => lane.close()))
    },
  }
}

/** What is known of all streams. */
function together(backlogs: readonly Backlog[]): Omit<LaneCounts, 'inHand' | 'lanes'> {
  const times = backlogs.flatMap(({ oldestAt }) => (oldestAt === undefined ? [] : [oldestAt]))
  return {
    depths: Object.assign({}, ...backlogs.map(({ subjects }) => subjects)),
    ...(times.length > 0 && { oldestAt: Math.min(...times) }),
  }
}

/** Opens the lane of a subject, unless it is open already. */
function openWaker(options: LanesOptions, lanes: Map<string, Lane>) {
  const opening = new Set<string>()
  let inHand = 0
  let isStopped = false
  return {
    inHand: () => inHand,
    stop: () => {
      isStopped = true
    },
    async at({ stream, subject }: Bell) {
      lanes.get(subject)?.ring()
      if (isStopped || lanes.has(subject) || opening.has(subject)) return
      opening.add(subject)
      try {
        const open = () => options.queues.lane(stream, subject)
        const source = await open()
        if (isStopped) return
        const lane = new Lane({
          source,
          reopen: open,
          handle: options.handle,
          room: (own) => roomFor(own, inHand, options.inHandMax),
          counted: (change) => {
            inHand += change
          },
          report: options.report,
        })
        lanes.set(subject, lane)
        void lane.finished.then(() => lanes.delete(subject))
      } catch (error) {
        options.report(`a lane could not be opened: ${error}`)
      } finally {
        opening.delete(subject)
      }
    },
  }
}

/** Once in a while, one at a time. */
function keepSweeping(sweep: () => Promise<void>) {
  let sweeping: Promise<void> | undefined
  const timer = setInterval(() => {
    sweeping ??= sweep().finally(() => {
      sweeping = undefined
    })
  }, SWEEP_MS)
  return {
    async close() {
      clearInterval(timer)
      await sweeping
    },
  }
}

/** How many more a lane may take that has `own` in hand. */
export function roomFor(own: number, inHand: number, inHandMax: number): number {
  const half = Math.floor((inHandMax - inHand) / 2)
  return Math.max(half, own === 0 ? 1 : 0)
}
