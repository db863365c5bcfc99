// A collector of spans: OTLP over HTTP in JSON, as OpenTelemetry's exporters send it, flattened to
// what tests look at.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface CollectedSpan {
  name: string
  traceId: string
  spanId: string
  parentSpanId: string
  /** In OTLP's numbers: 2 is a server's span, 5 a consumer's. */
  kind: number
  /** 2 is an error. */
  status: number
  attributes: Record<string, unknown>
  /** Milliseconds since the epoch. */
  from: number
  to: number
  /** Of the process that sent it. */
  roles: unknown
}

export interface SpanCollector {
  url: string
  spans: CollectedSpan[]
  close(): Promise<void>
}

type Value = { arrayValue?: { values: Value[] } } & Record<string, unknown>
interface Attribute {
  key: string
  value: Value
}

export async function startSpanCollector(): Promise<SpanCollector> {
  const spans: CollectedSpan[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (request.url === '/v1/traces') spans.push(...read(Buffer.concat(chunks).toString()))
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    async close() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

function read(text: string): CollectedSpan[] {
  const { resourceSpans } = JSON.parse(text)
  return resourceSpans.flatMap((resource: { resource: { attributes: Attribute[] } } & Scoped) => {
    const roles = valuesOf(resource.resource.attributes)['hearth.roles']
    return resource.scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        name: span.name,
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? '',
        kind: span.kind,
        status: span.status.code ?? 0,
        attributes: valuesOf(span.attributes),
        from: Number(span.startTimeUnixNano) / 1e6,
        to: Number(span.endTimeUnixNano) / 1e6,
        roles,
      })),
    )
  })
}

interface Scoped {
  scopeSpans: { spans: OtlpSpan[] }[]
}

interface OtlpSpan {
  name: string
  traceId: string
  spanId: string
  parentSpanId?: string
  kind: number
  status: { code?: number }
  attributes: Attribute[]
  startTimeUnixNano: string
  endTimeUnixNano: string
}

const valuesOf = (attributes: Attribute[]) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]))

function plain(value: Value): unknown {
  if (value.arrayValue) return value.arrayValue.values.map(plain)
  return Object.values(value)[0]
}
