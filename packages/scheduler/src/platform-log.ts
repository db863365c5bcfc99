// What the platform itself has to tell of an environment: as text byte for byte as AWS writes it,
// or as platform.* events where the function logs JSON, by its system log level. Extensions that
// subscribe to telemetry get every event, whatever the log shows. Pure but for the time of events.

import type { Logging } from '@hearth/core/function'
import type { InvocationReport } from '@hearth/core/invocation'

/** One thing to tell. Each form is made only when somebody wants it. */
export interface PlatformEvent {
  /** What follows `platform.`. */
  type: string
  level: Level
  /** Its lines in a log of text; none where AWS has none. */
  text(): string[]
  record(): Record<string, unknown>
  /** JSON logs have no such line. */
  onlyText?: true
}

/** System log levels, least first (Lambda guide, "system log level event mapping"). */
const LEVELS = ['DEBUG', 'INFO', 'WARN'] as const
type Level = (typeof LEVELS)[number]

export type InitPhase = 'init' | 'invoke' | 'snap-start'

/** How an init went, and why not. */
export interface InitOutcome {
  phase: InitPhase
  initMs: number
  status: 'error' | 'success' | 'timeout'
  errorType?: string
}

/** What the function itself does not tell of an attempt's end. */
export interface AttemptEnd {
  /** Lines that the platform adds. */
  notes: readonly string[]
  errorType?: string
  /** How long extensions worked on after the answer. */
  extensionsMs?: number | undefined
  /** The answer. */
  payload: Uint8Array
}

export interface Platform {
  initStart(): PlatformEvent
  /** The runtime's part and the whole of an init; one that went well shows in the first report. */
  initDone(outcome: InitOutcome): PlatformEvent[]
  restoreStart(): PlatformEvent
  restoreDone(restoreMs: number): PlatformEvent[]
  start(requestId: string): PlatformEvent
  /** What follows an attempt, in AWS's order. */
  ends(requestId: string, report: InvocationReport, end: AttemptEnd): PlatformEvent[]
  /** The lines of `start`, and of notes and `ends`: as quick as the text that most logs are. */
  startLines(requestId: string): string[]
  endLines(requestId: string, report: InvocationReport, end: AttemptEnd): string[]
  extension(extension: ExtensionState): PlatformEvent
  subscription(api: 'logs' | 'telemetry', name: string, types: readonly string[]): PlatformEvent
  /** The lines of the function's log that an event becomes. */
  render(event: PlatformEvent): string[]
}

export interface ExtensionState {
  name: string
  state: string
  events: readonly string[]
  errorType?: string
}

export interface PlatformFacts {
  logging: Logging
  functionName: string
  version: string
  memoryMb: number
  runtime: string
  runtimeArn: string
  initializationType: string
  logStream: string
  /** Whose environment it is; AWS tells it in JSON alone. */
  tenantId?: string
}

const EMPTY: string[] = []
const NOTHING = () => EMPTY

export function platformLog(facts: PlatformFacts): Platform {
  const events = eventsOf(facts)
  if (facts.logging.format !== 'JSON') return { ...events, ...textLines(facts), render: textOf }
  const render = jsonOf(facts.logging)
  return {
    ...events,
    startLines: (requestId) => render(events.start(requestId)),
    // What only text says is kept as it is, lest it be lost.
    endLines: (requestId, report, end) => [
      ...end.notes,
      ...events.ends(requestId, report, end).flatMap(render),
    ],
    render,
  }
}

const textOf = (event: PlatformEvent) => event.text()

function textLines(facts: PlatformFacts): Pick<Platform, 'endLines' | 'startLines'> {
  return {
    startLines: (requestId) => [`START RequestId: ${requestId} Version: ${facts.version}`],
    endLines: (requestId, report, end) => [
      ...end.notes,
      `END RequestId: ${requestId}`,
      textReport(requestId, report, facts.memoryMb, end),
    ],
  }
}

function jsonOf({ systemLevel = 'INFO' }: Logging): (event: PlatformEvent) => string[] {
  const least = LEVELS.indexOf(systemLevel as Level)
  return (event) => {
    if (event.onlyText || LEVELS.indexOf(event.level) < least) return EMPTY
    return [JSON.stringify(toJson(event))]
  }
}

/** The event as it is told in JSON. */
export function toJson(event: PlatformEvent) {
  return {
    time: new Date().toISOString(),
    type: `platform.${event.type}`,
    record: event.record(),
  }
}

