// Signature Version 4, verified: whether a request was signed with a key that we know, for this
// region and service, now. Header and presigned forms. The clock is an argument; signing keys are
// cached for their day.

import { createHmac, createSecretKey, hash, type KeyObject, timingSafeEqual } from 'node:crypto'
import { ServiceError } from '@hearth/core/error'
import type { Identity } from './identities.ts'

export interface SignedHead {
  method: string
  /** Percent-encoded, as it came. */
  path: string
  /** Without the question mark, as it came. */
  query: string
  headers: Record<string, string | string[] | undefined>
}

export interface SignedRequest extends SignedHead {
  body: Uint8Array
}

export interface VerifierOptions<K extends { secret: string }> {
  region: string
  /** Services whose signatures are accepted. */
  services: readonly string[]
  /** Services that have no region, and are signed for AWS's first. */
  global?: readonly string[]
  /** Whose an access key is, with its secret, or undefined when there is none. */
  find(accessKeyId: string, sessionToken: string | undefined, now: number): K | undefined
}

export interface Verify<K = Identity> {
  /** @returns the owner of the key that a request was signed with. */
  (request: SignedRequest, now: number): K
  /**
   * What can be said before the body is there: whether somebody whom we know claims to have signed
   * it, for here and for now. Whether he has, only the body tells.
   */
  head(request: SignedHead, now: number): void
}

interface Claim {
  accessKeyId: string
  /** `YYYYMMDD`, region, service, `aws4_request`. */
  scope: [string, string, string, string]
  signedHeaders: string[]
  signature: string
  /** `YYYYMMDDTHHMMSSZ`. */
  date: string
  presigned: boolean
  expiresSeconds: number
  sessionToken: string | undefined
}

/** Where services that have no region are. */
const GLOBAL_REGION = 'us-east-1'
const ALGORITHM = 'AWS4-HMAC-SHA256'
const SKEW_MS = 5 * 60 * 1000
const PRESIGNED_SECONDS_MAX = 7 * 24 * 3600
const KEYS_MAX = 1000
const UNSIGNED = 'UNSIGNED-PAYLOAD'
const UNRESERVED = /^[\w.~-]*$/

/** @returns what gives the identity or throws the ServiceError that AWS would answer. */
export function createVerifier<K extends { secret: string }>(
  options: VerifierOptions<K>,
): Verify<K> {
  const keys = new Map<string, KeyObject>()
  const signingKey = (secret: string, claim: Claim): KeyObject => {
    const id = `${claim.accessKeyId}/${claim.scope.join('/')}`
    const known = keys.get(id)
    if (known) return known
    if (keys.size >= KEYS_MAX) keys.clear()
    const key = claim.scope.reduce(
      (derived, part) => createSecretKey(hmac(derived, part).digest()),
      createSecretKey(`AWS4${secret}`, 'utf8'),
    )
    keys.set(id, key)
    return key
  }
  const readHead = (request: SignedHead, now: number) => {
    const claim = readClaim(request)
    const known = options.find(claim.accessKeyId, claim.sessionToken, now)
    if (!known) {
      throw refuse(
        'UnrecognizedClientException',
        'The security token included in the request is invalid.',
      )
    }
    requireScope(claim, options)
    requireFresh(claim, now)
    requireSignedHeaders(claim, request)
    return { claim, known }
  }
  const verify = (request: SignedRequest, now: number) => {
    const { claim, known } = readHead(request, now)
    const canonical = canonicalRequest(claim, request)
    const toSign = [ALGORITHM, claim.date, claim.scope.join('/'), sha256(canonical)].join('\n')
    const expected = hmac(signingKey(known.secret, claim), toSign).digest('hex')
    if (!equal(expected, claim.signature)) throw mismatch()
    return known
  }
  return Object.assign(verify, {
    head: (request: SignedHead, now: number) => void readHead(request, now),
  })
}

