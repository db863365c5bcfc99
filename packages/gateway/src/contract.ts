// The API as AWS's own SDK states it: every operation's route, input and output, derived from the
// schemas that the SDK ships. Routes follow AWS by bumping a package. Nothing here knows what an
// operation means.

import * as sdk from '@aws-sdk/client-lambda'
import { ServiceError } from '@hearth/core/error'
import { NormalizedSchema, type OperationSchema } from '@smithy/core/schema'

type SchemaRef = Parameters<typeof NormalizedSchema.of>[0]

export interface Operation {
  name: string
  method: string
  status: number
  input: SchemaRef
  output: SchemaRef
}

export interface Matched {
  operation: Operation
  labels: Record<string, string>
}

/**
 * A request as the contract needs it; the query without its question mark, names of headers in
 * lower case.
 */
export interface WireRequest {
  labels: Record<string, string>
  query: URLSearchParams
  headers: Record<string, string | string[] | undefined>
  body: Uint8Array
}

export interface WireAnswer {
  status: number
  headers: Record<string, string>
  body: Uint8Array | string
  /** In the place of the body: sent piece by piece, until it ends or the caller goes away. */
  stream?: AsyncIterable<Uint8Array>
}

interface Template {
  operation: Operation
  segments: string[]
  /** Query parameters that the path itself demands, such as `List=ALL`. */
  query: [string, string][]
}

/** One member of an operation's input: where on the wire it is, and by which name. */
interface Part {
  name: string
  member: NormalizedSchema
  from: 'body' | 'header' | 'label' | 'payload' | 'query'
  key: string
}

const OPERATION_KIND = 9
/** Members whose numbers are doubles; the schemas do not tell them from integers. */
const FRACTIONS = new Set([
  'AdditionalVersionWeights',
  'ExecutionEnvironmentMemoryGiBPerVCpu',
  'TargetValue',
])
const templates = readTemplates()
/** By method and number of segments, so that a request is compared with a few and not with all. */
const candidates = Map.groupBy(templates, ({ operation, segments }) =>
  shapeOf(operation.method, segments),
)
/** Reading a schema costs more than reading a request by it, so each is read once. */
const inputs = new Map<Operation, readonly Part[]>()

/** All operations of the SDK, by name. */
export const OPERATIONS: ReadonlyMap<string, Operation> = new Map(
  templates.map(({ operation }) => [operation.name, operation]),
)

/** The operation that a request names, or undefined. Paths come percent-encoded. */
export function match(method: string, path: string, query: URLSearchParams): Matched | undefined {
  const segments = path.replace(/\/$/, '').split('/')
  for (const template of candidates.get(shapeOf(method, segments)) ?? []) {
    if (!template.query.every(([name, value]) => query.get(name) === value)) continue
    const labels = matchSegments(template.segments, segments)
    if (labels) return { operation: template.operation, labels }
  }
  return undefined
}

/**
 * The operation's input, in AWS's member names. @throws ServiceError for a body that is not what it
 * should be.
 */
export function parse(operation: Operation, request: WireRequest): Record<string, unknown> {
  const input: Record<string, unknown> = {}
  const body = bodyReader(request.body)
  for (const part of partsOf(operation)) {
    const value = readPart(part, request, body)
    if (value !== undefined && value !== null) input[part.name] = value
  }
  return input
}

function partsOf(operation: Operation): readonly Part[] {
  const known = inputs.get(operation)
  if (known) return known
  const schema = NormalizedSchema.of(operation.input)
  const parts = [...schema.structIterator()].map(([name, member]): Part => {
    const { httpLabel, httpQuery, httpHeader, httpPayload } = member.getMergedTraits()
    if (httpLabel) return { name, member, from: 'label', key: name }
    if (httpQuery) return { name, member, from: 'query', key: String(httpQuery) }
    if (httpHeader) return { name, member, from: 'header', key: String(httpHeader).toLowerCase() }
    return { name, member, from: httpPayload ? 'payload' : 'body', key: name }
  })
  inputs.set(operation, parts)
  return parts
}

function readPart(
  { name, member, from, key }: Part,
  request: WireRequest,
  body: () => Record<string, unknown>,
): unknown {
  switch (from) {
    case 'label':
      return readText(member, request.labels[key])
    case 'query':
      return readQuery(member, request.query, key)
    case 'header':
      return readText(member, headerOf(request, key))
    case 'payload':
      return request.body
    case 'body':
      return read(member, body()[key], name)
  }
}

/** The operation's output as an answer. */
export function render(operation: Operation, output: Record<string, unknown>): WireAnswer {
  const schema = NormalizedSchema.of(operation.output)
  const headers: Record<string, string> = {}
  const members: Record<string, unknown> = {}
  let status = operation.status
  for (const [name, member] of schema.isStructSchema() ? schema.structIterator() : []) {
    const value = output[name]
    if (value === undefined) continue
    const traits = member.getMergedTraits()
    if (traits.httpHeader) headers[String(traits.httpHeader).toLowerCase()] = String(value)
    else if (traits.httpResponseCode) status = Number(value)
    else members[name] = write(member, value)
  }
  if (status === 204) return { status, headers, body: '' }
  const body = JSON.stringify(members)
  return { status, headers: { ...headers, 'content-type': 'application/json' }, body }
}