function eventsOf(facts: PlatformFacts): Omit<Platform, 'endLines' | 'render' | 'startLines'> {
  return {
    ...beginnings(facts),
    start: (requestId) => ({
      type: 'start',
      level: 'INFO',
      text: () => textLines(facts).startLines(requestId),
      record: () => ({ requestId, version: facts.version, ...tenantOf(facts) }),
    }),
    ends: (requestId, report, end) => [
      runtimeDone(facts, { requestId, report, end }),
      ended(requestId),
      reportEvent(facts, { requestId, report, end }),
    ],
    extension: ({ name, state, events, errorType }) => ({
      type: 'extension',
      level: errorType === undefined ? 'INFO' : 'WARN',
      text: () => [
        `EXTENSION\tName: ${name}\tState: ${state}\tEvents: [${events.join(',')}]` +
          (errorType === undefined ? '' : `\tError Type: ${errorType}`),
      ],
      record: () => ({ name, state, events, ...(errorType !== undefined && { errorType }) }),
    }),
    subscription: (api, name, types) => ({
      type: `${api}Subscription`,
      level: 'INFO',
      text: () => [
        `${api.toUpperCase()}\tName: ${name}\tState: Subscribed\t` +
          `Types: [${types.map((type) => type[0]?.toUpperCase() + type.slice(1)).join(', ')}]`,
      ],
      record: () => ({ name, state: 'Subscribed', types }),
    }),
  }
}

/** Lines that came faster than somebody could take them. */
export function logsDropped(droppedBytes: number, droppedRecords: number): PlatformEvent {
  const reason =
    'Some logs were dropped because the downstream consumer is slower than the logs production rate'
  return {
    type: 'logsDropped',
    level: 'WARN',
    text: NOTHING,
    record: () => ({ droppedBytes, droppedRecords, reason }),
  }
}

/** What is told of inits and restores. */
function beginnings(facts: PlatformFacts) {
  const { initializationType, runtime, runtimeArn } = facts
  const versions = `Runtime Version: ${runtime}\tRuntime Version ARN: ${runtimeArn}`
  const instance = () => ({
    ...(runtime && { runtimeVersion: runtime, runtimeVersionArn: runtimeArn }),
    functionName: facts.functionName,
    functionVersion: facts.version,
    instanceId: facts.logStream,
    instanceMaxMemory: facts.memoryMb,
  })
  return {
    initStart: (): PlatformEvent => ({
      type: 'initStart',
      level: 'INFO',
      // A container image has no runtime of AWS's, and no such line.
      text: () => (runtime ? [`INIT_START ${versions}`] : []),
      record: () => ({ initializationType, phase: phaseOf(initializationType), ...instance() }),
    }),
    initDone: (outcome: InitOutcome) => initDone(initializationType, outcome),
    restoreStart: (): PlatformEvent => ({
      type: 'restoreStart',
      level: 'INFO',
      text: () => (runtime ? [`RESTORE_START ${versions}`] : []),
      record: instance,
    }),
    restoreDone,
  }
}

export const phaseOf = (initializationType: string): InitPhase =>
  initializationType === 'snap-start' ? 'snap-start' : 'init'

function initDone(initializationType: string, outcome: InitOutcome): PlatformEvent[] {
  const { phase, initMs, status, errorType } = outcome
  const how = { initializationType, phase, status, ...(errorType && { errorType }) }
  const isGood = status === 'success'
  const line =
    `INIT_REPORT Init Duration: ${initMs.toFixed(2)} ms\tPhase: ${phase}\tStatus: ${status}` +
    (errorType ? `\tError Type: ${errorType}` : '')
  const goodReport = initializationType === 'on-demand' ? 'DEBUG' : 'INFO'
  return [
    {
      type: 'initRuntimeDone',
      level: isGood ? 'DEBUG' : 'WARN',
      text: NOTHING,
      record: () => how,
    },
    {
      type: 'initReport',
      level: isGood ? goodReport : 'WARN',
      text: () => (isGood ? EMPTY : [line]),
      record: () => ({ ...how, metrics: { durationMs: round(initMs) } }),
    },
  ]
}

