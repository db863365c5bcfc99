// The pool: every execution environment of this scheduler, and the invocations that wait for one. It gathers
// the facts, obeys decide, and binds late: whichever environment becomes free first takes the oldest waiting
// invocation. Between choosing and reserving there is no await; that is our lock.

import type { Acceptance, InvokeMessage, Rejection } from '@hearth/bus/messages'
import type { FunctionVersion } from '@hearth/core/function'
import { type ColdReason, runtimeExited, timedOut } from '@hearth/core/invocation'
import { decide, type PoolFacts, room } from './decide.ts'
import type {
  Assignment,
  Environment,
  EnvironmentEvents,
  Finished,
  InitFailure,
} from './environment.ts'

export interface PoolLimits {
  /** Memory for all sandboxes together, in MiB. */
  memoryMb: number
  /** Invocations at a time. */
  concurrency: number
  environmentsMax: number
  idleSeconds: number
  ageSecondsMax: number
}

/** An invocation in the pool's hands: it is answered exactly once. */
export interface Pending {
  message: InvokeMessage
  payload: Uint8Array
  /** The attempt begins: an environment has it. */
  began(): void
  finished(finished: Finished): void
  /** The platform failed it. */
  failed(reason: string): void
}

export interface PoolParts {
  limits: PoolLimits
  /** Makes an environment and starts it. */
  launch(message: InvokeMessage, coldReason: ColdReason, events: EnvironmentEvents): Environment
}

/** One deployment's environments and its waiting invocations. */
interface Group {
  version: FunctionVersion
  functionKey: string
  environments: Set<Environment>
  /** Most recently used last. */
  ready: Environment[]
  waiting: Pending[]
}

/** Functions whose last loss we remember, to say why the next start is cold. */
const LOSSES_MAX = 10_000

export class Pool {
  readonly #parts: PoolParts
  readonly #groups = new Map<string, Group>()
  readonly #born = new Map<Environment, number>()
  readonly #losses = new Map<string, ColdReason>()
  #running = 0
  #waiting = 0
  #memoryMb = 0
  #environments = 0

  constructor(parts: PoolParts) {
    this.#parts = parts
  }

  get running(): number {
    return this.#running
  }

  get environments(): number {
    return this.#environments
  }

  get memoryMbFree(): number {
    return this.#parts.limits.memoryMb - this.#memoryMb
  }

