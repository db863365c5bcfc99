// The platform's own log lines: INIT_START, START, END and REPORT, byte for byte as AWS writes them as text,
// and platform.* events where the function logs JSON. Pure.

import type { Logging } from '@hearth/core/function'
import type { InvocationReport } from '@hearth/core/invocation'

export interface Platform {
  initStart(): string | undefined
  start(requestId: string): string | undefined
  /** The lines after the function's own: a timeout's line if there was one, END and REPORT. */
  finish(requestId: string, report: InvocationReport, note?: string): string[]
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
    initStart: () =>
      `INIT_START Runtime Version: ${facts.runtime}\tRuntime Version ARN: ${facts.runtimeArn}`,
    start: (requestId) => `START RequestId: ${requestId} Version: ${facts.version}`,
    finish: (requestId, report, note) => [
      ...(note === undefined ? [] : [note]),
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
    ...(status === 'timeout' ? ['Status: timeout'] : []),
    ...(hasExited(report) ? ['Status: error', 'Error Type: Runtime.ExitError'] : []),
    '',
  ].join('\t')
}

const hasExited = ({ outcome }: InvocationReport) =>
  outcome === 'exited' || outcome === 'out of memory'

function statusOf(report: InvocationReport): 'error' | 'success' | 'timeout' {
  if (report.outcome === 'success') return 'success'
  return report.outcome === 'timed out' ? 'timeout' : 'error'
}

/** System log levels at which each event appears (Lambda guide, "system log event level mapping"). */
const LEVELS = ['DEBUG', 'INFO', 'WARN']

function jsonLog(facts: PlatformFacts): Platform {
  const least = Math.max(LEVELS.indexOf(facts.logging.systemLevel ?? 'INFO'), 0)
  const line = (level: string, type: string, record: unknown) =>
    LEVELS.indexOf(level) < least
      ? undefined
      : JSON.stringify({ time: new Date().toISOString(), type, record })
  return {
    initStart: () =>
      line('INFO', 'platform.initStart', {
        initializationType: 'on-demand',
        phase: 'init',
        runtimeVersion: facts.runtime,
        runtimeVersionArn: facts.runtimeArn,
      }),
    start: (requestId) => line('INFO', 'platform.start', { requestId, version: facts.version }),
    finish: (requestId, report) => {
      const status = statusOf(report)
      const metrics = {
        durationMs: round(report.durationMs),
        billedDurationMs: report.billedMs,
        memorySizeMB: facts.memoryMb,
        maxMemoryUsedMB: report.maxMemoryMb,
        ...(report.initMs !== undefined && { initDurationMs: round(report.initMs) }),
      }
      const level = status === 'success' ? 'INFO' : 'WARN'
      return present(line(level, 'platform.report', { requestId, metrics, status }))
    },
  }
}

const round = (milliseconds: number) => Math.round(milliseconds * 1000) / 1000

const present = (line: string | undefined) => (line === undefined ? [] : [line])
