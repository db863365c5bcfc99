// Tokens under virtual time: schedulers crash, stall and restart, messages are late, lost or
// overtaken, Valkey forgets, restarts or has its clock set, links to Valkey and NATS break. At
// every instant what really runs stays within every limit; and when the trouble is over, all of a
// limit can be used. A failure prints its seed; the same seed fails again.

import { expect, test } from 'vitest'
import { HeartbeatEar } from './heartbeat-ear.ts'
import { TokenHolding, type TokenLimits } from './token-holding.ts'
import { type TokenAnswer, type TokenLedger, takeTurn } from './token-law.ts'

const SEEDS = 2_000
const STEP_MS = 100
const TROUBLE_MS = 60_000
const CALM_MS = 50_000
/** A sandbox without a scheduler ends itself after this time (images/README.md). */
const ORPHAN_MS = 10_000
const RUN_MS_MAX = 15_000
const OUTLIVES_MS = 20_000
const CLOCK_STEP_MS = 3_600_000

const ACCOUNT = 9
const limitsOf = (name: string, limit: number, revision = 1): TokenLimits => ({
  name,
  limit,
  revision,
  group: name,
  groupLimit: limit,
})
/** At first everybody shares the account; then two functions get a part of it for themselves. */
const SHARED = [limitsOf('*', ACCOUNT)]
const RESERVED = [limitsOf('*', 5, 2), limitsOf('one', 1), limitsOf('some', 3)]

interface Run {
  pool: string
  owner: Scheduler
  life: number
  endsAt: number
}

interface Message {
  at: number
  arrive(): void
}

interface Scheduler {
  id: string
  life: number
  holding: TokenHolding
  ear: HeartbeatEar
  isUp: boolean
  stalledUntil: number
  valkeyCutUntil: number
  natsCutUntil: number
  /** This clock's error: a factor beside the true one. */
  rate: number
  asking: boolean
  askedAt: number
  beatAt: number
  rosterEpoch: string
  roster: string[]
}

test(`no limit is ever passed, in ${SEEDS} unlucky days`, { timeout: 120_000 }, () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const found = new World(seed).live()
    expect(found, `seed ${seed}`).toEqual({ over: [], unused: [] })
  }
})

class World {
  readonly #random: () => number
  readonly #schedulers: Scheduler[]
  readonly #roster = new Set<string>()
  readonly #over: string[] = []
  #now = 1_000_000
  #pools = SHARED
  #server = 1
  /** How far Valkey's clock is from the true one. */
  #serverAhead = 0
  #ledger: TokenLedger | undefined
  #runs: Run[] = []
  #messages: Message[] = []
  readonly #peak = new Map<string, number>()