  /** Takes an invocation, or says why not. Once taken it is answered exactly once. */
  take(pending: Pending): Acceptance {
    const group = this.#groupOf(pending.message)
    const decision = decide(this.#facts(group))
    switch (decision.kind) {
      case 'use': {
        const environment = group.ready.pop()
        if (!environment) return reject('busy')
        this.#assign(environment, pending)
        return { accepted: true }
      }
      case 'wait':
        this.#enqueue(group, pending)
        return { accepted: true }
      case 'start':
        this.#evict(decision.evictMemoryMb, decision.evictOne)
        this.#enqueue(group, pending)
        this.#launch(group, pending.message)
        return { accepted: true }
      case 'busy':
        this.#prune(group)
        return reject('busy')
      case 'throttled':
        this.#prune(group)
        return { ...reject('throttled'), throttleReason: 'ConcurrentInvocationLimitExceeded' }
    }
  }

  /** Ends environments that have idled too long or lived too long; called by a sweep. */
  reap(now = performance.now()): void {
    const { idleSeconds, ageSecondsMax } = this.#parts.limits
    for (const [environment, born] of this.#born) {
      const { idleSince } = environment
      if (idleSince === undefined) continue
      const idle = now - idleSince > idleSeconds * 1000
      if (idle || now - born > ageSecondsMax * 1000) environment.stop('idle environments reaped')
    }
  }

  /** Ends everything; resolves when the last sandbox is gone. */
  async stopAll(): Promise<void> {
    for (const group of this.#groups.values()) {
      for (const pending of group.waiting.splice(0))
        this.#drop(pending, 'the scheduler is stopping')
    }
    for (const environment of [...this.#born.keys()]) environment.stop('the scheduler is stopping')
    while (this.#environments > 0) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  #groupOf(message: InvokeMessage): Group {
    const { version, account, functionName } = message
    const known = this.#groups.get(version.deploymentId)
    if (known) return known
    const functionKey = `${account}/${functionName}/${version.version}`
    const group = {
      version,
      functionKey,
      environments: new Set<Environment>(),
      ready: [],
      waiting: [],
    }
    this.#retireOlder(functionKey, version.lastModified)
    this.#groups.set(version.deploymentId, group)
    return group
  }

  /** A newer deployment has come: what idles of the older ones goes now, the rest as it becomes free. */
  #retireOlder(functionKey: string, lastModified: number): void {
    for (const group of this.#groups.values()) {
      if (group.functionKey !== functionKey || group.version.lastModified >= lastModified) continue
      this.#lose(functionKey, 'configuration changed')
      for (const environment of [...group.ready]) environment.stop('configuration changed')
    }
  }

  #isSuperseded(group: Group): boolean {
    for (const other of this.#groups.values()) {
      if (other.functionKey !== group.functionKey) continue
      if (other.version.lastModified > group.version.lastModified) return true
    }
    return false
  }

  #facts(group: Group): PoolFacts {
    const { limits } = this.#parts
    let soonReady = 0
    for (const { stateName } of group.environments) {
      if (stateName !== 'Ready' && stateName !== 'Busy' && stateName !== 'Stopping') soonReady += 1
    }
    const needsIdle = group.ready.length === 0 && group.waiting.length >= soonReady
    const idle = needsIdle ? this.#idle() : []
    return {
      ready: group.ready.length,
      soonReady,
      waiting: group.waiting.length,
      memoryMb: group.version.configuration.memoryMb,
      memoryMbFree: this.memoryMbFree,
      memoryMbIdle: idle.reduce((sum, environment) => sum + environment.parts.memoryMb, 0),
      environments: this.#environments,
      idleEnvironments: idle.length,
      environmentsMax: limits.environmentsMax,
      running: this.#running + this.#waiting - group.waiting.length,
      concurrencyMax: limits.concurrency,
    }
  }

  /** Idle environments, longest idle first. */
  #idle(): Environment[] {
    return [...this.#born.keys()]
      .filter((environment) => environment.idleSince !== undefined)
      .sort((a, b) => (a.idleSince ?? 0) - (b.idleSince ?? 0))
  }

  #evict(memoryMb: number, one: boolean): void {
    let missing = memoryMb
    let places = one ? 1 : 0
    if (missing <= 0 && places === 0) return
    for (const environment of this.#idle()) {
      if (missing <= 0 && places <= 0) return
      missing -= environment.parts.memoryMb
      places -= 1
      environment.stop('evicted for memory')
    }
  }

