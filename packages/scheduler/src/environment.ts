// One execution environment: a sandbox, the runtime process in it, and at most one invocation at a
// time. It obeys the pool, keeps its own clock (one limit a state), and asserts every change of
// state. It never chooses work for itself, and whatever the runtime does is an outcome, never a
// fault of ours.

import { strict as assert } from 'node:assert'
import type { RuntimeExit, StartKind } from '@hearth/core/invocation'
import {
  type Attempt,
  answered,
  answeredInPart,
  answeredTooMuch,
  type Ending,
  exited,
  ranOut,
} from './attempt.ts'
import { AttemptReports } from './attempt-reports.ts'
import type { EnvironmentParts } from './environment-parts.ts'
import {
  hasInitialised,
  type Idle,
  isSoonReady,
  LIMIT_MS,
  type Loading,
  type State,
  type StateName,
  TRANSITIONS,
} from './environment-states.ts'
import { INIT_TIMED_OUT, type InitFailure, judgeInitFailure } from './init-failure.ts'
import type { ResponseStream } from './response-stream.ts'
import type { Parked, RuntimeSide } from './runtime-side.ts'
import type { SandboxChannel } from './sandbox-channel.ts'
import { StateLimit } from './state-limit.ts'

/** How long hearth-init may take to say how a process ended whose connection is gone. */
const EXIT_TOLD_MS = 200
const NOTHING = Promise.resolve()

export class Environment implements RuntimeSide {
  readonly parts: EnvironmentParts
  /** On the monotonic clock. */
  readonly born = performance.now()
  #state: State = { name: 'Starting' }
  readonly #limit = new StateLimit(() => this.#expire())
  #channel: SandboxChannel | undefined
  #starting: Promise<unknown> = NOTHING
  readonly #reports: AttemptReports
  #kills = 0

  constructor(parts: EnvironmentParts) {
    this.parts = parts
    this.#reports = new AttemptReports(parts)
  }

  get stateName(): StateName {
    return this.#state.name
  }

  /** Whether its sandbox is going or gone. */
  get isEnding(): boolean {
    return this.#state.name === 'Stopping' || this.#state.name === 'Stopped'
  }

  /** When it became idle, on the monotonic clock; undefined unless it waits for work. */
  get idleSince(): number | undefined {
    return 'parked' in this.#state ? this.#state.since : undefined
  }

