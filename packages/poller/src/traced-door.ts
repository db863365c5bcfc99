// The door with spans: each attempt at an event, and each batch of a mapping, is a part of the
// trace that it came with, or begins one. What runs has the span as its parent.

import type { Traces } from '@hearth/bus/traces'
import type { InvocationRequest, InvocationResult } from '@hearth/core/invocation'

type Invoke = (request: InvocationRequest) => Promise<InvocationResult>

/** `what` is the span's name before the function's: `event` or `batch`. */
export function traced(what: string, invoke: Invoke, traces: Traces | undefined): Invoke {
  if (!traces) return invoke
  return async (request) => {
    const span = traces.begin(`${what} ${request.functionName}`, request.traceId, {
      kind: 'consumer',
      attributes: {
        'faas.invoked_name': request.functionName,
        'faas.invocation_id': request.requestId,
        'hearth.attempt': request.attempt ?? 1,
      },
    })
    try {
      const result = await invoke({ ...request, traceId: span.header })
      span.end({}, result.functionError === undefined ? undefined : result.report.outcome)
      return result
    } catch (error) {
      span.end({}, error instanceof Error ? error.message : String(error))
      throw error
    }
  }
}
