// The pool: every execution environment of this scheduler, and the invocations that wait for one.
// It gathers the facts, obeys decide, and binds late: whichever environment becomes free first
// takes the oldest waiting invocation. Between choosing and reserving there is no await; that is
// our lock.

import { strict as assert } from 'node:assert'
import type { Acceptance, Rejection } from '@hearth/bus/messages'
import type { FunctionVersion } from '@hearth/core/function'
import type { ColdReason } from '@hearth/core/invocation'
import type { Attempt } from './attempt.ts'
import { ColdReasons } from './cold-reasons.ts'
import { decide, findRoom, type PoolFacts, type Room, startAhead } from './decide.ts'
import type { Deployment, Place } from './deployment.ts'
import { Deployments } from './deployments.ts'
import type { Environment } from './environment.ts'
import type { EnvironmentEvents } from './environment-parts.ts'
import { SETTLING_SOON_MS } from './environment-states.ts'
import { type InitFailure, judgeInitFailure } from './init-failure.ts'
import { StartGate } from './start-gate.ts'

export interface PoolLimits {
  /** Memory for all sandboxes together, in MiB. */
  memoryMb: number
  /** Invocations at a time. */
  concurrency: number
  environmentsMax: number
  idleSeconds: number
  ageSecondsMax: number
  /** Sandboxes that may boot at a time; 4 unless said otherwise. */
  startsMax?: number
}

export interface PoolParts {
  limits: PoolLimits
  /** Makes an environment; the gate starts it. @throws when the version cannot run here. */
  launch(place: Place, why: LaunchReason, events: EnvironmentEvents): Environment
  /** Whether a stem waits that this version could use. */
  hasStem(version: FunctionVersion): boolean
}

/** Why an environment is started: for an invocation that found none, or for those to come. */
export type LaunchReason = ColdReason | 'provisioned' | 'snapshot' | 'spare'

const STARTS_MAX = 4
/** Stopping takes an engine a second or so; one that has died is not waited for. */
const STOP_MS_MAX = 20_000

export class Pool {
  readonly #parts: PoolParts
  readonly #deployments = new Deployments()
  /** All that are not stopping, and whose they are. */
  readonly #environments = new Map<Environment, Deployment>()
  readonly #coldReasons = new ColdReasons()
  readonly #gate: StartGate
  #inFlight = 0
  #memoryMb = 0

