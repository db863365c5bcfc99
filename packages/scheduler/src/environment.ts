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
import { type StateName, TRANSITIONS } from './environment-states.ts'
import { INIT_TIMED_OUT, type InitFailure, judgeInitFailure } from './init-failure.ts'
import type { ResponseStream } from './response-stream.ts'
import type { Parked, RuntimeSide } from './runtime-api.ts'
import type { SandboxChannel } from './sandbox-channel.ts'

type State =
  | { name: 'Resetting' | 'Starting' | 'Stopped' | 'Stopping' }
  | { name: 'Initialising'; since: number }
  | { name: 'Frozen' | 'Ready'; parked: Parked; since: number }
  | { name: 'Busy'; attempt: Attempt; since: number }
  | Retrying
  | { name: 'Settling'; requestId: string; since: number }

/** The function is loaded again for an invocation, and within its time. */
interface Retrying {
  name: 'Retrying'
  attempt: Attempt
  since: number
  /** On the wall clock. */
  deadline: number
  /** Whether the failed process is gone, and its successor loads. */
  loads: boolean
}

/** An engine that takes longer to start a container will not start it. */
const START_MS_MAX = 60_000
/** Lambda's limit for the init phase. */
const INIT_MS_MAX = 10_000
/** hearth-init kills at once; a sandbox that cannot is of no more use. */
const RESET_MS_MAX = 5_000
/** A runtime that settles for longer than this is not waited for by others. */
export const SETTLING_SOON_MS = 100
/** How long hearth-init may take to say how a process ended whose connection is gone. */
const EXIT_TOLD_MS = 200
const NOTHING = Promise.resolve()

