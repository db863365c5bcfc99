// The span of one attempt: from the moment a scheduler has it to its end, with how it found its
// environment, and in it what it waited for and what it ran. The function is given the span as its
// parent.

import type { InvokeMessage } from '@hearth/bus/messages'
import type { Traces } from '@hearth/bus/traces'
import type { InvocationReport } from '@hearth/core/invocation'

export interface AttemptSpan {
  /** The trace that the function is given. */
  readonly header: string
  /** An environment has it. */
  began(): void
  finished(report: InvocationReport): void
  failed(reason: string): void
}

/** Undefined where nobody records. */
export function openAttemptSpan(
  message: InvokeMessage,
  traces: Traces | undefined,
): AttemptSpan | undefined {
  const { functionName, version } = message
  const span = traces?.begin(functionName, message.traceId, {
    kind: 'server',
    attributes: {
      'faas.name': functionName,
      'faas.version': version.version,
      'faas.invocation_id': message.requestId,
      'cloud.resource_id': message.invokedArn,
      'hearth.attempt': message.attempt ?? 1,
    },
  })
  if (!span) return undefined
  const takenAt = Date.now()
  let begunAt: number | undefined
  return {
    header: span.header,
    began() {
      begunAt = Date.now()
    },
    finished(report) {
      const now = Date.now()
      const { start, coldReason, outcome } = report
      const facts = {
        'hearth.start': start,
        ...(coldReason && { 'hearth.cold_reason': coldReason }),
      }
      if (begunAt !== undefined) {
        span.add('start', takenAt, begunAt, facts)
        span.add('run', begunAt, now)
      }
      span.end(
        {
          ...facts,
          'faas.coldstart': coldReason !== undefined,
          'hearth.outcome': outcome,
          'hearth.billed_ms': report.billedMs,
          'hearth.max_memory_mb': report.maxMemoryMb,
          ...(report.initMs !== undefined && { 'hearth.init_ms': report.initMs }),
          ...(report.restoreMs !== undefined && { 'hearth.restore_ms': report.restoreMs }),
        },
        outcome === 'success' ? undefined : outcome,
      )
    },
    failed: (reason) => span.end({}, reason),
  }
}