  constructor(seed: number) {
    let state = seed * 7919
    this.#random = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state / 2 ** 32
    }
    const count = 1 + this.#upTo(3)
    this.#schedulers = Array.from({ length: count }, (_, index) => this.#born(`s${index}`))
  }

  live(): { over: string[]; unused: string[] } {
    const calmAt = this.#now + TROUBLE_MS
    const watchAt = calmAt + CALM_MS - 15_000
    for (const end = calmAt + CALM_MS; this.#now < end; this.#now += STEP_MS) {
      if (this.#now < calmAt) this.#strike()
      if (this.#now > calmAt - TROUBLE_MS / 2) this.#pools = RESERVED
      this.#deliver()
      for (const scheduler of this.#schedulers) this.#act(scheduler, this.#now < calmAt)
      this.#check(this.#now > watchAt)
    }
    const unused = RESERVED.filter(({ name, limit }) => (this.#peak.get(name) ?? 0) < limit)
    return { over: this.#over, unused: unused.map(({ name }) => name) }
  }

  #upTo(n: number): number {
    return Math.floor(this.#random() * n)
  }

  #born(id: string): Scheduler {
    this.#roster.add(id)
    const life = this.#now
    const never = Number.NEGATIVE_INFINITY
    return {
      id,
      life,
      holding: new TokenHolding(id, life),
      ear: new HeartbeatEar(id),
      isUp: true,
      stalledUntil: never,
      valkeyCutUntil: never,
      natsCutUntil: never,
      rate: 0.99 + this.#random() * 0.02,
      asking: false,
      askedAt: never,
      beatAt: never,
      rosterEpoch: '',
      roster: [],
    }
  }

  /** Something goes wrong, now and then. */
  #strike(): void {
    if (this.#random() > 0.03) return
    const victim = this.#schedulers[this.#upTo(this.#schedulers.length)]
    if (!victim) return
    const until = this.#now + 500 + this.#upTo(this.#random() < 0.5 ? 4_000 : 40_000)
    const kind = this.#upTo(9)
    if (kind === 0) this.#crash(victim)
    if (kind === 1) this.#stall(victim, until)
    if (kind === 2) victim.valkeyCutUntil = until
    if (kind === 3) victim.natsCutUntil = until
    if (kind === 4) this.#ledger = undefined
    if (kind === 5) this.#server += 1
    if (kind === 8) this.#serverAhead += this.#random() < 0.5 ? CLOCK_STEP_MS : -CLOCK_STEP_MS
    if (kind === 7) victim.valkeyCutUntil = victim.natsCutUntil = until
    if (kind === 6 && this.#ledger) this.#rollBack(structuredClone(this.#ledger))
  }

  /** A backup is played back by a server that is new. */
  #rollBack(old: TokenLedger): void {
    this.#messages.push({
      at: this.#now + this.#upTo(8_000),
      arrive: () => {
        this.#ledger = old
        this.#server += 1
      },
    })
  }

  #crash(victim: Scheduler): void {
    if (!victim.isUp) return
    victim.isUp = false
    this.#orphan(victim, this.#now + ORPHAN_MS)
    this.#messages.push({
      at: this.#now + 300 + this.#upTo(30_000),
      // A new life removes every sandbox of the former before it does anything else.
      arrive: () => {
        this.#runs = this.#runs.filter(({ owner }) => owner !== victim)
        Object.assign(victim, this.#born(victim.id))
      },
    })
  }

  /** SIGSTOP: sandboxes hear nothing and end themselves. */
  #stall(victim: Scheduler, until: number): void {
    victim.stalledUntil = Math.max(until, victim.stalledUntil)
    if (victim.isUp) this.#orphan(victim, this.#now + ORPHAN_MS, victim.stalledUntil)
  }

  #orphan(victim: Scheduler, endsAt: number, unlessBackBy = Number.POSITIVE_INFINITY): void {
    if (unlessBackBy < endsAt) return
    for (const run of this.#runs) {
      if (run.owner === victim) run.endsAt = Math.min(run.endsAt, endsAt)
    }
  }

  #deliver(): void {
    const due = this.#messages.filter(({ at }) => at <= this.#now)
    this.#messages = this.#messages.filter(({ at }) => at > this.#now)
    for (const { arrive } of due) arrive()
  }

  #clock({ rate }: Scheduler): number {
    return this.#now * rate
  }

  #act(one: Scheduler, isTroubled: boolean): void {
    if (!one.isUp || one.stalledUntil > this.#now) return
    this.#beat(one)
    const now = this.#clock(one)
    if (one.holding.isFenced(now, one.ear.heardOneself)) {
      const mine = this.#runs.filter(({ owner }) => owner === one)
      for (const { pool, life } of mine) if (life === one.life) one.holding.give(pool)
      this.#runs = this.#runs.filter(({ owner }) => owner !== one)
    }
    for (const limits of this.#pools) {
      if (this.#random() < (isTroubled ? 0.3 : 0.9)) this.#admit(one, limits, isTroubled)
    }
    const due = one.holding.isLacking ? 100 : 2_000
    const hasGivenUp = now > one.askedAt + 2_000
    if (now > one.askedAt + due && (!one.asking || hasGivenUp)) this.#ask(one, isTroubled)
  }

  #beat(one: Scheduler): void {
    if (this.#now < one.beatAt + 1_000) return
    one.beatAt = this.#now
    if (one.natsCutUntil > this.#now) return
    for (const other of this.#schedulers) {
      const hears = other.isUp && other.stalledUntil <= this.#now && other.natsCutUntil <= this.#now
      if (hears) other.ear.hear(one.id, this.#clock(other))
    }
  }

  #admit(one: Scheduler, limits: TokenLimits, isTroubled: boolean): void {
    if (!one.holding.take(limits, this.#clock(one))) return
    const long = isTroubled && this.#random() < 0.2 ? RUN_MS_MAX : 1_500
    const endsAt = this.#now + 50 + this.#upTo(long)
    this.#runs.push({ pool: limits.name, owner: one, life: one.life, endsAt })
  }

  #ask(one: Scheduler, isTroubled: boolean): void {
    const sentAt = this.#clock(one)
    const { holding, ear } = one
    one.asking = true
    one.askedAt = sentAt
    // The roster is read after the epoch is known, and from the record itself.
    if (one.rosterEpoch !== holding.epoch && one.natsCutUntil <= this.#now) {
      one.rosterEpoch = holding.epoch
      one.roster = [...this.#roster]
    }
    const hasRoster = one.rosterEpoch === holding.epoch
    const request = holding.ask(
      {
        limit: ACCOUNT,
        outlivesMs: OUTLIVES_MS,
        live: ear.live(sentAt),
        homeOf: () => ear.live(sentAt).sort()[0],
        gone: ear.gone([...this.#roster], sentAt),
        nonce: `${this.#now}/${one.id}`,
        ...(hasRoster && { roster: one.roster }),
      },
      sentAt,
    )
    const back = (answer: TokenAnswer) => {
      if (one.holding !== holding) return
      const now = this.#clock(one)
      holding.hear(request, answer, { sentAt, now })
      if (request.serial === holding.serial) one.asking = false
    }
    const arrive = () => {
      const server = { id: `server ${this.#server}`, now: this.#now + this.#serverAhead }
      const { ledger, answer } = takeTurn(this.#ledger, request, server)
      this.#ledger = ledger
      this.#travel(one, isTroubled, () => back(answer))
    }
    this.#travel(one, isTroubled, arrive)
    // A client that lost its connection sends again what has no answer yet.
    if (isTroubled && this.#random() < 0.05) this.#travel(one, isTroubled, arrive)
  }

  /** A message between a scheduler and Valkey: quick, late, or lost; a late one is overtaken. */
  #travel(one: Scheduler, isTroubled: boolean, arrive: () => void): void {
    const isCut = one.valkeyCutUntil > this.#now
    if (isTroubled && this.#random() < (isCut ? 0.9 : 0.05)) return
    const ms = isTroubled && this.#random() < 0.1 ? this.#upTo(15_000) : this.#upTo(30)
    const deliver = () => {
      // Who is stalled reads it afterwards.
      if (one.stalledUntil > this.#now) this.#messages.push({ at: one.stalledUntil, arrive })
      else arrive()
    }
    this.#messages.push({ at: this.#now + ms, arrive: deliver })
  }

  #check(isCalm: boolean): void {
    const ended = this.#runs.filter(({ endsAt }) => endsAt <= this.#now)
    this.#runs = this.#runs.filter(({ endsAt }) => endsAt > this.#now)
    for (const { owner, life, pool } of ended) {
      const knows = owner.isUp && owner.life === life
      if (knows) owner.holding.give(pool)
    }
    for (const { name, limit } of isCalm ? RESERVED : [...SHARED, ...RESERVED.slice(1)]) {
      const running = this.#runs.filter(({ pool }) => pool === name).length
      if (running > limit) this.#over.push(`${name}: ${running} at ${this.#now}`)
      if (isCalm) this.#peak.set(name, Math.max(running, this.#peak.get(name) ?? 0))
    }
    if (this.#runs.length > ACCOUNT) this.#over.push(`all: ${this.#runs.length}`)
  }
}
