// What one environment reports of its attempts: how each found it, what it took, the memory's
// high-water mark, and the log's closing lines. It answers in the right order, and knows no states.

import {
  billedMs,
  type ColdReason,
  type InvocationReport,
  type Start,
  type StartKind,
} from '@hearth/core/invocation'
import type { Attempt, Ending, Finished } from './attempt.ts'
import type { EnvironmentParts } from './environment-parts.ts'
import type { SandboxChannel } from './sandbox-channel.ts'

/** A busy environment is asked for its memory a few times a second, not at each invocation. */
const MEMORY_FRESH_MS = 250
const BYTES_PER_MB = 1024 * 1024
const NOTHING = Promise.resolve()

export class AttemptReports {
  readonly #parts: Pick<EnvironmentParts, 'log' | 'platform' | 'why'>
  #channel: SandboxChannel | undefined
  #startKind: StartKind = 'cold'
  /** Whether it was ready before anybody needed it. */
  #wasAhead = false
  /** Set by the first init, told with the first invocation, and then forgotten. */
  #initMs: number | undefined
  #restoreMs: number | undefined
  #served = 0
  #peakMb = 0
  #peakAskedAt = Number.NEGATIVE_INFINITY
  /** An answer that still waits for its log's tail. */
  #finishing: Promise<void> = NOTHING

  constructor(parts: Pick<EnvironmentParts, 'log' | 'platform' | 'why'>) {
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
  get settled(): Promise<void> {
    return this.#finishing
  }

  /** The environment has its sandbox, and how. */
  started(channel: SandboxChannel, startKind: StartKind): void {
    this.#channel = channel
    this.#startKind = startKind
  }

  /** The first init went well; `wasAhead` when nobody waited for it. */
  initialised(initMs: number, wasAhead: boolean): void {
    this.#initMs = initMs
    this.#wasAhead = wasAhead
  }

  /** Its hooks have run; told with the invocation for which it was restored. */
  restored(restoreMs: number): void {
    this.#restoreMs = restoreMs
  }

  /**
   * Report, answer and log; the answer goes first unless its caller wants the log's tail with it.
   */
  finish(attempt: Attempt, ending: Ending): void {
    const { log, platform } = this.#parts
    const { requestId, wantsLogTail } = attempt.message
    const finished = this.#finished(ending)
    // Made when it is written, a moment later: by then the memory peak is known.
    const closing = () => {
      const report = { ...finished.report, maxMemoryMb: this.#peakMb }
      return platform.finish(requestId, report, ending.notes)
    }
    if (!wantsLogTail) {
      attempt.finished(finished)
      log.close(requestId, closing)
      void this.#askPeak(MEMORY_FRESH_MS)
      return
    }
    this.#finishing = this.#askPeak(0)
      .then(() => log.closeWithTail(requestId, closing))
      .then((logTail) => attempt.finished({ ...finished, logTail }))
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