function restoreDone(restoreMs: number): PlatformEvent[] {
  const status = 'success'
  return [
    { type: 'restoreRuntimeDone', level: 'DEBUG', text: NOTHING, record: () => ({ status }) },
    {
      type: 'restoreReport',
      level: 'INFO',
      text: () => [`RESTORE_REPORT Restore Duration: ${restoreMs.toFixed(2)} ms`],
      record: () => ({ status, metrics: { durationMs: round(restoreMs) } }),
    },
  ]
}

function ended(requestId: string): PlatformEvent {
  const text = () => [`END RequestId: ${requestId}`]
  return { type: 'end', level: 'INFO', text, record: () => ({ requestId }), onlyText: true }
}

interface Over {
  requestId: string
  report: InvocationReport
  end: AttemptEnd
}

function runtimeDone(facts: PlatformFacts, { requestId, report, end }: Over): PlatformEvent {
  const status = statusOf(report)
  const durationMs = round(report.durationMs)
  const producedBytes = end.payload.length
  return {
    type: 'runtimeDone',
    level: status === 'success' ? 'DEBUG' : 'WARN',
    text: NOTHING,
    record: () => ({
      requestId,
      metrics: { durationMs, producedBytes },
      status,
      ...errorTypeOf(report, end),
      ...tenantOf(facts),
      spans: [{ name: 'responseLatency', start: startedAt(report.durationMs), durationMs }],
    }),
  }
}

function reportEvent(facts: PlatformFacts, { requestId, report, end }: Over): PlatformEvent {
  const { memoryMb } = facts
  const status = statusOf(report)
  const { extensionsMs } = end
  return {
    type: 'report',
    level: status === 'success' ? 'INFO' : 'WARN',
    text: () => [textReport(requestId, report, memoryMb, end)],
    record: () => ({
      requestId,
      metrics: {
        durationMs: round(report.durationMs),
        billedDurationMs: report.billedMs,
        memorySizeMB: memoryMb,
        maxMemoryUsedMB: report.maxMemoryMb,
        ...(report.initMs !== undefined && { initDurationMs: round(report.initMs) }),
        ...(report.restoreMs !== undefined && { restoreDurationMs: round(report.restoreMs) }),
      },
      status,
      ...errorTypeOf(report, end),
      ...tenantOf(facts),
      ...(extensionsMs !== undefined && {
        spans: [
          {
            name: 'extensionOverhead',
            start: startedAt(extensionsMs),
            durationMs: round(extensionsMs),
          },
        ],
      }),
    }),
  }
}

/** Every field is followed by a TAB, the last one too. */
function textReport(
  requestId: string,
  report: InvocationReport,
  memoryMb: number,
  end: AttemptEnd,
): string {
  const status = statusOf(report)
  const { errorType } = errorTypeOf(report, end)
  return [
    `REPORT RequestId: ${requestId}`,
    `Duration: ${report.durationMs.toFixed(2)} ms`,
    `Billed Duration: ${report.billedMs} ms`,
    `Memory Size: ${memoryMb} MB`,
    `Max Memory Used: ${report.maxMemoryMb} MB`,
    ...(report.initMs === undefined ? [] : [`Init Duration: ${report.initMs.toFixed(2)} ms`]),
    ...restored(report.restoreMs),
    ...(status === 'timeout' ? ['Status: timeout'] : []),
    ...(errorType === undefined ? [] : ['Status: error', `Error Type: ${errorType}`]),
    '',
  ].join('\t')
}

/** Billed in whole milliseconds, like everything. */
function restored(restoreMs: number | undefined): string[] {
  if (restoreMs === undefined) return []
  const billed = Math.ceil(restoreMs)
  return [`Restore Duration: ${restoreMs.toFixed(2)} ms`, `Billed Restore Duration: ${billed} ms`]
}

/** Only what ended without an answer of the function's has one. */
function errorTypeOf({ outcome }: InvocationReport, end: AttemptEnd): { errorType?: string } {
  if (outcome !== 'exited' && outcome !== 'out of memory') return {}
  return { errorType: end.errorType ?? 'Runtime.ExitError' }
}

function statusOf(report: InvocationReport): 'error' | 'success' | 'timeout' {
  if (report.outcome === 'success') return 'success'
  return report.outcome === 'timed out' ? 'timeout' : 'error'
}

const tenantOf = ({ tenantId }: PlatformFacts) => (tenantId === undefined ? {} : { tenantId })

const startedAt = (msAgo: number) => new Date(Date.now() - msAgo).toISOString()

const round = (milliseconds: number) => Math.round(milliseconds * 1000) / 1000
