// Who of the live pollers does which work. They hear each other's heartbeats and rank every piece
// by rendezvous hash, so that only the first in rank asks for its lease; it hands the lease on when
// another joins that ranks before it, and the next takes over when it dies. A lease keeps work from
// being done twice most of the time; the epoch that comes with it lets the record refuse the rest.

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type PollerHeartbeat, SUBJECTS } from '@hearth/bus/messages'
import type { Requests } from '@hearth/bus/requests'
import { rank } from '@hearth/invocation/placement'
import type { LeaseStore } from '@hearth/leases/connect'
import { hold, type Ownership } from '@hearth/leases/ownership'
import type { Claims } from '@hearth/store/claims'

/** The right to do a piece of work. */
export interface Grant {
  /** Greater than that of all earlier grants of the same work. */
  epoch: number
  /** Aborts when another is to do it: take nothing more, finish what runs, and return. */
  lost: AbortSignal
}

export interface Shared {
  /** Whether this poller does it at this moment. */
  held(): boolean
  /** Takes part no longer; resolves when what ran has returned and the lease is given back. */
  close(): Promise<void>
}

export interface Shares {
  /** Takes part in the sharing of this work; `run` lasts as long as its grant. */
  share(work: string, run: (grant: Grant) => Promise<void>): Shared
  /** Pollers that live, this one included. */
  live(): string[]
  /** Hands everything on: from its beginning others take over what is not held any more. */
  close(): Promise<void>
}

export interface SharesParts {
  requests: Requests
  leases: LeaseStore
  claims: Claims
  report(problem: string): void
  /** Names this life of the poller. */
  pollerId?: string
}

const HEARTBEAT_MS = 1_000
/** Silence after which a poller counts as dead. */
const SILENT_MS = 4_000
const LEASE_MS = 6_000
const RENEW_MS = 1_000
/** Between two looks at who ranks first; also made at each change that is heard. */
const LOOK_MS = 500
/** Before work that ended by itself, or could not be claimed, is begun again. */
const AGAIN_MS = 1_000

/** What to do about one piece of work, as the live pollers stand. */
export function decideShare(
  work: string,
  facts: { self: string; live: readonly string[]; asks: boolean },
): 'ask' | 'give back' | 'stay' {
  const candidates = [...new Set([...facts.live, facts.self])]
  const [first] = rank(
    work,
    candidates.map((schedulerId) => ({ schedulerId, draining: false })),
  )
  const isFirst = first?.schedulerId === facts.self
  if (isFirst === facts.asks) return 'stay'
  return isFirst ? 'ask' : 'give back'
}

export function openShares(parts: SharesParts): Shares {
  const self = parts.pollerId ?? randomUUID()
  const pieces = new Map<string, Piece>()
  const ear = listen(parts.requests, self, () => look())
  let isLeaving = false
  const look = () => {
    if (isLeaving) return
    const live = ear.live()
    for (const [work, piece] of pieces) {
      const decision = decideShare(work, { self, live, asks: piece.asks() })
      if (decision === 'ask') piece.ask()
      if (decision === 'give back') void piece.giveBack()
    }
  }
  // Who else lives is known only after a first round of heartbeats; so the timer looks first.
  const timer = setInterval(look, LOOK_MS)
  return {
    live: ear.live,
    share(work, run) {
      const piece = openPiece({ ...parts, self }, work, run)
      pieces.set(work, piece)
      return {
        held: piece.held,
        close: async () => {
          if (pieces.get(work) === piece) pieces.delete(work)
          await piece.giveBack()
        },
      }
    },
    async close() {
      if (!isLeaving) ear.leave()
      isLeaving = true
      clearInterval(timer)
      await Promise.all([...pieces.values()].map((piece) => piece.giveBack()))
    },
  }
}

/** Says that this poller lives, and hears who else does. */
function listen(requests: Requests, self: string, changed: () => void) {
  const heard = new Map<string, number>()
  const say = (leaving = false) =>
    requests.publish(SUBJECTS.pollers, { pollerId: self, leaving } satisfies PollerHeartbeat)
  const hear = (heartbeat: PollerHeartbeat) => {
    const isKnown = heard.has(heartbeat.pollerId)
    if (heartbeat.leaving) heard.delete(heartbeat.pollerId)
    else heard.set(heartbeat.pollerId, performance.now())
    if (isKnown === heartbeat.leaving) changed()
  }
  const subscriptions = [
    requests.subscribe<PollerHeartbeat>(SUBJECTS.pollers, hear),
    requests.subscribe(SUBJECTS.pollersWanted, () => say()),
  ]
  const timer = setInterval(say, HEARTBEAT_MS)
  say()
  requests.publish(SUBJECTS.pollersWanted, {})
  return {
    /** Who lives, this poller included; the silent are forgotten. */
    live(): string[] {
      const oldest = performance.now() - SILENT_MS
      for (const [id, at] of heard) if (at < oldest) heard.delete(id)
      return [...new Set([self, ...heard.keys()])]
    },
    leave(): void {
      clearInterval(timer)
      for (const subscription of subscriptions) subscription.close()
      say(true)
    },
  }
}

interface Piece {
  asks(): boolean
  held(): boolean
  ask(): void
  /** Resolves when the lease is given back; at once when it was not asked for. */
  giveBack(): Promise<void>
}

/** One piece of work here: at most one lease of it is asked for, and one run of it lasts. */
function openPiece(
  parts: SharesParts & { self: string },
  work: string,
  run: (grant: Grant) => Promise<void>,
): Piece {
  let asking: { ownership: Ownership; end: AbortController } | undefined
  let leaving: Promise<void> | undefined
  let running: Promise<void> = Promise.resolve()
  const begin = (lost: AbortSignal) => {
    running = running.then(() => runGranted(parts, { work, lost, run }))
  }
  return {
    asks: () => asking !== undefined,
    held: () => asking?.ownership.held() ?? false,
    ask() {
      if (asking) return
      const end = new AbortController()
      const ownership = hold(parts.leases, {
        name: work,
        ttlMs: LEASE_MS,
        renewMs: RENEW_MS,
        onGained: (lost) => begin(AbortSignal.any([lost, end.signal])),
      })
      asking = { ownership, end }
    },
    giveBack() {
      leaving ??= (async () => {
        // The lease is kept until what runs has returned, so that nobody begins beside it.
        asking?.end.abort()
        await running
        await asking?.ownership.close()
        await running
        asking = undefined
        leaving = undefined
      })()
      return leaving
    },
  }
}

/** Claims and runs the work for as long as the lease lasts; what fails is begun again. */
async function runGranted(
  { claims, self, report }: SharesParts & { self: string },
  { work, lost, run }: { work: string; lost: AbortSignal; run: (grant: Grant) => Promise<void> },
): Promise<void> {
  while (!lost.aborted) {
    try {
      const epoch = await claims.claim(work, self)
      if (!lost.aborted) await run({ epoch, lost })
    } catch (error) {
      report(`${work} is begun again: ${error}`)
    }
    await sleep(AGAIN_MS, undefined, { signal: lost }).catch(() => {})
  }
}
