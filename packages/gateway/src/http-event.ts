// Function URLs in both directions: an HTTP request as the event that a function receives (payload
// 2.0), and a function's result as an HTTP answer. Pure; AWS's rules for text and binary, cookies
// and bare values.

export interface HttpFacts {
  requestId: string
  urlId: string
  domainName: string
  method: string
  /** Percent-encoded, as it came. */
  path: string
  /** Without the question mark, as it came. */
  query: string
  /** Names in lower case; repeated headers listed. */
  headers: Record<string, string | string[] | undefined>
  body: Uint8Array
  sourceIp: string
  protocol: string
  traceId: string
  /** Who signed, where somebody had to. */
  signer?: Signer
  port: number
  /** Milliseconds since the epoch. */
  now: number
}

export interface Signer {
  accessKeyId: string
  account: string
  arn: string
  userId: string
}

export interface HttpHead {
  status: number
  headers: Record<string, string | string[]>
}

export interface HttpAnswer extends HttpHead {
  body: Uint8Array | string
}

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')
/** Bodies of these content types arrive as text; all others, forms among them, as base64. */
const TEXT = /^(text\/|application\/(json|javascript|xml|[^;]*\+(json|xml))($|;|\s))/

/** The event of payload format 2.0. */
export function toEvent(facts: HttpFacts): Record<string, unknown> {
  const { headers: given } = facts
  const cookies = listOf(given.cookie).flatMap((value) => value.split(/;\s*/))
  const query = queryOf(facts.query)
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: facts.path,
    rawQueryString: facts.query,
    ...(cookies.length > 0 && { cookies }),
    headers: headersOf(facts),
    ...(Object.keys(query).length > 0 && { queryStringParameters: query }),
    requestContext: {
      accountId: facts.signer?.account ?? 'anonymous',
      apiId: facts.urlId,
      ...(facts.signer && { authorizer: { iam: viewSigner(facts.signer) } }),
      domainName: facts.domainName,
      domainPrefix: facts.urlId,
      http: {
        method: facts.method,
        path: decode(facts.path),
        protocol: facts.protocol,
        sourceIp: facts.sourceIp,
        userAgent: listOf(given['user-agent']).join(','),
      },
      requestId: facts.requestId,
      routeKey: '$default',
      stage: '$default',
      time: clfTime(facts.now),
      timeEpoch: facts.now,
    },
    ...bodyOf(facts),
  }
}

function viewSigner({ accessKeyId, account, arn, userId }: Signer) {
  return {
    accessKey: accessKeyId,
    accountId: account,
    callerId: userId,
    cognitoIdentity: null,
    principalOrgId: null,
    userArn: arn,
    userId,
  }
}

function headersOf(facts: HttpFacts): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(facts.headers)) {
    if (value === undefined || name === 'connection') continue
    headers[name] = listOf(value).join(name === 'cookie' ? '; ' : ',')
  }
  return {
    ...headers,
    'x-amzn-trace-id': facts.traceId,
    'x-forwarded-for': facts.sourceIp,
    'x-forwarded-port': String(facts.port),
    'x-forwarded-proto': 'http',
  }
}

function queryOf(query: string): Record<string, string> {
  const values = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(query)) {
    const earlier = values.get(name)
    values.set(name, earlier === undefined ? value : `${earlier},${value}`)
  }
  return Object.fromEntries(values)
}

function bodyOf({ body, headers }: HttpFacts): Record<string, unknown> {
  if (body.length === 0) return { isBase64Encoded: false }
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length)
  const isText = TEXT.test(listOf(headers['content-type'])[0] ?? '')
  return isText
    ? { body: bytes.toString('utf8'), isBase64Encoded: false }
    : { body: bytes.toString('base64'), isBase64Encoded: true }
}

/** `12/Mar/2020:19:03:58 +0000`. */
function clfTime(now: number): string {
  const date = new Date(now)
  const two = (number: number) => String(number).padStart(2, '0')
  const day = `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}`
  return `${day}:${date.toISOString().slice(11, 19)} +0000`
}

/** What a caller of the URL gets for a result; a failed function is a 502 that tells nothing. */
export function toAnswer(payload: Uint8Array, failed: boolean): HttpAnswer {
  if (failed) return badGateway()
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('utf8')
  let result: unknown
  try {
    result = JSON.parse(text)
  } catch {
    return badGateway()
  }
  if (isResponse(result)) return structured(result)
  const body = typeof result === 'string' ? result : JSON.stringify(result)
  return { status: 200, headers: { 'content-type': 'application/json' }, body }
}

interface StructuredHead {
  statusCode?: unknown
  headers?: Record<string, unknown> | null
  cookies?: unknown
}

interface StructuredResult extends StructuredHead {
  body?: unknown
  isBase64Encoded?: unknown
}

function isResponse(result: unknown): result is StructuredResult {
  return typeof result === 'object' && result !== null && 'statusCode' in result
}

function structured(result: StructuredResult): HttpAnswer {
  const head = readHead(result, 'application/json')
  return head ? { ...head, body: bodyBytes(result) } : badGateway()
}

/** The head that a prelude asks for. @throws Error when it is no head. */
export function headOf(prelude: unknown): HttpHead {
  const given = typeof prelude === 'object' && prelude !== null ? prelude : {}
  const head = readHead({ statusCode: 200, ...given }, 'application/octet-stream')
  if (!head) throw new Error('the prelude names no status')
  return head
}

function readHead(given: StructuredHead, contentType: string): HttpHead | undefined {
  const status = Number(given.statusCode)
  if (!Number.isInteger(status) || status < 100 || status > 599) return undefined
  const headers: Record<string, string | string[]> = { 'content-type': contentType }
  for (const [name, value] of Object.entries(given.headers ?? {})) {
    if (isHeader(name, value)) headers[name.toLowerCase()] = String(value)
  }
  if (Array.isArray(given.cookies)) headers['set-cookie'] = given.cookies.map(oneLine)
  return { status, headers }
}

function bodyBytes({ body, isBase64Encoded }: StructuredResult): Uint8Array | string {
  if (body === undefined || body === null) return ''
  if (typeof body !== 'string') return JSON.stringify(body)
  return isBase64Encoded === true ? Buffer.from(body, 'base64') : body
}

/** Header names that HTTP allows, and that are not the connection's own. */
function isHeader(name: string, value: unknown): boolean {
  const scalar =
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  const connection = /^(connection|content-length|keep-alive|transfer-encoding|upgrade)$/i
  return (
    scalar && /^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(name) && !connection.test(name) && isClean(value)
  )
}

const isClean = (value: unknown) => !/[\r\n\0]/.test(String(value))
const oneLine = (value: unknown) => String(value).replaceAll(/[\r\n\0]/g, '')

export function badGateway(): HttpAnswer {
  return {
    status: 502,
    headers: { 'content-type': 'application/json' },
    body: 'Internal Server Error',
  }
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

function listOf(value: string | string[] | undefined): string[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value]
}
