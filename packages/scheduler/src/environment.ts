// One execution environment: a sandbox, the runtime process in it, and at most one invocation at a time. It
// obeys the pool, keeps its own clock (init limit, function timeout), and asserts every change of state. It
// never chooses work for itself, and whatever the runtime does is an outcome, never a fault of ours.

import { strict as assert } from 'node:assert'
import {
  billedMs,
  type ColdReason,
  type InvocationReport,
  type Outcome,
  type RuntimeExit,
  responseTooLarge,
  runtimeExited,
  type StartKind,
  timedOut,
} from '@hearth/core/invocation'
import { type StateName, TRANSITIONS } from './environment-states.ts'
import type { LogStream } from './log-stream.ts'
import type { Platform } from './platform-log.ts'
import type { Parked, RuntimeInvocation, RuntimeSide } from './runtime-api.ts'
import type { ProcessSpec, SandboxChannel } from './sandbox-channel.ts'

/** An invocation as the pool hands it over. */
export interface Assignment {
  requestId: string
  payload: Uint8Array
  invokedArn: string
  wantsLogTail: boolean
  traceId?: string
  clientContext?: string
}

/** What became of an assignment. */
export interface Finished {
  payload: Uint8Array
  functionError?: 'Unhandled'
  logTail?: string
  report: InvocationReport
}

type State =
  | { name: Exclude<StateName, 'Busy' | 'Initialising' | 'Ready'> }
  | { name: 'Initialising'; since: number; limit: NodeJS.Timeout }
  | { name: 'Ready'; parked: Parked; idleSince: number }
  | { name: 'Busy'; running: Running }

interface Running {
  assignment: Assignment
  since: number
  deadline: number
  limit: NodeJS.Timeout
  finish(finished: Finished): void
}

export interface EnvironmentParts {
  id: string
  deploymentId: string
  memoryMb: number
  timeoutSeconds: number
  coldReason: ColdReason
  process: ProcessSpec
  log: LogStream
  platform: Platform
  /** Opens the channel, has it adopted, and starts the sandbox. */
  startSandbox(environment: Environment): Promise<unknown>
  stopSandbox(channel: SandboxChannel | undefined): Promise<void>
  events: EnvironmentEvents
}

export interface EnvironmentEvents {
  /** It waits for an assignment. */
  ready(environment: Environment): void
  /** The first init is over, for better or worse. */
  initialised(environment: Environment): void
  /** It could not load the function; the body is what an invocation is answered with. */
  initFailed(environment: Environment, failure: InitFailure): void
  stopping(environment: Environment, reason: string): void
  stopped(environment: Environment): void
}

export interface InitFailure {
  /** JSON, or undefined when the platform itself failed. */
  body: Uint8Array | undefined
  exit?: RuntimeExit
  initMs: number
  reason: string
}

/** Lambda's limit for the init phase. */
const INIT_MS_MAX = 10_000
/** An answer with a log tail waits this long for the runtime's last output. */
const TAIL_WAIT_MS = 50
/** Output of a killed process may arrive a little after the news of its death. */
const CUT_WAIT_MS = 50
const MEMORY_FRESH_MS = 250
const BYTES_PER_MB = 1024 * 1024

export class Environment implements RuntimeSide {
  readonly parts: EnvironmentParts
  #state: State = { name: 'Starting' }
  #channel: SandboxChannel | undefined
  /** Set by init, told with the first invocation, and then forgotten. */
  #initMs: number | undefined
  #served = 0
  #kills = 0
  #memory = { peakMb: 0, at: Number.NEGATIVE_INFINITY }

  constructor(parts: EnvironmentParts) {
    this.parts = parts
  }

  get stateName(): StateName {
    return this.#state.name
  }

  /** When it became idle, on the monotonic clock; undefined unless it is Ready. */
  get idleSince(): number | undefined {
    return this.#state.name === 'Ready' ? this.#state.idleSince : undefined
  }

  /** Starts the sandbox. The runtime process follows when hearth-init is connected. */
  async start(): Promise<void> {
    try {
      await this.parts.startSandbox(this)
    } catch (error) {
      this.#failInit({ body: undefined, initMs: 0, reason: String(error) })
    }
  }

  /** The channel, as soon as it listens: hearth-init may speak before the engine says that it runs. */
  adopt(channel: SandboxChannel): void {
    this.#channel = channel
  }

