// Who may run: each invocation holds a concurrency token from its acceptance to its end. Limits are
// read from the functions' documents, tokens from the blocks that this scheduler holds, so the warm
// path has no I/O. It says throttled and why; where an invocation runs is the pool's affair.

import { type SchedulerHeartbeat, SUBJECTS } from '@hearth/bus/messages'
import type { Requests } from '@hearth/bus/requests'
import {
  type ConcurrencyPool,
  poolOf,
  provisionedPool,
  unreservedPool,
} from '@hearth/core/concurrency'
import type { ThrottleReason } from '@hearth/core/error'
import { type FunctionDocument, versionOf } from '@hearth/core/function'
import { isolated } from '@hearth/core/isolation'
import { rank } from '@hearth/invocation/placement'
import type { LeaseStore } from '@hearth/leases/connect'
import { TokenBlocks } from '@hearth/leases/token-blocks'
import type { Functions } from '@hearth/store/functions'
import type { Roster } from '@hearth/store/roster'
import { type ConcurrencyFigures, concurrencyFigures } from './concurrency-figures.ts'
import type { ProvisionedWish } from './provisioned.ts'

export interface TokensOptions {
  account: string
  schedulerId: string
  /** Grows with each start; sandboxes of earlier lives are gone by now. */
  life: number
  /** The account's limit: invocations at a time, of all functions together. */
  limit: number
  /** The longest timeout that a function may have. */
  timeoutSecondsMax: number
  functions: Pick<Functions, 'all' | 'cached'>
  leases: LeaseStore
  roster: Pick<Roster, 'everybody'>
  requests: Pick<Requests, 'subscribe'>
  /** Ends everything that runs, because nobody can know any more that we live. */
  fence(): void
  report(problem: string): void
}

/** The account's functions, and what follows for its pool. */
interface View {
  documents: FunctionDocument[]
  limit: number
  unreserved: ConcurrencyPool
  at: number
}

/** What is asked for: one invocation of a version. */
export interface Admission {
  functionName: string
  version: string
  /** Only from provisioned concurrency. */
  onlyProvisioned?: true | undefined
}

/** How long an invocation may wait for tokens that the allocator may have. */
const WAIT_MS = 100
/** A scheduler says that it is there once it has tokens; without Valkey it says so all the same. */
const READY_MS = 3_000
/** After a refusal the allocator is not asked on behalf of the same pool for this long. */
const DENIED_MS = 200
/** Limits follow the watched documents this closely. */
const FRESH_MS = 250
/** What an accepted invocation may take before it begins: a start and an init. */
const START_MS_MAX = 75_000
const KEEP_MS = 1_000

export class Tokens {
  readonly #options: TokensOptions
  readonly #blocks: TokenBlocks
  readonly #draining = new Set<string>()
  readonly #deniedAt = new Map<string, number>()
  readonly #hearing: { close(): void }
  readonly #timer: NodeJS.Timeout
  #view: View | undefined
  #told = false