function readTemplates(): Template[] {
  return Object.values(sdk as unknown as Record<string, unknown>)
    .filter(isOperation)
    .map(([, , name, traits, input, output]) => {
      const [method, uri, status] = (traits as { http: [string, string, number] }).http
      const [path = '', query = ''] = uri.split('?')
      return {
        operation: { name, method, status, input, output } as Operation,
        segments: path.split('/'),
        query: [...new URLSearchParams(query)],
      }
    })
    .sort((a, b) => specificity(b) - specificity(a))
}

function shapeOf(method: string, segments: readonly string[]): string {
  return `${method} ${segments.length}`
}

/** Literal parts decide before labels do. */
function specificity({ segments, query }: Template): number {
  return query.length * 100 + segments.filter((segment) => !segment.startsWith('{')).length
}

function isOperation(value: unknown): value is OperationSchema & unknown[] {
  return Array.isArray(value) && value[0] === OPERATION_KIND
}

function matchSegments(template: string[], path: string[]): Record<string, string> | undefined {
  const labels: Record<string, string> = {}
  for (const [index, segment] of template.entries()) {
    const given = path[index] ?? ''
    if (segment.startsWith('{')) {
      if (given === '') return undefined
      labels[segment.replaceAll(/[{}+]/g, '')] = decode(given)
    } else if (segment !== given) {
      return undefined
    }
  }
  return labels
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function headerOf({ headers }: WireRequest, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join(',') : value
}

function readQuery(member: NormalizedSchema, query: URLSearchParams, name: string): unknown {
  if (member.isListSchema()) return query.has(name) ? query.getAll(name) : undefined
  return readText(member, query.get(name) ?? undefined)
}

/** A value from the path, a header or the query, where everything is text. */
function readText(member: NormalizedSchema, text: string | undefined): unknown {
  if (text === undefined) return undefined
  if (member.isBooleanSchema()) return text === 'true'
  if (!member.isNumericSchema()) return text
  const number = text.trim() === '' ? Number.NaN : Number(text)
  if (Number.isSafeInteger(number)) return number
  throw serialisation(`Could not parse the request: ${member.getMemberName()} is no whole number.`)
}

/** The body is parsed at most once, and only when a member lives in it. */
function bodyReader(bytes: Uint8Array): () => Record<string, unknown> {
  let parsed: Record<string, unknown> | undefined
  return () => {
    parsed ??= readJson(bytes)
    return parsed
  }
}

function readJson(body: Uint8Array): Record<string, unknown> {
  if (body.length === 0) return {}
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (cause) {
    throw serialisation('Could not parse request body into json: the body is not JSON.', cause)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  throw serialisation('Could not parse request body into json: the body is not an object.')
}

/** A JSON value as the schema has it. Unknown members are dropped; a wrong kind is refused. */
function read(schema: NormalizedSchema, value: unknown, name: string): unknown {
  if (value === undefined || value === null) return undefined
  if (schema.isStructSchema()) {
    const given = expectRecord(value, name)
    const members: Record<string, unknown> = {}
    for (const [key, member] of schema.structIterator()) {
      const inside = read(member, given[key], key)
      if (inside !== undefined) members[key] = inside
    }
    return members
  }
  if (schema.isListSchema()) {
    if (!Array.isArray(value)) throw wrongKind(name, 'a list')
    return value.map((entry) => read(schema.getValueSchema(), entry, name))
  }
  if (schema.isMapSchema()) {
    const entries = Object.entries(expectRecord(value, name))
    return Object.fromEntries(
      entries.map(([key, entry]) => [key, read(schema.getValueSchema(), entry, name)]),
    )
  }
  return readScalar(schema, value, name)
}

function readScalar(schema: NormalizedSchema, value: unknown, name: string): unknown {
  if (schema.isBlobSchema()) {
    if (typeof value !== 'string') throw wrongKind(name, 'base64 text')
    return Buffer.from(value, 'base64')
  }
  if (schema.isTimestampSchema()) {
    const date = new Date(Number(value) * 1000)
    if (typeof value !== 'number' || Number.isNaN(date.getTime())) {
      throw wrongKind(name, 'a timestamp')
    }
    return date
  }
  if (schema.isBooleanSchema()) {
    if (typeof value !== 'boolean') throw wrongKind(name, 'a boolean')
    return value
  }
  if (schema.isNumericSchema()) {
    if (typeof value !== 'number') throw wrongKind(name, 'a number')
    // AWS's parser cuts fractions off where whole numbers are wanted.
    return FRACTIONS.has(name) ? value : Math.trunc(value)
  }
  if (schema.isStringSchema()) {
    if (typeof value === 'object') throw wrongKind(name, 'a string')
    return String(value)
  }
  return value
}

function write(schema: NormalizedSchema, value: unknown): unknown {
  if (value === undefined || value === null) return undefined
  if (value instanceof Date) return value.getTime() / 1000
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (schema.isListSchema() && Array.isArray(value)) {
    return value.map((entry) => write(schema.getValueSchema(), entry))
  }
  if (schema.isStructSchema()) {
    const given = value as Record<string, unknown>
    const members: Record<string, unknown> = {}
    for (const [name, member] of schema.structIterator()) members[name] = write(member, given[name])
    return members
  }
  return value
}

function expectRecord(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  throw wrongKind(name, 'an object')
}

const wrongKind = (name: string, kind: string) =>
  serialisation(`Could not parse request body into json: ${name} is not ${kind}.`)

const serialisation = (message: string, cause?: unknown) =>
  new ServiceError('SerializationException', message, { cause })