  /** Whether its runtime has loaded the function, and is there. */
  get hasInitialised(): boolean {
    return hasInitialised(this.#state)
  }

  /** Whether it will take an invocation without finishing one first. */
  get isSoonReady(): boolean {
    return isSoonReady(this.#state, performance.now())
  }

  /** Starts the sandbox. The runtime process follows when hearth-init is connected. */
  start(): void {
    if (this.#state.name !== 'Starting') return
    this.#limit.set(LIMIT_MS.Starting)
    this.#starting = this.parts.startSandbox(this).catch((error) => this.#failInit(String(error)))
  }

  /**
   * The channel, as soon as it listens: hearth-init may speak before the engine says that it runs.
   */
  adopt(channel: SandboxChannel, startKind: StartKind): void {
    this.#channel = channel
    this.#reports.started(channel, startKind)
  }

  /** Hands over an invocation; only one that waits for work takes one. */
  invoke(attempt: Attempt): void {
    const idle = this.#state
    assert(idle.name === 'Ready' || idle.name === 'Frozen', `invoke in ${idle.name}`)
    const timeoutMs = this.parts.timeoutSeconds * 1000
    const deadline = Date.now() + timeoutMs
    const since = performance.now()
    if (idle.restore) {
      this.parts.log.note(this.parts.platform.restoreStart())
      const restoring: Loading = { name: 'Restoring', attempt, since, deadline, loads: true }
      this.#become(restoring, Math.min(timeoutMs, LIMIT_MS.Restoring))
    } else {
      this.#become({ name: 'Busy', attempt, since }, timeoutMs)
      this.#reports.begin(attempt)
    }
    const state = this.#state
    const leave = () => (idle.restore ? idle.restore() : idle.parked?.(attempt, deadline))
    attempt.began(() => this.#state === state && this.#awake(idle, leave))
  }

  /** Goes on once the processes run, unless something else happened meanwhile. */
  #awake({ name }: Idle, goOn: () => void): void {
    if (name === 'Ready') return goOn()
    const state = this.#state
    this.parts.thaw().then(
      () => this.#state === state && goOn(),
      (error) => this.#state === state && this.abandon(`the sandbox stays frozen: ${error}`),
    )
  }

  /** Ends the environment whatever it does; a running invocation is answered as exited. */
  stop(reason: string): void {
    const left = this.#leave(reason)
    if (!left) return
    const { requestId } = left.attempt.message
    const facts = { outOfMemory: false, durationMs: performance.now() - left.since }
    this.#reports.finish(left.attempt, exited(requestId, { signal: 9 }, facts))
  }

  /** As stop, but what runs is the platform's failure and not the function's. */
  abandon(reason: string): void {
    this.#leave(reason)?.attempt.failed(reason)
  }

  // What the sandbox says, through the channel.

  /** hearth-init is connected: the runtime may start. */
  sandboxReady(): void {
    if (this.#state.name !== 'Starting') return
    this.#startProcess()
    this.parts.events.booted(this)
  }

  /** hearth-init has gone, and the sandbox with it. */
  sandboxLost(): void {
    if (this.#state.name === 'Starting' || this.#state.name === 'Initialising') {
      this.#failInit('the sandbox ended before the function was loaded')
    }
    this.stop('environment died')
  }

  /** The runtime process ended; `kills` counts the sandbox's out-of-memory kills so far. */
  processExited(exit: RuntimeExit, kills: number): void {
    const outOfMemory = kills > this.#kills
    this.#kills = kills
    switch (this.#state.name) {
      case 'Initialising':
        return this.#failInit('exited', { exit })
      case 'Restoring':
      case 'Retrying':
        return this.#state.loads ? this.#failInit('exited', { exit }) : this.#reload(this.#state)
      case 'Busy': {
        const { attempt, since } = this.#state
        const facts = { outOfMemory, durationMs: performance.now() - since }
        this.#become({ name: 'Resetting' })
        this.#reports.finish(attempt, exited(attempt.message.requestId, exit, facts))
        return this.#startProcess()
      }
      case 'Settling':
        this.#become({ name: 'Resetting' })
        return this.#startProcess()
      case 'Resetting':
        return this.#startProcess()
      case 'Ready':
      case 'Frozen':
        return this.stop('environment died')
    }
  }

  // What the runtime asks, through the Runtime API.

  /** It is told by its process environment. */
  specialisation(): boolean {
    return false
  }

  next(parked: Parked): boolean {
    const state = this.#state
    switch (state.name) {
      case 'Restoring':
      case 'Retrying':
        if (state.loads) this.#load(state, parked)
        return state.loads
      case 'Initialising':
      case 'Settling':
        this.#idle({ parked, restore: undefined })
        return true
      default:
        return false
    }
  }

  /** The function is loaded, and the runtime waits to be used as a snapshot. */
  restore(restore: () => void): boolean {
    const state = this.#state
    // For an invocation that had to wait there is nothing to wait for.
    if (state.name === 'Retrying' && state.loads) restore()
    else if (state.name === 'Initialising') this.#idle({ parked: undefined, restore })
    else return false
    return true
  }

  hungUp(parked: Parked): void {
    const state = this.#state
    if ('parked' in state && state.parked === parked) this.stop('environment died')
  }

  expects(requestId: string): 'answer' | 'no more' | 'nothing' {
    if (this.#state.name === 'Busy') {
      return this.#state.attempt.message.requestId === requestId ? 'answer' : 'nothing'
    }
    const isAgain = this.#state.name === 'Settling' && this.#state.requestId === requestId
    return isAgain ? 'no more' : 'nothing'
  }

  respond(requestId: string, body: Buffer): boolean {
    return this.#answer(requestId, (durationMs) => answered(body, 'success', durationMs))
  }

  fail(requestId: string, body: Buffer): boolean {
    return this.#answer(requestId, (durationMs) => answered(body, 'function error', durationMs))
  }

  respondTooLarge(requestId: string, bytesMax: number): boolean {
    return this.#answer(requestId, (durationMs) => answeredTooMuch(bytesMax, durationMs))
  }

  stream(requestId: string, contentType: string): ResponseStream | undefined {
    if (this.#state.name !== 'Busy' || this.expects(requestId) !== 'answer') return undefined
    return this.#state.attempt.openStream?.(contentType, this.#reports.start)
  }

  streamBroken(requestId: string): void {
    const answer = () => this.#answer(requestId, (ms) => answeredInPart(requestId, ms))
    // A process that died is about to be reported, and says more.
    setTimeout(answer, EXIT_TOLD_MS)
  }

  initFailed(body: Buffer): boolean {
    const { name } = this.#state
    const loads = (name === 'Restoring' || name === 'Retrying') && this.#state.loads
    if (name !== 'Initialising' && !loads) return false
    this.#failInit('init error', { body })
    return true
  }

  #startProcess(): void {
    this.#become({ name: 'Initialising', since: performance.now() }, LIMIT_MS.Initialising)
    if (this.#reports.isFirst) this.parts.log.note(this.parts.platform.initStart())
    this.#channel?.startProcess(this.parts.process)
  }

  /** The state's limit is over. */
  #expire(): void {
    switch (this.#state.name) {
      case 'Starting':
        return this.#failInit('the engine did not start the sandbox in time')
      case 'Initialising':
      case 'Restoring':
      case 'Retrying':
        return this.#failInit(INIT_TIMED_OUT)
      case 'Busy': {
        const { attempt } = this.#state
        this.#reset()
        const ending = ranOut(attempt.message.requestId, this.parts.timeoutSeconds)
        return this.#reports.finish(attempt, ending)
      }
      case 'Ready':
        this.#become({ ...this.#state, name: 'Frozen' })
        return this.parts.freeze()
      case 'Settling':
        return this.#reset()
      case 'Resetting':
        return this.stop('environment died')
    }
  }

  #idle(how: Pick<Idle, 'parked' | 'restore'>): void {
    const state = this.#state
    const now = performance.now()
    const isFirst = state.name === 'Initialising' && this.#reports.isFirst
    if (isFirst) this.#reports.loaded(now - state.since)
    this.#become({ name: 'Ready', since: now, ...how }, this.parts.freezeAfterMs)
    this.parts.events.ready(this)
    if (!isFirst) return
    this.#reports.initialised(this.idleSince !== undefined)
    this.parts.initialised()
  }

  /** Replaces the runtime process. The sandbox and its /tmp stay, as on Lambda. */
  #reset(): void {
    this.#become({ name: 'Resetting' }, LIMIT_MS.Resetting)
    this.#channel?.killProcesses('timeout')
  }

  /** An init that failed once is tried again for an invocation, if one waits, as on Lambda. */
  #failInit(reason: string, details: { body?: Uint8Array; exit?: RuntimeExit } = {}): void {
    const state = this.#state
    if ('loads' in state) return this.#failLoading(state, { reason, ...details })
    if (state.name !== 'Starting' && state.name !== 'Initialising') return
    const since = state.name === 'Initialising' ? state.since : performance.now()
    const failure = { reason, initMs: performance.now() - since, ...details }
    const attempt = this.parts.events.initFailed(this, failure)
    if (!attempt) return this.stop(reason)
    const timeoutMs = this.parts.timeoutSeconds * 1000
    const deadline = Date.now() + timeoutMs
    const now = performance.now()
    const retrying: Loading = { name: 'Retrying', attempt, since: now, deadline, loads: false }
    this.#become(retrying, timeoutMs)
    this.#reports.begin(attempt)
    if (details.exit) this.#reload(retrying)
    else this.#channel?.killProcesses('failure')
  }

  #reload(state: Loading): void {
    state.loads = true
    this.#channel?.startProcess(this.parts.processAgain)
  }