  constructor(parts: PoolParts) {
    this.#parts = parts
    this.#gate = new StartGate(
      { startsMax: STARTS_MAX, ...parts.limits },
      {
        isWanted: (environment) => {
          const deployment = this.#environments.get(environment)
          return !!deployment && (deployment.waiting > 0 || deployment.ahead.has(environment))
        },
        ownerOf: (environment) => this.#environments.get(environment),
        isQuick: (environment) => {
          const deployment = this.#environments.get(environment)
          return deployment !== undefined && parts.hasStem(deployment.version)
        },
      },
    )
  }

  /** Accepted invocations that have no answer yet. */
  get running(): number {
    return this.#inFlight
  }

  get environments(): number {
    return this.#environments.size
  }

  get deployments(): Iterable<Deployment> {
    return this.#deployments
  }

  /** Whether sandboxes boot at this moment, or wait to. */
  get isBooting(): boolean {
    return this.#gate.isBusy
  }

  get memoryMbFree(): number {
    return this.#parts.limits.memoryMb - this.#memoryMb
  }

  /** Takes an invocation, or says why not. Once taken it is answered exactly once. */
  take(attempt: Attempt): Acceptance {
    const deployment = this.#deploymentOf(attempt.message)
    const decision = decide(this.#facts(deployment, isPatient(attempt)))
    switch (decision.kind) {
      case 'use': {
        const environment = deployment.takeReady()
        assert(environment)
        this.#inFlight += 1
        this.#assign(environment, attempt)
        if (deployment.isGrowing || deployment.hasSnapshot) this.#startAhead(deployment)
        return { accepted: true }
      }
      case 'wait':
        this.#enqueue(deployment, attempt)
        // An environment that does not settle soon is not waited for any longer.
        setTimeout(() => this.#rebalance(deployment), SETTLING_SOON_MS + 1)
        return { accepted: true }
      case 'start':
        this.#enqueue(deployment, attempt)
        this.#launch(deployment, this.#coldReason(deployment), decision)
        return { accepted: true }
      case 'busy':
        this.#deployments.prune(deployment)
        return reject('busy')
      case 'throttled':
        this.#deployments.prune(deployment)
        return { ...reject('throttled'), throttleReason: 'ConcurrentInvocationLimitExceeded' }
    }
  }

  /**
   * Holds so many environments of a version initialised from now on, whether or not anybody asks;
   * none when 0. @returns how many are, and why not more when an init failed.
   */
  keep(place: Place, count: number): { initialised: number; failure?: string } {
    const deployment = this.#deploymentOf(place)
    deployment.kept = count
    for (const idle of deployment.listReady()) {
      if (deployment.isSurplus(idle)) idle.stop('configuration changed')
    }
    this.#startAhead(deployment)
    this.#deployments.prune(deployment)
    const initialised = Math.min(deployment.countInitialised(), count)
    const failure = deployment.aheadFailure
    return { initialised, ...(failure !== undefined && { failure }) }
  }

  /** Starts what is to wait for a version before anybody asks. */
  anticipate(place: Place): void {
    this.#startAhead(this.#deploymentOf(place))
  }

  /** Ends environments that have idled too long or lived too long; called by a sweep. */
  reap(now = performance.now()): void {
    const { idleSeconds } = this.#parts.limits
    for (const [environment, deployment] of [...this.#environments]) {
      const { idleSince } = environment
      if (idleSince === undefined) continue
      const hasIdled =
        now - idleSince > idleSeconds * 1000 && !deployment.waitsPatiently(environment)
      if (hasIdled || this.#isOld(environment, now)) environment.stop('idle environments reaped')
    }
    for (const deployment of this.#deployments) {
      if (deployment.kept > 0 || deployment.hasSnapshot) this.#startAhead(deployment)
    }
  }

  /** Ends everything; what has no answer yet fails. Resolves when the last sandbox is gone. */
  async stopAll(): Promise<void> {
    for (const deployment of this.#deployments) deployment.kept = 0
    this.abandonAll('The scheduler stopped before the function answered.')
    const until = performance.now() + STOP_MS_MAX
    while (this.#gate.sandboxes > 0 && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  /** Ends every environment; what has no answer yet fails for that reason. */
  abandonAll(reason: string): void {
    for (const deployment of this.#deployments) {
      while (deployment.waiting > 0) this.#dequeue(deployment)?.failed(reason)
    }
    for (const environment of [...this.#environments.keys()]) environment.abandon(reason)
  }

  #deploymentOf(place: Place): Deployment {
    const known = this.#deployments.get(place)
    if (known) return known
    const { deployment, superseded } = this.#deployments.add(place)
    for (const former of superseded) {
      // What idles of an older deployment goes now, the rest as it becomes free.
      for (const environment of former.listReady()) environment.stop('configuration changed')
      this.#coldReasons.note(former.ownerKey, 'configuration changed')
    }
    return deployment
  }

  #facts(deployment: Deployment, isPatient = false): PoolFacts {
    const { limits } = this.#parts
    const { ready, waiting } = deployment
    // Counting costs, and the common case decides without it.
    const soonReady = ready > 0 ? 0 : deployment.countSoonReady()
    const idle = ready === 0 && waiting >= soonReady ? this.#idle() : []
    return {
      ready,
      soonReady,
      waiting,
      memoryMb: deployment.version.configuration.memoryMb,
      isPatient,
      memoryMbMax: limits.memoryMb,
      memoryMbFree: this.memoryMbFree,
      memoryMbIdle: idle.reduce((sum, environment) => sum + environment.parts.memoryMb, 0),
      environments: this.#environments.size,
      idleEnvironments: idle.length,
      environmentsMax: limits.environmentsMax,
      inFlight: this.#inFlight,
      concurrencyMax: limits.concurrency,
    }
  }

  /** Idle environments that may go, longest idle first. */
  #idle(): Environment[] {
    return [...this.#environments]
      .filter(([one, deployment]) => one.idleSince !== undefined && !deployment.holds(one))
      .map(([environment]) => environment)
      .sort((a, b) => (a.idleSince ?? 0) - (b.idleSince ?? 0))
  }

  #evict(room: Room & { kind: 'start' }): void {
    let { evictMemoryMb: memoryMb, evictEnvironments: environments } = room
    if (memoryMb <= 0 && environments <= 0) return
    for (const environment of this.#idle()) {
      if (memoryMb <= 0 && environments <= 0) return
      memoryMb -= environment.parts.memoryMb
      environments -= 1
      environment.stop('evicted for memory')
    }
  }

  #enqueue(deployment: Deployment, attempt: Attempt): void {
    this.#inFlight += 1
    deployment.enqueue(attempt)
  }

  #dequeue(deployment: Deployment): Attempt | undefined {
    const attempt = deployment.dequeue()
    if (attempt) this.#inFlight -= 1
    return attempt
  }

  #assign(environment: Environment, attempt: Attempt): void {
    environment.invoke(this.#given(environment, attempt))
  }

  /** The attempt for an environment of its own tenant; it leaves our count with its answer. */
  #given(environment: Environment, attempt: Attempt): Attempt {
    const { message, payload, openStream } = attempt
    assert.equal(message.tenantId, environment.parts.tenantId)
    return {
      message,
      payload,
      ...(openStream && { openStream }),
      began: (leave) => attempt.began(leave),
      finished: (finished) => {
        this.#inFlight -= 1
        attempt.finished(finished)
      },
      failed: (reason) => {
        this.#inFlight -= 1
        attempt.failed(reason)
      },
    }
  }

  #coldReason(deployment: Deployment): ColdReason {
    if (deployment.environments.size === 0) return this.#coldReasons.of(deployment.ownerKey)
    deployment.grew()
    return 'all environments busy'
  }

  /** Starts what is to be held initialised, as far as there is room without evicting others. */
  #startAhead(deployment: Deployment): void {
    if (deployment.aheadFailure !== undefined) return
    const { provisioned, spare } = startAhead(deployment.aheadFacts(this.#gate.isBusy))
    const spareKind = deployment.hasSnapshot ? 'snapshot' : 'spare'
    for (let left = provisioned + spare; left > 0; ) {
      const room = findRoom(this.#facts(deployment))
      if (room.kind === 'start' && room.evictMemoryMb === 0 && room.evictEnvironments === 0) {
        this.#launch(deployment, provisioned > 0 ? 'provisioned' : spareKind, room)
        left -= 1
        continue
      }
      const own = provisioned > 0 && deployment.findOnDemand()
      if (!own) return
      own.stop('configuration changed')
    }
  }

  #launch(deployment: Deployment, why: LaunchReason, room: Room & { kind: 'start' }): void {
    let environment: Environment
    try {
      environment = this.#parts.launch(deployment.place, why, {
        booted: (booted) => this.#gate.booted(booted),
        ready: (ready) => this.#onReady(deployment, ready),
        initFailed: (failed, failure) => this.#onInitFailed(deployment, failed, failure),
        stopping: (stopping, why) => this.#onStopping(deployment, stopping, why),
        stopped: (stopped) => this.#gate.gone(stopped),
      })
    } catch (error) {
      // Later, because whoever asked has not heard yet that it was accepted.
      queueMicrotask(() => this.#dequeue(deployment)?.failed(String(error)))
      return
    }
    this.#evict(room)
    this.#memoryMb += environment.parts.memoryMb
    this.#environments.set(environment, deployment)
    deployment.add(environment)
    this.#gate.add(environment)
  }

  #isOld(environment: Environment, now: number): boolean {
    return now - environment.born > this.#parts.limits.ageSecondsMax * 1000
  }

  #onReady(deployment: Deployment, environment: Environment): void {
    deployment.ahead.delete(environment)
    if (this.#isOld(environment, performance.now())) {
      return environment.stop('idle environments reaped')
    }
    const attempt = deployment.dequeue()
    if (attempt) return this.#assign(environment, attempt)
    const isNewest = this.#deployments.isNewest(deployment)
    if (!isNewest || deployment.isSurplus(environment)) {
      return environment.stop('configuration changed')
    }
    deployment.addReady(environment)
  }

  /** The oldest waiting invocation has it tried once more; the others may still be lucky. */
  #onInitFailed(
    deployment: Deployment,
    environment: Environment,
    failure: InitFailure,
  ): Attempt | undefined {
    const { log, platform } = environment.parts
    const verdict = judgeInitFailure(failure)
    if (verdict) {
      log.note(...platform.initDone({ phase: 'init', initMs: failure.initMs, ...verdict }))
    }
    if (deployment.ahead.has(environment)) deployment.aheadFailed(failure.reason)
    const attempt = deployment.dequeue()
    if (!attempt) return undefined
    const counted = this.#given(environment, attempt)
    if (!verdict) {
      counted.failed(failure.reason)
      return undefined
    }
    // The function is loaded anew first, so nothing waits for this line.
    attempt.began(() => {})
    queueMicrotask(() => this.#rebalance(deployment))
    return counted
  }

  #onStopping(deployment: Deployment, environment: Environment, reason: string): void {
    this.#memoryMb -= environment.parts.memoryMb
    this.#environments.delete(environment)
    deployment.remove(environment)
    this.#gate.withdraw(environment)
    this.#coldReasons.note(deployment.ownerKey, reason)
    // Those who counted on it need another; this runs after the environment has finished stopping
    // its work.
    queueMicrotask(() => this.#rebalance(deployment))
  }

  /** Starts what the waiting invocations lack, or fails those for whom there is no room. */
  #rebalance(deployment: Deployment): void {
    let lacking = deployment.waiting - deployment.countSoonReady()
    for (; lacking > 0 && deployment.waiting > 0; lacking -= 1) {
      const room = findRoom(this.#facts(deployment))
      if (room.kind === 'start') this.#launch(deployment, this.#coldReason(deployment), room)
      else this.#dequeue(deployment)?.failed('No host has room for another execution environment.')
    }
    this.#deployments.prune(deployment)
  }
}

/** What comes from a queue or a stream waits there when it is refused. */
const isPatient = ({ message: { kind } }: Attempt) => kind === 'async' || kind === 'mapping'

function reject(rejected: Rejection['rejected']): Rejection {
  return { accepted: false, rejected }
}