  /** Hands over an invocation; only a Ready environment takes one. */
  invoke(assignment: Assignment, finish: (finished: Finished) => void): void {
    assert(this.#state.name === 'Ready', `invoke in ${this.#state.name}`)
    const { parked } = this.#state
    const { timeoutSeconds, log } = this.parts
    const deadline = Date.now() + timeoutSeconds * 1000
    const limit = setTimeout(() => this.#timeOut(), timeoutSeconds * 1000)
    this.#become({
      name: 'Busy',
      running: { assignment, since: performance.now(), deadline, limit, finish },
    })
    log.begin(assignment.requestId, assignment.wantsLogTail)
    parked(toRuntime(assignment, deadline))
  }

  /** Answers an invocation whose environment could not load the function; its log has what init wrote. */
  answerInitFailure(assignment: Assignment, failure: Finished): Finished {
    const { log, platform } = this.parts
    log.begin(assignment.requestId, assignment.wantsLogTail)
    const closing = platform.finish(assignment.requestId, failure.report)
    const logTail = log.close(assignment.requestId, closing)
    return logTail === undefined ? failure : { ...failure, logTail }
  }

  /** Ends the environment whatever it does; a running invocation is answered as exited. */
  stop(reason: string): void {
    if (this.#state.name === 'Stopping' || this.#state.name === 'Stopped') return
    if (this.#state.name === 'Initialising') clearTimeout(this.#state.limit)
    const running = this.#state.name === 'Busy' ? this.#state.running : undefined
    this.#become({ name: 'Stopping' })
    this.parts.events.stopping(this, reason)
    if (running) this.#endByPlatform(running, 'exited', { signal: 9 })
    void this.parts.stopSandbox(this.#channel).finally(() => {
      this.parts.log.end()
      this.#become({ name: 'Stopped' })
      this.parts.events.stopped(this)
    })
  }

  // What the sandbox says, through the channel.

  /** hearth-init is connected: the runtime may start. */
  sandboxReady(): void {
    if (this.#state.name === 'Starting') this.#startProcess()
  }

  /** The runtime process ended. */
  processExited(exit: RuntimeExit, kills: number): void {
    const killed = kills > this.#kills
    this.#kills = kills
    switch (this.#state.name) {
      case 'Initialising':
        return this.#failInit({ body: undefined, exit, ...this.#initTime(), reason: 'exited' })
      case 'Busy': {
        const { running } = this.#state
        this.#become({ name: 'Resetting' })
        this.#endByPlatform(running, killed ? 'out of memory' : 'exited', exit)
        return this.#startProcess()
      }
      case 'Settling':
        this.#become({ name: 'Resetting' })
        return this.#startProcess()
      case 'Resetting':
        return this.#startProcess()
      case 'Ready':
        return this.stop('environment died')
    }
  }

  // What the runtime asks, through the Runtime API.

  next(parked: Parked): boolean {
    const { name } = this.#state
    if (name !== 'Initialising' && name !== 'Settling') return false
    if (this.#state.name === 'Initialising') {
      clearTimeout(this.#state.limit)
      const first = this.#served === 0 && this.#initMs === undefined
      if (first) this.#initMs = performance.now() - this.#state.since
    }
    this.#become({ name: 'Ready', parked, idleSince: performance.now() })
    if (name === 'Initialising') this.parts.events.initialised(this)
    this.parts.events.ready(this)
    return true
  }

  respond(requestId: string, body: Buffer): boolean {
    return this.#answer(requestId, { payload: body, outcome: 'success' })
  }

  fail(requestId: string, body: Buffer): boolean {
    return this.#answer(requestId, { payload: body, outcome: 'function error' })
  }

  respondTooLarge(requestId: string): boolean {
    return this.#answer(requestId, { payload: json(responseTooLarge()), outcome: 'function error' })
  }

  initFailed(body: Buffer): boolean {
    if (this.#state.name !== 'Initialising') return false
    this.#failInit({ body, ...this.#initTime(), reason: 'init error' })
    return true
  }

  #startProcess(): void {
    const limit = setTimeout(() => this.#initTimedOut(), INIT_MS_MAX)
    this.#become({ name: 'Initialising', since: performance.now(), limit })
    if (this.#served === 0) this.parts.log.note(this.parts.platform.initStart())
    this.#channel?.startProcess(this.parts.process)
  }

  #initTimedOut(): void {
    if (this.#state.name !== 'Initialising') return
    this.#failInit({ body: undefined, ...this.#initTime(), reason: 'init timed out' })
  }

  #initTime(): { initMs: number } {
    assert(this.#state.name === 'Initialising')
    return { initMs: performance.now() - this.#state.since }
  }

  #failInit(failure: InitFailure): void {
    this.parts.events.initFailed(this, failure)
    this.stop(failure.reason)
  }

  #answer(requestId: string, answer: { payload: Uint8Array; outcome: Outcome }): boolean {
    if (this.#state.name !== 'Busy') return false
    const { running } = this.#state
    if (running.assignment.requestId !== requestId) return false
    clearTimeout(running.limit)
    const durationMs = performance.now() - running.since
    this.#become({ name: 'Settling' })
    void this.#finish(running, { ...answer, durationMs }, TAIL_WAIT_MS)
    return true
  }

  #timeOut(): void {
    if (this.#state.name !== 'Busy') return
    const { running } = this.#state
    this.#become({ name: 'Resetting' })
    this.#channel?.killProcesses()
    this.#endByPlatform(running, 'timed out')
  }

  /** The answer that the platform gives in the function's place. */
  #endByPlatform(running: Running, outcome: Outcome, exit?: RuntimeExit): void {
    clearTimeout(running.limit)
    const { requestId } = running.assignment
    const { timeoutSeconds } = this.parts
    const body = exit ? runtimeExited(requestId, exit) : timedOut(requestId, timeoutSeconds)
    const elapsed = performance.now() - running.since
    const durationMs = exit ? elapsed : timeoutSeconds * 1000
    void this.#finish(running, { payload: json(body), outcome, durationMs }, CUT_WAIT_MS)
  }

  /** Report and log, and the answer as early as the caller's wishes allow. */
  async #finish(
    running: Running,
    answer: { payload: Uint8Array; outcome: Outcome; durationMs: number },
    outputWaitMs: number,
  ): Promise<void> {
    const { assignment } = running
    const { log, platform, timeoutSeconds } = this.parts
    const { payload, outcome } = answer
    const report = this.#report(outcome, answer.durationMs)
    const finished: Finished = {
      payload,
      report,
      ...(outcome !== 'success' && { functionError: 'Unhandled' as const }),
    }
    if (!assignment.wantsLogTail) running.finish(finished)
    const complete = log.complete(assignment.requestId, outputWaitMs)
    await Promise.all([this.#measureMemory(assignment.wantsLogTail), complete])
    report.maxMemoryMb = this.#memory.peakMb
    const note =
      outcome === 'timed out' ? timeoutNote(assignment.requestId, timeoutSeconds) : undefined
    const logTail = log.close(
      assignment.requestId,
      platform.finish(assignment.requestId, report, note),
    )
    if (assignment.wantsLogTail) running.finish({ ...finished, ...(logTail && { logTail }) })
  }

  /** Asks for the high-water mark unless it is fresh: a busy environment is asked a few times a second. */
  async #measureMemory(now: boolean): Promise<void> {
    const at = performance.now()
    if (!this.#channel || (!now && at - this.#memory.at < MEMORY_FRESH_MS)) return
    this.#memory.at = at
    const peak = await this.#channel.memoryPeak()
    this.#memory.peakMb = Math.max(this.#memory.peakMb, Math.ceil(peak / BYTES_PER_MB))
  }

  #report(outcome: Outcome, durationMs: number): InvocationReport {
    const first = this.#served === 0
    this.#served += 1
    const initMs = this.#initMs
    this.#initMs = undefined
    const start: StartKind = first ? 'cold' : 'warm'
    return {
      start,
      ...(first && { coldReason: this.parts.coldReason }),
      outcome,
      durationMs,
      ...(first && initMs !== undefined && { initMs }),
      billedMs: billedMs(durationMs, first ? (initMs ?? 0) : 0),
      maxMemoryMb: 0,
    }
  }

  #become(next: State): void {
    const allowed: readonly StateName[] = TRANSITIONS[this.#state.name]
    assert(allowed.includes(next.name), `${this.parts.id}: ${this.#state.name} -> ${next.name}`)
    this.#state = next
  }
}

function toRuntime(assignment: Assignment, deadline: number): RuntimeInvocation {
  const { requestId, payload, invokedArn, traceId, clientContext } = assignment
  return {
    requestId,
    payload,
    invokedArn,
    deadline,
    ...(traceId !== undefined && { traceId }),
    ...(clientContext !== undefined && { clientContext }),
  }
}

function timeoutNote(requestId: string, timeoutSeconds: number): string {
  const seconds = timeoutSeconds.toFixed(2)
  return `${new Date().toISOString()} ${requestId} Task timed out after ${seconds} seconds`
}

function json(body: unknown): Buffer {
  return Buffer.from(JSON.stringify(body))
}
