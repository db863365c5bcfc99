// Spans of traces, sent to whatever speaks OTLP over HTTP. The one user of OpenTelemetry, loaded
// only where an operator names a collector. A collector that is slow or away costs spans, never an
// invocation: a bounded queue, and what does not fit is dropped.

import { randomBytes } from 'node:crypto'
import { readTraceHeader, renderTraceHeader } from '@hearth/core/trace'
import type { Attributes, Context, SpanKind } from '@opentelemetry/api'

export interface Traces {
  /**
   * Begins a span in the trace that an X-Ray header names, or in a new one, as OTEL_TRACES_SAMPLER
   * says; what the header says of sampling stands.
   */
  begin(name: string, header: string | undefined, options: SpanOptions): TraceSpan
  /** Sends what has gathered. */
  close(): Promise<void>
}

export interface SpanOptions {
  kind: 'consumer' | 'internal' | 'server'
  attributes: Attributes
}

export interface TraceSpan {
  /** X-Ray's header with this span as the parent, and all else that the former one said. */
  readonly header: string
  /** A part of it that is over, in milliseconds since the epoch. */
  add(name: string, from: number, to: number, attributes?: Attributes): void
  /** `failed` says why, if it did. */
  end(attributes?: Attributes, failed?: string): void
}

export interface TracesOptions {
  /** Base address of the collector: spans go to `/v1/traces` there. */
  endpoint: string
  serviceName: string
  /** Attributes of the process: which role it plays, and where. */
  resource: Attributes
}

const SEND_EVERY_MS = 1_000
const EXPORT_MS_MAX = 5_000
const CLOSE_MS_MAX = 3_000
const SPANS_MAX = 8_192

/** @throws what OpenTelemetry's libraries throw when they cannot be loaded. */
export async function openTraces(options: TracesOptions): Promise<Traces> {
  const api = await import('@opentelemetry/api')
  const { BasicTracerProvider, BatchSpanProcessor } = await import('@opentelemetry/sdk-trace-base')
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http')
  const { resourceFromAttributes } = await import('@opentelemetry/resources')
  const exporter = new OTLPTraceExporter({
    url: `${options.endpoint.replace(/\/+$/, '')}/v1/traces`,
    timeoutMillis: EXPORT_MS_MAX,
  })
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': options.serviceName, ...options.resource }),
    idGenerator: { generateTraceId, generateSpanId },
    spanProcessors: [
      new BatchSpanProcessor(exporter, {
        scheduledDelayMillis: SEND_EVERY_MS,
        maxQueueSize: SPANS_MAX,
        exportTimeoutMillis: EXPORT_MS_MAX,
      }),
    ],
  })
  const tracer = provider.getTracer('hearth')
  const contextOf = (header: string | undefined): Context => {
    const place = header === undefined ? undefined : readTraceHeader(header)
    if (!place) return api.ROOT_CONTEXT
    // Whoever named a trace and decided nothing wants it to be seen.
    const { traceId, parentId = generateSpanId(), isSampled = true } = place
    const traceFlags = isSampled ? api.TraceFlags.SAMPLED : api.TraceFlags.NONE
    const parent = { traceId, spanId: parentId, traceFlags, isRemote: true }
    return api.trace.setSpanContext(api.ROOT_CONTEXT, parent)
  }
  return {
    begin(name, header, { kind, attributes }) {
      const from = contextOf(header)
      const span = tracer.startSpan(name, { kind: KINDS[kind](api.SpanKind), attributes }, from)
      const { traceId, spanId, traceFlags } = span.spanContext()
      const isSampled = traceFlags === api.TraceFlags.SAMPLED
      const within = api.trace.setSpan(from, span)
      return {
        header: renderTraceHeader({ traceId, parentId: spanId, isSampled }, header),
        add(part, startTime, endTime, own = {}) {
          tracer.startSpan(part, { startTime, attributes: own }, within).end(endTime)
        },
        end(last = {}, failed) {
          span.setAttributes(last)
          if (failed !== undefined) {
            span.setStatus({ code: api.SpanStatusCode.ERROR, message: failed })
          }
          span.end()
        },
      }
    },
    async close() {
      const late = new Promise((resolve) => setTimeout(resolve, CLOSE_MS_MAX).unref())
      await Promise.race([provider.shutdown().catch(() => {}), late])
    },
  }
}

const KINDS = {
  consumer: (kinds: typeof SpanKind) => kinds.CONSUMER,
  internal: (kinds: typeof SpanKind) => kinds.INTERNAL,
  server: (kinds: typeof SpanKind) => kinds.SERVER,
}

const generateSpanId = () => randomBytes(8).toString('hex')

/** Begins with the time in seconds, as X-Ray's ids do. */
function generateTraceId(): string {
  const seconds = Math.floor(Date.now() / 1000)
  return seconds.toString(16).padStart(8, '0') + randomBytes(12).toString('hex')
}