export class Environment implements RuntimeSide {
  readonly parts: EnvironmentParts
  /** On the monotonic clock. */
  readonly born = performance.now()
  #state: State = { name: 'Starting' }
  #limit: NodeJS.Timeout | undefined
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
    const { name } = this.#state
    return name === 'Ready' || name === 'Frozen' ? this.#state.since : undefined
  }

  /** Whether its runtime has loaded the function, and is there. */
  get hasInitialised(): boolean {
    const { name } = this.#state
    return name === 'Ready' || name === 'Frozen' || name === 'Busy' || name === 'Settling'
  }

  /** Whether it will take an invocation without finishing one first. */
  get isSoonReady(): boolean {
    const { name } = this.#state
    if (name === 'Settling') return performance.now() - this.#state.since < SETTLING_SOON_MS
    return name === 'Starting' || name === 'Initialising' || name === 'Resetting'
  }

  /** Starts the sandbox. The runtime process follows when hearth-init is connected. */
  start(): void {
    if (this.#state.name !== 'Starting') return
    this.#limit = setTimeout(this.#expire, START_MS_MAX)
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
    const { name, parked } = idle
    const { timeoutSeconds, log } = this.parts
    const { requestId, wantsLogTail } = attempt.message
    const timeoutMs = timeoutSeconds * 1000
    this.#become({ name: 'Busy', attempt, since: performance.now() }, timeoutMs)
    log.begin(requestId, wantsLogTail)
    const deadline = Date.now() + timeoutMs
    if (name === 'Ready') return parked(attempt, deadline)
    const busy = this.#state
    this.parts.thaw().then(
      () => this.#state === busy && parked(attempt, deadline),
      (error) => this.#state === busy && this.abandon(`the sandbox stays frozen: ${error}`),
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
    const now = performance.now()
    switch (state.name) {
      case 'Retrying':
        if (state.loads) this.#load(state, parked)
        return state.loads
      case 'Initialising':
      case 'Settling': {
        const isFirst = state.name === 'Initialising' && this.#reports.isFirst
        this.#become({ name: 'Ready', parked, since: now }, this.parts.freezeAfterMs)
        this.parts.events.ready(this)
        if (!isFirst) return true
        this.#reports.initialised(now - state.since, this.idleSince !== undefined)
        this.parts.initialised()
        return true
      }
      default:
        return false
    }
  }

  hungUp(parked: Parked): void {
    const state = this.#state
    const isOurs = 'parked' in state && state.parked === parked
    if (isOurs) this.stop('environment died')
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
    return this.#state.attempt.openStream?.(contentType)
  }

  streamBroken(requestId: string): void {
    const answer = () => this.#answer(requestId, (ms) => answeredInPart(requestId, ms))
    // A process that died is about to be reported, and says more.
    setTimeout(answer, EXIT_TOLD_MS)
  }

  initFailed(body: Buffer): boolean {
    const { name } = this.#state
    if (name !== 'Initialising' && !(name === 'Retrying' && this.#state.loads)) return false
    this.#failInit('init error', { body })
    return true
  }

  #startProcess(): void {
    this.#become({ name: 'Initialising', since: performance.now() }, INIT_MS_MAX)
    if (this.#reports.isFirst) this.parts.log.note(this.parts.platform.initStart())
    this.#channel?.startProcess(this.parts.process)
  }

  /** The state's limit is over. */
  #expire = (): void => {
    switch (this.#state.name) {
      case 'Starting':
        return this.#failInit('the engine did not start the sandbox in time')
      case 'Initialising':
        return this.#failInit(INIT_TIMED_OUT)
      case 'Retrying':
        return this.#failInit(INIT_TIMED_OUT)
      case 'Busy': {
        const { attempt } = this.#state
        this.#reset()
        return this.#reports.finish(
          attempt,
          ranOut(attempt.message.requestId, this.parts.timeoutSeconds),
        )
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

  /** Replaces the runtime process. The sandbox and its /tmp stay, as on Lambda. */
  #reset(): void {
    this.#become({ name: 'Resetting' }, RESET_MS_MAX)
    this.#channel?.killProcesses()
  }

  /** An init that failed once is tried again for an invocation, if one waits, as on Lambda. */
  #failInit(reason: string, details: { body?: Uint8Array; exit?: RuntimeExit } = {}): void {
    const state = this.#state
    if (state.name === 'Retrying') return this.#failRetry(state, { reason, ...details })
    if (state.name !== 'Starting' && state.name !== 'Initialising') return
    const since = state.name === 'Initialising' ? state.since : performance.now()
    const failure = { reason, initMs: performance.now() - since, ...details }
    const attempt = this.parts.events.initFailed(this, failure)
    if (!attempt) return this.stop(reason)
    const { timeoutSeconds, log } = this.parts
    const timeoutMs = timeoutSeconds * 1000
    const deadline = Date.now() + timeoutMs
    const now = performance.now()
    const retrying: Retrying = { name: 'Retrying', attempt, since: now, deadline, loads: false }
    this.#become(retrying, timeoutMs)
    log.begin(attempt.message.requestId, attempt.message.wantsLogTail)
    if (details.exit) this.#reload(retrying)
    else this.#channel?.killProcesses()
  }

  #reload(state: Retrying): void {
    state.loads = true
    this.#channel?.startProcess(this.parts.process)
  }

  /** The second init went well: the invocation has what is left of its time. */
  #load({ attempt, since, deadline }: Retrying, parked: Parked): void {
    this.#become({ name: 'Busy', attempt, since }, Math.max(deadline - Date.now(), 0))
    this.parts.initialised()
    parked(attempt, deadline)
  }

  #failRetry({ attempt, since }: Retrying, details: Omit<InitFailure, 'initMs'>): void {
    const { log, platform, timeoutSeconds } = this.parts
    const failure = { ...details, initMs: performance.now() - since }
    const verdict = judgeInitFailure(failure)
    if (!verdict) return this.abandon(failure.reason)
    log.note(platform.initFailed('invoke', failure.initMs, verdict.status, verdict.errorType))
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
    // Lambda counts what a runtime does before it asks for more against the timeout, too.
    const limitMs = this.parts.timeoutSeconds * 1000
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
    return state.name === 'Busy' || state.name === 'Retrying' ? state : undefined
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
    clearTimeout(this.#limit)
    this.#limit = limitMs === undefined ? undefined : setTimeout(this.#expire, limitMs)
    this.#state = next
  }
}
