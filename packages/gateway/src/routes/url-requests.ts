// Requests to function URLs: `<id>.lambda-url.<region>.<any domain>`, or `/function-urls/<id>/...`
// where names cannot be resolved. Each becomes an event, goes through the door, and comes back by
// AWS's response rules.

import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { functionArn, type Place } from '@hearth/core/arn'
import { nameOf } from '@hearth/core/authorisation'
import { ServiceError } from '@hearth/core/error'
import { aliasOf, type FunctionDocument } from '@hearth/core/function'
import { type FunctionUrl, urlsOf } from '@hearth/core/function-url'
import { type InvocationRequest, SYNC_PAYLOAD_BYTES_MAX } from '@hearth/core/invocation'
import { requireUrlInvoke, sourceIpOf } from '../access.ts'
import type { Room } from '../body-room.ts'
import { type CorsRequest, corsHeaders, isPreflight } from '../cors.ts'
import { isLarge, readBody, send, sendAnswer, splitUrl } from '../http.ts'
import { type HttpAnswer, type Signer, toAnswer, toEvent } from '../http-event.ts'
import type { Identity } from '../identities.ts'
import { counted } from '../trace.ts'
import { SANDBOX, withOwn } from '../url-headers.ts'
import { renderError } from '../wire-errors.ts'
import { type InvokeParts, startHeader } from './invoke.ts'
import { streamAnswer } from './url-streams.ts'

/** A request's target: which URL, and which path of it. */
export interface UrlTarget {
  urlId: string
  url: string
  domainName: string
  /** By a path: browsers take it for one site with the rest of the gateway. */
  sharesOrigin: boolean
}

/** Whose it is; `qualifier` is an alias. */
interface FoundUrl {
  document: FunctionDocument
  url: FunctionUrl
  qualifier?: string
}

const HOST = /^([a-z0-9]{32})\.lambda-url\.[a-z0-9-]+\./
const PATH = /^\/function-urls\/([a-z0-9]{32})(\/.*|\?.*|)$/

/** The function URL that a request is for, if it is for one. */
export function urlTarget(request: IncomingMessage): UrlTarget | undefined {
  const host = request.headers.host ?? ''
  const url = request.url ?? '/'
  const byHost = HOST.exec(host)?.[1]
  if (byHost) {
    const domainName = host.replace(/:\d+$/, '')
    return { urlId: byHost, url, domainName, sharesOrigin: false }
  }
  const [, urlId, rest = ''] = PATH.exec(url) ?? []
  if (!urlId) return undefined
  const domainName = `${urlId}.lambda-url.localhost`
  const path = rest.startsWith('/') ? rest : `/${rest}`
  return { urlId, url: path, domainName, sharesOrigin: true }
}

export async function handleUrlRequest(
  request: IncomingMessage,
  response: ServerResponse,
  work: { target: UrlTarget; parts: InvokeParts; besidePages: boolean },
): Promise<void> {
  const requestId = randomUUID()
  const apart = work.besidePages ? SANDBOX : {}
  try {
    const found = findUrl(work.parts, work.target.urlId)
    if (!found) return send(response, unknownUrl(requestId))
    const { cors } = found.url
    const asked = corsRequest(request)
    const headers = { ...corsHeaders(cors, asked), ...apart }
    if (cors && isPreflight(asked)) {
      request.resume()
      return send(response, { status: 200, headers, body: '' })
    }
    const invocation = await toInvocation(request, { ...work, ...found, requestId })
    await run(response, { ...work, ...found, invocation, headers })
  } catch (error) {
    work.parts.refused(error)
    if (response.headersSent) response.destroy()
    else send(response, renderUrlError(error, requestId))
  }
}

function corsRequest({ method = 'GET', headers }: IncomingMessage): CorsRequest {
  const requestedMethod = headers['access-control-request-method']
  return { method, origin: headers.origin, requestedMethod }
}

async function run(
  response: ServerResponse,
  work: {
    parts: InvokeParts
    url: FunctionUrl
    invocation: InvocationRequest
    headers: Record<string, string>
  },
): Promise<void> {
  const { invocation, parts, url } = work
  const { requestId, traceId = '' } = invocation
  const own = { 'x-amzn-requestid': requestId, 'x-amzn-trace-id': traceId, ...work.headers }
  if (url.invokeMode === 'RESPONSE_STREAM') {
    const room = roomOf(url, parts)
    return streamAnswer(response, { invocation, parts, headers: own, room })
  }
  const result = await parts.door.invoke(invocation)
  const made = toAnswer(result.payload, result.functionError !== undefined)
  const head = withOwn(made.headers, { ...own, ...startHeader(result.report) })
  sendAnswer(response, { ...made, headers: head }, roomOf(url, parts))
}

