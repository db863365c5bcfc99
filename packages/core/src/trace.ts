// The trace header of X-Ray and the one of W3C: two spellings of one trace. Hearth speaks X-Ray's
// between its parts and to functions, as AWS does, whatever a caller began with, and W3C's ids to
// OpenTelemetry. Pure.

/** Where in a trace a request is. */
export interface TracePlace {
  /** 32 lower-case hexadecimal digits. */
  traceId: string
  /** 16 of them: the span that the request came from. */
  parentId?: string
  /** Absent where nobody has decided yet. */
  isSampled?: boolean
}

const ROOT = /^1-([0-9a-f]{8})-([0-9a-f]{24})$/
const PARENT = /^[0-9a-f]{16}$/
const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{8})([0-9a-f]{24})-([0-9a-f]{16})-([0-9a-f]{2})/
const ZEROS = /^0+$/
const SAMPLED_FLAG = 1
const OURS = /^(root|parent|sampled)$/i

/** Undefined for a header that names no trace in X-Ray's form. */
export function readTraceHeader(header: string): TracePlace | undefined {
  const fields = new Map(fieldsOf(header).map(({ name, value }) => [name.toLowerCase(), value]))
  const [, time, rest] = ROOT.exec(fields.get('root')?.toLowerCase() ?? '') ?? []
  if (time === undefined || rest === undefined) return undefined
  const parentId = fields.get('parent')?.toLowerCase()
  const sampled = fields.get('sampled')
  return {
    traceId: time + rest,
    ...(parentId && PARENT.test(parentId) && { parentId }),
    ...((sampled === '0' || sampled === '1') && { isSampled: sampled === '1' }),
  }
}

/** X-Ray's header for a place; whatever else a former header said, its lineage too, follows. */
export function renderTraceHeader({ traceId, parentId, isSampled }: TracePlace, former = '') {
  const kept = fieldsOf(former).filter(({ name }) => !OURS.test(name))
  return [
    `Root=1-${traceId.slice(0, 8)}-${traceId.slice(8)}`,
    ...(parentId === undefined ? [] : [`Parent=${parentId}`]),
    ...(isSampled === undefined ? [] : [`Sampled=${isSampled ? 1 : 0}`]),
    ...kept.map(({ name, value }) => `${name}=${value}`),
  ].join(';')
}

/** The place that a `traceparent` header names; undefined for what W3C calls invalid. */
export function readTraceparent(header: string): TracePlace | undefined {
  const [, time = '', rest = '', parentId = '', flags = ''] = TRACEPARENT.exec(header) ?? []
  if (header.startsWith('ff') || ZEROS.test(parentId) || ZEROS.test(time + rest)) return undefined
  if (parentId === '') return undefined
  const isSampled = (Number.parseInt(flags, 16) & SAMPLED_FLAG) === SAMPLED_FLAG
  return { traceId: time + rest, parentId, isSampled }
}

function fieldsOf(header: string): { name: string; value: string }[] {
  return header.split(';').flatMap((part) => {
    const at = part.indexOf('=')
    return at < 0 ? [] : [{ name: part.slice(0, at).trim(), value: part.slice(at + 1).trim() }]
  })
}
