// What one environment reports of its attempts: how each found it, what it took, the memory's
// high-water mark, and the log's closing lines. It answers in the right order, and knows no states.

import {
  billedMs,
  type ColdReason,
  type InvocationReport,
  type Start,
  type StartKind,
} from '@hearth/core/invocation'
import type { Attempt, Ending, Finished, Whole } from './attempt.ts'
import type { EnvironmentParts } from './environment-parts.ts'
import { phaseOf } from './platform-log.ts'
import type { SandboxChannel } from './sandbox-channel.ts'

/** A busy environment is asked for its memory a few times a second, not at each invocation. */
const MEMORY_FRESH_MS = 250
const BYTES_PER_MB = 1024 * 1024
const NOTHING = Promise.resolve()

type Parts = Pick<EnvironmentParts, 'log' | 'platform' | 'settled' | 'timeoutSeconds' | 'why'>

export class AttemptReports {
  readonly #parts: Parts
  #channel: SandboxChannel | undefined
  #startKind: StartKind = 'cold'
  /** Whether it was ready before anybody needed it. */
  #wasAhead = false
  /** Set by the first init, told with the first invocation, and then forgotten. */
  #initMs: number | undefined
  #restoreMs: number | undefined
  /** Whose part of the log has begun. */
  #begun: Attempt | undefined
  #served = 0
  #peakMb = 0
  #peakAskedAt = Number.NEGATIVE_INFINITY
  /** An answer that still waits for its log's tail. */
  #finishing: Promise<unknown> = NOTHING

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Whether no attempt has been reported yet. */
  get isFirst(): boolean {
    return this.#served === 0
  }

  /** How the attempt that runs found its environment. */
  get start(): Start {
    if (!this.isFirst) return { start: this.#startReady }
    if (this.#wasAhead) return { start: this.#foundAhead() }
    return { start: this.#startKind, coldReason: this.#coldReason() }
  }

  /** Resolves when every answer has left. */
  get settled(): Promise<unknown> {
    return this.#finishing
  }

  /** The environment has its sandbox, and how. */
  started(channel: SandboxChannel, startKind: StartKind): void {
    this.#channel = channel
    this.#startKind = startKind
  }

  /** The first init went well; told before anything of an invocation. */
  loaded(initMs: number): void {
    this.#initMs = initMs
    const { log, platform, why } = this.#parts
    const phase = phaseOf(why === 'snapshot' ? 'snap-start' : '')
    log.note(...platform.initDone({ phase, initMs, status: 'success' }))
  }

  /** Whether nobody waited for that. */
  initialised(wasAhead: boolean): void {
    this.#wasAhead = wasAhead
  }

  /** What is logged from now on is this attempt's. */
  begin(attempt: Attempt): void {
    this.#begun = attempt
    this.#parts.log.begin(attempt.message.requestId, attempt.message.wantsLogTail)
  }

  /** Its hooks have run, and the attempt for which they did begins. */
  restored(attempt: Attempt, restoreMs: number): void {
    this.#restoreMs = restoreMs
    this.#parts.log.note(...this.#parts.platform.restoreDone(restoreMs))
    this.begin(attempt)
  }

  /**
   * Report, answer and log; the answer goes first unless its caller wants the log's tail with it.
   */
  finish(attempt: Attempt, ending: Ending): void {
    const { log, platform } = this.#parts
    const { requestId, wantsLogTail } = attempt.message
    // One that is not restored in time, or not at all, has a report all the same.
    if (this.#begun !== attempt) this.begin(attempt)
    this.#begun = undefined
    const finished = this.#finished(ending)
    // Made when it is written, a moment later: by then the memory peak is known.
    const reported = (extensionsMs?: number) => ({
      ...finished.report,
      ...(extensionsMs !== undefined && this.#whole(finished.report, extensionsMs)),
      maxMemoryMb: this.#peakMb,
    })
    const closing = (extensionsMs?: number) => () =>
      platform.endLines(requestId, reported(extensionsMs), { ...ending, extensionsMs })
    const settled = this.#parts.settled?.(requestId, (extensionsMs) =>
      platform.ends(requestId, reported(extensionsMs), { ...ending, extensionsMs }),
    )
    if (settled) finished.whole = settled.then((ms) => this.#whole(finished.report, ms))
    // The invocation ends with its extensions, and so does its part of the log.
    const close = () => settled?.then((ms) => log.close(requestId, closing(ms)))
    if (!wantsLogTail) {
      attempt.finished(finished)
      if (settled) this.#finishing = Promise.all([this.#finishing, close()])
      else log.close(requestId, closing())
      void this.#askPeak(MEMORY_FRESH_MS)
      return
    }
    this.#finishing = Promise.all([this.#finishing, this.#askPeak(0)])
      .then(() => log.tailOf(requestId, closing()))
      .then((logTail) => {
        if (!settled) log.close(requestId, closing())
        attempt.finished({ ...finished, logTail })
        return close()
      })
  }

  /** Lambda bills the function and its extensions together, up to the timeout. */
  #whole(
    { durationMs, billedMs: billed, initMs = 0, restoreMs = 0 }: InvocationReport,
    extensionsMs: number,
  ): Whole {
    const most = Math.max(this.#parts.timeoutSeconds * 1000, durationMs)
    const wholeMs = Math.min(durationMs + extensionsMs, most)
    const ms = billedMs(wholeMs, initMs + restoreMs)
    return { durationMs: wholeMs, billedMs: Math.max(ms, billed) }
  }

  #finished({ payload, outcome, durationMs }: Ending): Finished {
    const { isFirst, start } = this
    const restoreMs = this.#restoreMs
    // What came before a snapshot is nobody's to pay.
    const initMs = isFirst && this.#isRestored ? undefined : this.#initMs
    this.#served += 1
    this.#initMs = undefined
    this.#restoreMs = undefined
    const report: InvocationReport = {
      ...start,
      outcome,
      durationMs,
      billedMs: billedMs(durationMs, (initMs ?? 0) + (restoreMs ?? 0)),
      maxMemoryMb: this.#peakMb,
    }
    if (initMs !== undefined) report.initMs = initMs
    if (restoreMs !== undefined) report.restoreMs = restoreMs
    if (outcome === 'success') return { payload, report }
    return { payload, report, functionError: 'Unhandled' }
  }

  /** How the first invocation found one that was ready before it came. */
  #foundAhead(): StartKind {
    return this.#isRestored ? 'restored' : this.#startReady
  }

  /** How an invocation finds one that is ready, each time: what it runs on is what it says. */
  get #startReady(): StartKind {
    return this.#parts.why === 'provisioned' ? 'provisioned' : 'warm'
  }

  get #isRestored(): boolean {
    return this.#wasAhead && this.#parts.why === 'snapshot'
  }

  /** One that was started ahead, and yet too late, was needed because the others were busy. */
  #coldReason(): ColdReason {
    const { why } = this.#parts
    return why === 'provisioned' || why === 'spare' || why === 'snapshot'
      ? 'all environments busy'
      : why
  }

  /** Asks for the memory's high-water mark, unless it was asked for lately. */
  #askPeak(freshMs: number): Promise<void> {
    const now = performance.now()
    if (!this.#channel || now - this.#peakAskedAt < freshMs) return NOTHING
    this.#peakAskedAt = now
    return this.#channel.memoryPeak().then((bytes) => {
      this.#peakMb = Math.max(this.#peakMb, Math.ceil(bytes / BYTES_PER_MB))
    })
  }
}