async function toInvocation(
  request: IncomingMessage,
  work: FoundUrl & { requestId: string; target: UrlTarget; parts: InvokeParts },
): Promise<InvocationRequest> {
  const { requestId, target, document, qualifier, parts } = work
  const { path, query } = splitUrl(target.url)
  const now = Date.now()
  const { account, name } = document
  const place = { account, region: parts.region }
  const invokedArn = functionArn(place, name, qualifier)
  // A URL outlives its alias, as on AWS, and leads nowhere.
  if (qualifier !== undefined && !aliasOf(document, qualifier)) {
    throw new ServiceError('AccessDeniedException', FORBIDDEN)
  }
  const qualified = qualifier === undefined ? {} : { qualifier }
  const invoked = { arn: invokedArn, document, url: work.url, ...qualified }
  const { body, identity } = await receive(request, { place, invoked, parts })
  const traceId = counted(parts.traces.of(request, now), invokedArn, document)
  const event = toEvent({
    requestId,
    urlId: target.urlId,
    domainName: target.domainName,
    method: request.method ?? 'GET',
    path,
    query,
    // Node joins repeated headers by a comma and a blank, AWS by the comma alone.
    headers: request.headersDistinct,
    body,
    sourceIp: sourceIpOf(request),
    ...(identity && { signer: viewOf(identity) }),
    protocol: `HTTP/${request.httpVersion}`,
    traceId,
    port: request.socket.localPort ?? 0,
    now,
  })
  return {
    requestId,
    kind: 'url',
    account,
    functionName: name,
    invokedArn,
    payload: Buffer.from(JSON.stringify(event)),
    traceId,
    wantsLogTail: false,
    ...qualified,
  }
}

/** Who may not is told so as soon as it is known: nobody's body is kept for a refusal. */
async function receive(
  request: IncomingMessage,
  work: {
    place: Place
    invoked: Parameters<typeof requireUrlInvoke>[1]
    parts: Pick<InvokeParts, 'bodies' | 'verify'>
  },
): Promise<{ body: Uint8Array; identity?: Identity }> {
  const { place, invoked, parts } = work
  const isSigned = isForSigners(invoked.url)
  const { path, query } = splitUrl(request.url ?? '/')
  const { method = 'GET', headers } = request
  const head = { method, path, query, headers }
  if (!isSigned) requireUrlInvoke({ place, request }, invoked)
  else if (isLarge(request)) orForbidden(() => parts.verify.head(head, Date.now()))
  const body = await readBody(request, SYNC_PAYLOAD_BYTES_MAX, roomOf(invoked.url, parts))
  if (!body) throw new ServiceError('RequestEntityTooLargeException', 'Request Entity Too Large')
  if (!isSigned) return { body }
  const identity = orForbidden(() => parts.verify({ ...head, body }, Date.now()))
  requireUrlInvoke({ place, request, identity }, invoked)
  return { body, identity }
}

const isForSigners = ({ authType }: Pick<FunctionUrl, 'authType'>) => authType === 'AWS_IAM'

function roomOf(url: Pick<FunctionUrl, 'authType'>, { bodies }: Pick<InvokeParts, 'bodies'>): Room {
  return isForSigners(url) ? bodies.signed : bodies.unsigned
}

function orForbidden<T>(verify: () => T): T {
  try {
    return verify()
  } catch (cause) {
    throw new ServiceError('AccessDeniedException', FORBIDDEN, { cause })
  }
}

function viewOf({ accessKeyId, userId, principal }: Identity): Signer {
  return { accessKeyId, userId, account: principal.account, arn: nameOf(principal) }
}

const FORBIDDEN =
  'Forbidden. For troubleshooting Function URL authorization issues, see: ' +
  'https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html'

/** Where each URL id was found last; checked on use, so a stale entry only costs a look. */
const whereabouts = new Map<string, { account: string; name: string }>()

function findUrl({ functions }: InvokeParts, urlId: string): FoundUrl | undefined {
  const known = whereabouts.get(urlId)
  const document = known && functions.cached(known.account, known.name)
  const own = document && urlIn(document, urlId)
  if (own) return own
  whereabouts.delete(urlId)
  for (const one of functions.all()) {
    const found = urlIn(one, urlId)
    if (!found) continue
    whereabouts.set(urlId, { account: one.account, name: one.name })
    return found
  }
  return undefined
}

function urlIn(document: FunctionDocument, urlId: string): FoundUrl | undefined {
  const found = urlsOf(document).find(({ url }) => url.id === urlId)
  return found && { document, ...found }
}

function unknownUrl(requestId: string): HttpAnswer {
  return {
    status: 403,
    headers: {
      'content-type': 'application/json',
      'x-amzn-requestid': requestId,
      'x-amzn-errortype': 'AccessDeniedException',
    },
    body: '{"Message":null}',
  }
}

/** Function URLs tell their callers less, and in other words, than the API does. */
function renderUrlError(error: unknown, requestId: string): HttpAnswer {
  const rendered = renderError(error, requestId)
  const message = (text: string) => JSON.stringify({ Message: text })
  if (rendered.status === 403) return { ...rendered, body: message(FORBIDDEN) }
  if (rendered.status === 429) return { ...rendered, body: message('Rate Exceeded.') }
  if (rendered.status === 413) return { ...rendered, body: message('Request Entity Too Large') }
  return { ...rendered, status: rendered.status === 503 ? 503 : 502, body: 'Internal Server Error' }
}