function readClaim(request: SignedHead): Claim {
  const authorization = header(request, 'authorization')
  if (authorization !== undefined) return readHeaderClaim(authorization, request)
  const query = new URLSearchParams(request.query)
  if (query.has('X-Amz-Signature')) return readQueryClaim(query)
  throw refuse('MissingAuthenticationTokenException', 'Missing Authentication Token')
}

function readHeaderClaim(authorization: string, request: SignedHead): Claim {
  const [algorithm = '', rest = ''] = split(authorization, ' ')
  if (algorithm !== ALGORITHM) {
    throw refuse('IncompleteSignatureException', `Unsupported AWS 'algorithm': '${algorithm}'.`)
  }
  const fields = new Map(rest.split(',').map((part) => split(part.trim(), '=')))
  const need = (name: string) => {
    const value = fields.get(name)
    if (value) return value
    throw refuse(
      'IncompleteSignatureException',
      `Authorization header requires '${name}' parameter. Authorization=${authorization}`,
    )
  }
  const date = header(request, 'x-amz-date')
  if (!date) {
    throw refuse(
      'IncompleteSignatureException',
      "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. " +
        `Authorization=${authorization}`,
    )
  }
  return {
    ...readCredential(need('Credential')),
    signedHeaders: need('SignedHeaders').toLowerCase().split(';'),
    signature: need('Signature'),
    date,
    presigned: false,
    expiresSeconds: 0,
    sessionToken: header(request, 'x-amz-security-token'),
  }
}

function readQueryClaim(query: URLSearchParams): Claim {
  const need = (name: string) => {
    const value = query.get(name)
    if (value) return value
    throw refuse(
      'IncompleteSignatureException',
      `AWS query-string parameters must include '${name}'.`,
    )
  }
  const expiresSeconds = Number(need('X-Amz-Expires'))
  if (!(expiresSeconds > 0 && expiresSeconds <= PRESIGNED_SECONDS_MAX)) {
    throw refuse('IncompleteSignatureException', 'X-Amz-Expires must be between 1 and 604800.')
  }
  return {
    ...readCredential(need('X-Amz-Credential')),
    signedHeaders: need('X-Amz-SignedHeaders').toLowerCase().split(';'),
    signature: need('X-Amz-Signature'),
    date: need('X-Amz-Date'),
    presigned: true,
    expiresSeconds,
    sessionToken: query.get('X-Amz-Security-Token') ?? undefined,
  }
}

function readCredential(credential: string): Pick<Claim, 'accessKeyId' | 'scope'> {
  const parts = credential.split('/')
  const [accessKeyId = '', day = '', region = '', service = '', end = ''] = parts
  if (parts.length !== 5 || accessKeyId === '') {
    throw refuse(
      'IncompleteSignatureException',
      `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${credential}'`,
    )
  }
  return { accessKeyId, scope: [day, region, service, end] }
}

type Scopes = Pick<VerifierOptions<never>, 'global' | 'region' | 'services'>

function requireScope({ scope, date }: Claim, options: Scopes): void {
  const [day, region, service, end] = scope
  const isGlobal = region === GLOBAL_REGION && options.global?.includes(service)
  if (region !== options.region && !isGlobal) {
    throw refuse(
      'InvalidSignatureException',
      `Credential should be scoped to a valid region, not '${region}'. `,
    )
  }
  if (!options.services.includes(service)) {
    throw refuse(
      'InvalidSignatureException',
      `Credential should be scoped to correct service: '${options.services[0]}'. `,
    )
  }
  if (end !== 'aws4_request' || !date.startsWith(day)) {
    throw refuse(
      'InvalidSignatureException',
      'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP',
    )
  }
}