  constructor(options: TokensOptions) {
    const { schedulerId, leases, roster } = options
    this.#options = options
    this.#blocks = new TokenBlocks(leases, {
      ...options,
      schedulerId,
      limit: () => options.limit,
      outlivesMs: () => this.#timeoutMsMax() + START_MS_MAX,
      homeOf: (pool, live) => this.#homeOf(pool, live),
      roster: () => roster.everybody(),
    })
    this.#hearing = options.requests.subscribe<SchedulerHeartbeat>(SUBJECTS.schedulers, (beat) =>
      this.#hear(beat),
    )
    this.#timer = setInterval(() => {
      this.#keep()
      this.#tell()
    }, KEEP_MS)
  }

  /** The account's tokens are fetched ahead: resolves when they are here, or cannot be had. */
  async ready(): Promise<void> {
    this.#keep()
    await this.#blocks.turned(READY_MS)
  }

  /** @returns the pool to which the token goes back, or undefined if there is none at hand. */
  take(admission: Admission): string | undefined {
    return this.#poolsOf(admission).find((pool) => this.#blocks.take(pool))?.name
  }

  /** As take, after asking the allocator if it may have some. */
  async wait(admission: Admission): Promise<string | undefined> {
    const pools = this.#poolsOf(admission)
    const last = pools.at(-1)
    const now = performance.now()
    if (!last || last.limit === 0 || admission.onlyProvisioned) return undefined
    if (now < (this.#deniedAt.get(last.name) ?? Number.NEGATIVE_INFINITY) + DENIED_MS)
      return undefined
    // What another pool must give up for this one is known before the turn.
    this.#keep()
    await this.#blocks.turned(WAIT_MS)
    const taken = this.take(admission)
    if (taken === undefined) this.#deny(last.name)
    return taken
  }

  give(pool: string): void {
    this.#blocks.give(pool)
  }

  /** Why an invocation without a token is throttled. */
  reasonFor({ functionName }: Admission): ThrottleReason {
    const reserved = this.#documentOf(functionName)?.concurrency?.reserved
    return reserved === undefined
      ? 'ConcurrentInvocationLimitExceeded'
      : 'ReservedFunctionConcurrentInvocationLimitExceeded'
  }

  /** Schedulers that were heard lately and do not drain, this one included. */
  live(): string[] {
    return this.#blocks.live().filter((id) => !this.#draining.has(id))
  }

  /** What this scheduler is to hold initialised: its part of each version's. */
  wishes(): ProvisionedWish[] {
    const account = this.#account()
    return account.documents.flatMap((document) =>
      (document.concurrency?.provisioned ?? []).flatMap((one) => {
        const found = versionOf(document, one.version)
        if (found?.state !== 'Active') return []
        // As the door sends it, or what waits would not be what is invoked.
        const version = isolated(found, document.tags)
        const place = { account: document.account, functionName: document.name, version }
        const { name, pinned } = this.#pinned(provisionedPool(document, one, account))
        const { idle, running } = this.#blocks.count(name)
        const tokens = idle + running
        return [{ place, count: pinned, tokens, running, modifiedAt: one.modifiedAt }]
      }),
    )
  }

  /** For the metrics. */
  figures(): ConcurrencyFigures {
    return concurrencyFigures(this.#account(), (pool) => this.#blocks.count(pool).running)
  }

  /** Whether there is such a function. */
  knows(functionName: string): boolean {
    return this.#documentOf(functionName) !== undefined
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#hearing.close()
    await this.#blocks.close()
  }

  /** In the order in which they are tried: provisioned concurrency first, then on demand. */
  #poolsOf({ functionName, version, onlyProvisioned }: Admission): ConcurrencyPool[] {
    const document = this.#documentOf(functionName)
    if (document?.concurrency === undefined) return onlyProvisioned ? [] : [this.#unreserved()]
    const { reserved, provisioned } = document.concurrency
    const own = provisioned.find((one) => one.version === version)
    const ahead = own ? [this.#pinned(provisionedPool(document, own, this.#account()))] : []
    if (onlyProvisioned) return ahead
    return [
      ...ahead,
      reserved === undefined ? this.#unreserved() : poolOf(document, this.#account()),
    ]
  }

  /** This scheduler's part of a provisioned pool: the schedulers share it evenly, by name. */
  #pinned(pool: ConcurrencyPool): ConcurrencyPool & { pinned: number } {
    return { ...pool, pinned: shareOf(pool.limit, this.#options.schedulerId, this.live()) }
  }

  #unreserved(): ConcurrencyPool {
    return this.#account().unreserved
  }

  /** The account as it was a moment ago: adding it up for each invocation would cost. */
  #account(): View {
    const now = performance.now()
    if (this.#view === undefined || now > this.#view.at + FRESH_MS) {
      const account = { documents: this.#documents(), limit: this.#options.limit }
      this.#view = { ...account, unreserved: unreservedPool(account), at: now }
    }
    return this.#view
  }

  #documents(): FunctionDocument[] {
    const { functions, account } = this.#options
    return functions.all().filter((document) => document.account === account)
  }

  #documentOf(functionName: string): FunctionDocument | undefined {
    return this.#options.functions.cached(this.#options.account, functionName)
  }

  /**
   * The longest timeout that a function may have, not only those that there are: whoever runs may
   * have been changed or deleted meanwhile. One from before the operator lowered it counts, too.
   */
  #timeoutMsMax(): number {
    const versions = this.#documents().flatMap(({ latest, published }) => [latest, ...published])
    const seconds = versions.map(({ configuration }) => configuration.timeoutSeconds)
    return Math.max(...seconds, this.#options.timeoutSecondsMax) * 1000
  }

  /** Pools that are held without being asked for, and those that are configured no more. */
  #keep(): void {
    this.#view = undefined
    const account = this.#account()
    const { documents } = account
    const ahead = documents.flatMap((document) =>
      (document.concurrency?.provisioned ?? []).map((one) =>
        this.#pinned(provisionedPool(document, one, account)),
      ),
    )
    const held = [account.unreserved, ...ahead]
    for (const pool of held) this.#blocks.expect(pool)
    const reserved = documents
      .filter(({ concurrency }) => concurrency?.reserved !== undefined)
      .map((document) => poolOf(document, account))
    const configured = new Set([...held, ...reserved].map(({ name }) => name))
    for (const name of this.#blocks.pools()) if (!configured.has(name)) this.#blocks.drop(name)
  }

  /** The operator hears once when tokens are not trusted any more, and once when they are again. */
  #tell(): void {
    const admits = this.#blocks.admits()
    if (admits !== this.#told) return
    this.#told = !admits
    this.#options.report(
      admits
        ? 'Concurrency tokens can be had again.'
        : 'Valkey gives no concurrency tokens: invocations are throttled until it answers.',
    )
  }

  #deny(pool: string): void {
    this.#deniedAt.delete(pool)
    this.#deniedAt.set(pool, performance.now())
    const [oldest] = this.#deniedAt.keys()
    if (this.#deniedAt.size > 1_000 && oldest !== undefined) this.#deniedAt.delete(oldest)
  }

  #hear({ schedulerId, draining }: SchedulerHeartbeat): void {
    const isNew = !this.#blocks.live().includes(schedulerId)
    this.#blocks.heard(schedulerId)
    // Whoever joins finds its part free.
    if (isNew) void this.#blocks.turned(WAIT_MS)
    if (draining) this.#draining.add(schedulerId)
    else this.#draining.delete(schedulerId)
  }

  /** As gateways rank schedulers for a function, so that its tokens are where it is sent. */
  #homeOf(pool: string, live: readonly string[]): string | undefined {
    const name = pool.slice(pool.indexOf('/') + 1)
    const candidates = live.map((schedulerId) => ({
      schedulerId,
      draining: this.#draining.has(schedulerId),
    }))
    return rank(name, candidates)[0]?.schedulerId
  }
}

/** How many of a count fall to one of several, the same to whoever computes it. */
export function shareOf(count: number, self: string, all: readonly string[]): number {
  const index = [...all].sort().indexOf(self)
  if (index < 0) return 0
  return Math.floor(count / all.length) + (index < count % all.length ? 1 : 0)
}