  #enqueue(group: Group, pending: Pending): void {
    group.waiting.push(pending)
    this.#waiting += 1
  }

  #dequeue(group: Group): Pending | undefined {
    const pending = group.waiting.shift()
    if (pending) this.#waiting -= 1
    return pending
  }

  #drop(pending: Pending, reason: string): void {
    this.#waiting -= 1
    pending.failed(reason)
  }

  #assign(environment: Environment, pending: Pending): void {
    this.#running += 1
    pending.began()
    environment.invoke(toAssignment(pending), (finished) => {
      this.#running -= 1
      pending.finished(finished)
    })
  }

  #launch(group: Group, message: InvokeMessage): void {
    const memoryMb = message.version.configuration.memoryMb
    const environment = this.#parts.launch(message, this.#coldReason(group), {
      ready: (ready) => this.#onReady(group, ready),
      initialised: () => {},
      initFailed: (failed, failure) => this.#onInitFailed(group, failed, failure),
      stopping: (stopping, reason) => this.#onStopping(group, stopping, reason),
      stopped: () => {
        this.#memoryMb -= memoryMb
        this.#environments -= 1
      },
    })
    this.#memoryMb += memoryMb
    this.#environments += 1
    this.#born.set(environment, performance.now())
    group.environments.add(environment)
    void environment.start()
  }

  #coldReason(group: Group): ColdReason {
    if (group.environments.size > 0) return 'all environments busy'
    return this.#losses.get(group.functionKey) ?? 'first invocation'
  }

  #lose(functionKey: string, reason: ColdReason): void {
    this.#losses.delete(functionKey)
    this.#losses.set(functionKey, reason)
    const [oldest] = this.#losses.keys()
    if (this.#losses.size > LOSSES_MAX && oldest !== undefined) this.#losses.delete(oldest)
  }

  #onReady(group: Group, environment: Environment): void {
    const pending = this.#dequeue(group)
    if (pending) return this.#assign(environment, pending)
    if (this.#isSuperseded(group)) return environment.stop('configuration changed')
    group.ready.push(environment)
  }

  /** The oldest waiting invocation hears why; the others may still be lucky. */
  #onInitFailed(group: Group, environment: Environment, failure: InitFailure): void {
    const pending = this.#dequeue(group)
    if (!pending) return
    const { requestId, version } = pending.message
    const { exit, initMs } = failure
    if (!failure.body && !exit && failure.reason !== 'init timed out') {
      return pending.failed(failure.reason)
    }
    const { timeoutSeconds } = version.configuration
    const made = exit ? runtimeExited(requestId, exit) : timedOut(requestId, timeoutSeconds)
    pending.began()
    const answer: Finished = {
      payload: failure.body ?? Buffer.from(JSON.stringify(made)),
      functionError: 'Unhandled',
      report: {
        start: 'cold',
        coldReason: environment.parts.coldReason,
        outcome: failure.reason === 'init timed out' ? 'timed out' : 'init error',
        durationMs: 0,
        initMs,
        billedMs: Math.ceil(initMs),
        maxMemoryMb: 0,
      },
    }
    pending.finished(environment.answerInitFailure(toAssignment(pending), answer))
  }

  #onStopping(group: Group, environment: Environment, reason: string): void {
    group.environments.delete(environment)
    group.ready = group.ready.filter((other) => other !== environment)
    this.#born.delete(environment)
    this.#lose(group.functionKey, toColdReason(reason))
    // Those who counted on it need another; this runs after the environment has finished stopping its work.
    queueMicrotask(() => this.#rebalance(group))
  }

  /** Starts what the waiting invocations lack, or fails those for whom there is no room. */
  #rebalance(group: Group): void {
    for (;;) {
      const facts = this.#facts(group)
      if (facts.waiting <= facts.soonReady) break
      const decision = room(facts)
      const oldest = group.waiting[0]
      if (!oldest) break
      if (decision.kind === 'start') {
        this.#evict(decision.evictMemoryMb, decision.evictOne)
        this.#launch(group, oldest.message)
      } else {
        const pending = this.#dequeue(group)
        pending?.failed('no host has room for another execution environment')
      }
    }
    this.#prune(group)
  }

  /** A group that holds nothing is forgotten. */
  #prune(group: Group): void {
    if (group.environments.size > 0 || group.waiting.length > 0) return
    this.#groups.delete(group.version.deploymentId)
  }
}

function toAssignment({ message, payload }: Pending): Assignment {
  const { requestId, invokedArn, wantsLogTail, traceId, clientContext } = message
  return {
    requestId,
    payload,
    invokedArn,
    wantsLogTail,
    ...(traceId !== undefined && { traceId }),
    ...(clientContext !== undefined && { clientContext }),
  }
}

const COLD_REASONS: readonly ColdReason[] = [
  'configuration changed',
  'evicted for memory',
  'idle environments reaped',
]

function toColdReason(reason: string): ColdReason {
  return COLD_REASONS.find((known) => known === reason) ?? 'environment died'
}

function reject(rejected: Rejection['rejected']): Rejection {
  return { accepted: false, rejected }
}