function requireFresh(claim: Claim, now: number): void {
  const signed = parseDate(claim.date)
  if (Number.isNaN(signed)) {
    throw refuse(
      'IncompleteSignatureException',
      `Date must be in ISO-8601 'basic format'. Got '${claim.date}'. See https://en.wikipedia.org/wiki/ISO_8601`,
    )
  }
  const lastMs = claim.presigned ? claim.expiresSeconds * 1000 : SKEW_MS
  if (now - signed > lastMs) {
    const least = formatDate(now - lastMs)
    throw refuse(
      'InvalidSignatureException',
      `Signature expired: ${claim.date} is now earlier than ${least} (${formatDate(now)} - ${lastMs / 60_000} min.)`,
    )
  }
  if (signed - now > SKEW_MS) {
    const most = formatDate(now + SKEW_MS)
    throw refuse(
      'InvalidSignatureException',
      `Signature not yet current: ${claim.date} is still later than ${most} (${formatDate(now)} + 5 min.)`,
    )
  }
}

/**
 * The host and every x-amz- header must be under the signature, or others could change what they
 * say.
 */
function requireSignedHeaders(claim: Claim, request: SignedHead): void {
  const must = Object.keys(request.headers).filter((name) => name.startsWith('x-amz-'))
  for (const name of ['host', ...must]) {
    if (!claim.signedHeaders.includes(name)) {
      throw refuse(
        'InvalidSignatureException',
        `'${name}' must be a 'SignedHeader' in the AWS Authorization.`,
      )
    }
  }
}

function canonicalRequest(claim: Claim, request: SignedRequest): string {
  const headers = claim.signedHeaders.map((name) => {
    const value = header(request, name) ?? ''
    return `${name}:${value.trim().replaceAll(/ +/g, ' ')}\n`
  })
  return [
    request.method,
    canonicalPath(request.path),
    canonicalQuery(request.query),
    headers.join(''),
    claim.signedHeaders.join(';'),
    payloadHash(claim, request),
  ].join('\n')
}

/** The body's own hash: a header that claims another one is a mismatch. */
function payloadHash(claim: Claim, request: SignedRequest): string {
  const claimed = header(request, 'x-amz-content-sha256')
  if (claim.presigned && (claimed === undefined || claimed === UNSIGNED)) {
    // A presigned address is made before the body is known.
    return claimed ?? sha256(request.body)
  }
  const actual = sha256(request.body)
  if (claimed !== undefined && claimed !== actual) throw mismatch()
  return actual
}

/** Services other than S3 sign the path encoded once more. */
function canonicalPath(path: string): string {
  const normal = path.split('/').reduce((kept: string[], segment) => {
    if (segment === '..') kept.pop()
    else if (segment !== '.' && segment !== '') kept.push(encode(segment))
    return kept
  }, [])
  const tail = path.endsWith('/') && normal.length > 0 ? '/' : ''
  return `/${normal.join('/')}${tail}`
}

function canonicalQuery(query: string): string {
  if (query === '') return ''
  return query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => split(part, '=').map((text) => encode(decode(text))) as [string, string])
    .filter(([name]) => name !== 'X-Amz-Signature')
    .sort(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

/** RFC 3986: everything but the unreserved characters. */
function encode(text: string): string {
  if (UNRESERVED.test(text)) return text
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function split(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

function header(request: SignedHead, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(',') : value
}

function parseDate(date: string): number {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date) ?? []
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
}

function formatDate(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`
}

function equal(expected: string, given: string): boolean {
  const a = Buffer.from(expected)
  const b = Buffer.from(given)
  return a.length === b.length && timingSafeEqual(a, b)
}

/** Node takes a key object six times faster than the same key as bytes. */
const hmac = (key: KeyObject, text: string) => createHmac('sha256', key).update(text)
const sha256 = (data: string | Uint8Array) => hash('sha256', data)

const refuse = (code: ConstructorParameters<typeof ServiceError>[0], message: string) =>
  new ServiceError(code, message)

const mismatch = () =>
  refuse(
    'InvalidSignatureException',
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret ' +
      'Access Key and signing method. Consult the service documentation for details.',
  )
