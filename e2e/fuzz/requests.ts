// One request of the fuzz: what is asked of which service, as the bytes that would be sent.
// Lambda's own are laid out by the SDK's schema, without the SDK, which would refuse to send most
// of them.

import { Sha256 } from '@aws-crypto/sha256-js'
import { NormalizedSchema } from '@smithy/core/schema'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Operation } from '../../packages/gateway/src/contract.ts'
import { KEYS } from '../hearth.ts'

export type Service = 'application-autoscaling' | 'iam' | 'lambda' | 'logs' | 'sts'

export interface Asked {
  service: Service
  operation: string
  method: string
  /** Percent-encoded. */
  path: string
  query: [string, string][]
  headers: Record<string, string>
  body: Buffer
}

export interface Signed extends Omit<Asked, 'query'> {
  /** Path and query. */
  url: string
}

export type Members = Record<string, unknown>

const HEAD_TEXT_MAX = 2_000
const signers = new Map<Service, SignatureV4>()

/** The request that this input would be, each member where the model has it. */
export function lambdaRequest(operation: Operation, uri: string, input: Members): Asked {
  const [template = '', fixed = ''] = uri.split('?')
  const asked: Asked = {
    service: 'lambda',
    operation: operation.name,
    method: operation.method,
    path: template,
    query: [...new URLSearchParams(fixed)],
    headers: {},
    body: Buffer.alloc(0),
  }
  const inside: Members = {}
  for (const [name, member] of NormalizedSchema.of(operation.input).structIterator()) {
    const value = input[name]
    const { httpLabel, httpQuery, httpHeader, httpPayload } = member.getMergedTraits()
    if (httpLabel) {
      const place = new RegExp(`\\{${name}\\+?\\}`)
      asked.path = asked.path.replace(place, () => encodeURIComponent(wellFormed(value)))
    } else if (value === undefined) continue
    else if (httpQuery) asked.query.push(...queryOf(String(httpQuery), value))
    else if (httpHeader) asked.headers[String(httpHeader).toLowerCase()] = headerText(value)
    else if (httpPayload) asked.body = bytesOf(value)
    else inside[name] = value
  }
  if (Object.keys(inside).length > 0) asked.body = Buffer.from(toJson(inside))
  return asked
}

export function targetRequest(service: Service, target: string, input: unknown): Asked {
  return {
    service,
    operation: target,
    method: 'POST',
    path: '/',
    query: [],
    headers: { 'x-amz-target': target, 'content-type': 'application/x-amz-json-1.1' },
    body: Buffer.from(toJson(input)),
  }
}

export function queryRequest(service: Service, form: [string, string][]): Asked {
  const text = form.map((pair) =>
    pair.map((part) => encodeURIComponent(wellFormed(part))).join('='),
  )
  return {
    service,
    operation: `${service}:${form.find(([name]) => name === 'Action')?.[1]}`,
    method: 'POST',
    path: '/',
    query: [],
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: Buffer.from(text.join('&')),
  }
}

/** With a good signature, so that what is refused is refused for what it says. */
export async function sign(asked: Asked, endpoint: string): Promise<Signed> {
  const { host, hostname } = new URL(endpoint)
  const { service, method, path, body } = asked
  const signer =
    signers.get(service) ??
    new SignatureV4({ credentials: KEYS, region: 'us-east-1', service, sha256: Sha256 })
  signers.set(service, signer)
  const query: Record<string, string[]> = {}
  for (const [name, value] of asked.query) query[name] = [...(query[name] ?? []), value]
  const { headers } = await signer.sign({
    method,
    protocol: 'http:',
    hostname,
    path,
    query,
    headers: { host, ...asked.headers },
    body,
  })
  const text = Object.entries(query)
    .flatMap(([name, values]) => values.map((value) => `${encode(name)}=${encode(value)}`))
    .join('&')
  return { ...asked, headers, url: text === '' ? path : `${path}?${text}` }
}

/** Blobs travel as base64 and times as seconds. */
function toJson(value: unknown): string {
  return JSON.stringify(value, function (this: Members, key, shown) {
    const own = this[key]
    if (own instanceof Uint8Array) return Buffer.from(own).toString('base64')
    return own instanceof Date ? own.getTime() / 1000 : shown
  })
}

function queryOf(name: string, value: unknown): [string, string][] {
  const values = Array.isArray(value) ? value : [value]
  return values.map((one) => [name, wellFormed(one)])
}

/** Only what a client can put into a header: the rest would never leave it. */
const headerText = (value: unknown) =>
  plain(value)
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .trim()

/** Half a surrogate pair has no bytes. */
const wellFormed = (value: unknown) => Buffer.from(plain(value)).toString()

/** As text, and short enough for the head of a request. */
function plain(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  const text = typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
  return text.slice(0, HEAD_TEXT_MAX)
}

const bytesOf = (value: unknown) =>
  value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(JSON.stringify(value) ?? '')

const encode = (text: string) =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