  /** The runtime is ready now: the invocation has what is left of its time. */
  #load({ name, attempt, since, deadline }: Loading, parked: Parked): void {
    const now = performance.now()
    const begun = name === 'Restoring' ? now : since
    this.#become({ name: 'Busy', attempt, since: begun }, Math.max(deadline - Date.now(), 0))
    if (name === 'Restoring') this.#reports.restored(attempt, now - since)
    else this.parts.initialised()
    parked(attempt, deadline)
  }

  #failLoading({ attempt, since }: Loading, details: Omit<InitFailure, 'initMs'>): void {
    const { log, platform, timeoutSeconds } = this.parts
    const failure = { ...details, initMs: performance.now() - since }
    const verdict = judgeInitFailure(failure)
    if (!verdict) return this.abandon(failure.reason)
    log.note(...platform.initDone({ phase: 'invoke', initMs: failure.initMs, ...verdict }))
    const { requestId } = attempt.message
    const ending =
      verdict.status === 'timeout'
        ? ranOut(requestId, timeoutSeconds)
        : { ...verdict.ending(requestId), durationMs: failure.initMs }
    this.#leave(failure.reason)
    this.#reports.finish(attempt, ending)
  }

  #answer(requestId: string, toEnding: (durationMs: number) => Ending): boolean {
    if (this.#state.name !== 'Busy') return false
    const { attempt, since } = this.#state
    if (attempt.message.requestId !== requestId) return false
    const now = performance.now()
    // Lambda counts what is done before all ask for more against the timeout, too.
    const leftMs = this.parts.timeoutSeconds * 1000 - (now - since)
    const limitMs = Math.max(leftMs, LIMIT_MS.Settling)
    this.#become({ name: 'Settling', requestId, since: now }, limitMs)
    this.#reports.finish(attempt, toEnding(now - since))
    return true
  }

  /** Becomes Stopping. @returns what ran at that moment. */
  #leave(reason: string): { attempt: Attempt; since: number } | undefined {
    const state = this.#state
    if (this.isEnding) return undefined
    this.#become({ name: 'Stopping' })
    this.parts.events.stopping(this, reason)
    void this.#dismantle()
    return 'attempt' in state ? state : undefined
  }

  async #dismantle(): Promise<void> {
    // An engine that is still creating the container would otherwise start it behind our back.
    await this.#starting
    await this.parts.stopSandbox(this.#channel)
    await this.#reports.settled
    this.parts.log.end()
    this.#become({ name: 'Stopped' })
    this.parts.events.stopped(this)
  }

  /** Moves to another state, whose own limit begins now. */
  #become(next: State, limitMs?: number): void {
    const allowed: readonly StateName[] = TRANSITIONS[this.#state.name]
    assert(allowed.includes(next.name), `${this.parts.id}: ${this.#state.name} -> ${next.name}`)
    this.#limit.set(limitMs)
    this.#state = next
  }
}
