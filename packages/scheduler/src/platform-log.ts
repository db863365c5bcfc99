// The platform's own log lines: INIT_START, START, END and REPORT, byte for byte as AWS writes them
// as text, and platform.* events where the function logs JSON. Pure but for the time in JSON
// events.

import type { Logging } from '@hearth/core/function'
import type { InvocationReport } from '@hearth/core/invocation'

export interface Platform {
  initStart(): string | undefined
  /** An init that failed; one that went well is told by the first report. */
  initFailed(
    phase: 'init' | 'invoke',
    initMs: number,
    status: 'error' | 'timeout',
    errorType?: string,
  ): string | undefined
  start(requestId: string): string | undefined
  /** The lines after the function's own: the platform's notes, END and REPORT. */
  finish(requestId: string, report: InvocationReport, notes: readonly string[]): string[]
}

export interface PlatformFacts {
  logging: Logging
  version: string
  memoryMb: number
  runtime: string
  runtimeArn: string
}

export function platformLog(facts: PlatformFacts): Platform {
  return facts.logging.format === 'JSON' ? jsonLog(facts) : textLog(facts)
}

function textLog(facts: PlatformFacts): Platform {
  return {
    // A container image has no runtime of AWS's, and no such line.
    initStart: () =>
      facts.runtime
        ? `INIT_START Runtime Version: ${facts.runtime}\tRuntime Version ARN: ${facts.runtimeArn}`
        : undefined,
    initFailed: (phase, initMs, status, errorType) =>
      `INIT_REPORT Init Duration: ${initMs.toFixed(2)} ms\tPhase: ${phase}\tStatus: ${status}` +
      (errorType ? `\tError Type: ${errorType}` : ''),
    start: (requestId) => `START RequestId: ${requestId} Version: ${facts.version}`,
    finish: (requestId, report, notes) => [
      ...notes,
      `END RequestId: ${requestId}`,
      textReport(requestId, report, facts.memoryMb),
    ],
  }
}

/** Every field is followed by a TAB, the last one too. */
function textReport(requestId: string, report: InvocationReport, memoryMb: number): string {
  const status = statusOf(report)
  return [
    `REPORT RequestId: ${requestId}`,
    `Duration: ${report.durationMs.toFixed(2)} ms`,
    `Billed Duration: ${report.billedMs} ms`,
    `Memory Size: ${memoryMb} MB`,
    `Max Memory Used: ${report.maxMemoryMb} MB`,
    ...(report.initMs === undefined ? [] : [`Init Duration: ${report.initMs.toFixed(2)} ms`]),
    ...restored(report.restoreMs),
    ...(status === 'timeout' ? ['Status: timeout'] : []),
    ...(hasExited(report) ? ['Status: error', 'Error Type: Runtime.ExitError'] : []),
    '',
  ].join('\t')
}

/** Billed in whole milliseconds, like everything. */
function restored(restoreMs: number | undefined): string[] {
  if (restoreMs === undefined) return []
  const billed = Math.ceil(restoreMs)
  return [`Restore Duration: ${restoreMs.toFixed(2)} ms`, `Billed Restore Duration: ${billed} ms`]
}

const hasExited = ({ outcome }: InvocationReport) =>
  outcome === 'exited' || outcome === 'out of memory'

function statusOf(report: InvocationReport): 'error' | 'success' | 'timeout' {
  if (report.outcome === 'success') return 'success'
  return report.outcome === 'timed out' ? 'timeout' : 'error'
}

/** System log levels, least first (Lambda guide, "system log level event mapping"). */
const LEVELS = ['DEBUG', 'INFO', 'WARN'] as const
type Level = (typeof LEVELS)[number]

function jsonLog(facts: PlatformFacts): Platform {
  const least = LEVELS.findIndex((level) => level === (facts.logging.systemLevel ?? 'INFO'))
  const line = (level: Level, type: string, record: unknown) =>
    LEVELS.indexOf(level) < least
      ? undefined
      : JSON.stringify({ time: new Date().toISOString(), type: `platform.${type}`, record })
  const initializationType = 'on-demand'
  return {
    initStart: () =>
      line('INFO', 'initStart', {
        initializationType,
        phase: 'init',
        runtimeVersion: facts.runtime,
        runtimeVersionArn: facts.runtimeArn,
      }),
    initFailed: (phase, initMs, status, errorType) =>
      line('WARN', 'initReport', {
        initializationType,
        phase,
        status,
        ...(errorType && { errorType }),
        metrics: { durationMs: round(initMs) },
      }),
    start: (requestId) => line('INFO', 'start', { requestId, version: facts.version }),
    finish: (requestId, report) => {
      const status = statusOf(report)
      const isSuccess = status === 'success'
      const durationMs = round(report.durationMs)
      const ending = { status, ...(hasExited(report) && { errorType: 'Runtime.ExitError' }) }
      const metrics = {
        durationMs,
        billedDurationMs: report.billedMs,
        memorySizeMB: facts.memoryMb,
        maxMemoryUsedMB: report.maxMemoryMb,
        ...(report.initMs !== undefined && { initDurationMs: round(report.initMs) }),
        ...(report.restoreMs !== undefined && { restoreDurationMs: round(report.restoreMs) }),
      }
      const done = { requestId, metrics: { durationMs }, ...ending }
      return [
        line(isSuccess ? 'DEBUG' : 'WARN', 'runtimeDone', done),
        line(isSuccess ? 'INFO' : 'WARN', 'report', { requestId, metrics, ...ending }),
      ].filter((text) => text !== undefined)
    },
  }
}

const round = (milliseconds: number) => Math.round(milliseconds * 1000) / 1000
