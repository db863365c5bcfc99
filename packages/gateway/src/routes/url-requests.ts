// Requests to function URLs: `<id>.lambda-url.<region>.<any domain>`, or `/function-urls/<id>/...`
// where names cannot be resolved. Each becomes an event, goes through the door, and comes back by
// AWS's response rules.

import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { functionArn } from '@hearth/core/arn'
import { nameOf } from '@hearth/core/authorisation'
import { ServiceError } from '@hearth/core/error'
import type { FunctionDocument } from '@hearth/core/function'
import { type FunctionUrl, urlsOf } from '@hearth/core/function-url'
import { type InvocationRequest, SYNC_PAYLOAD_BYTES_MAX } from '@hearth/core/invocation'
import { requireUrlInvoke, sourceIpOf } from '../access.ts'
import { type CorsRequest, corsHeaders, isPreflight } from '../cors.ts'
import { readBody, send, splitUrl } from '../http.ts'
import { type HttpAnswer, type Signer, toAnswer, toEvent } from '../http-event.ts'
import type { Identity } from '../identities.ts'
import { counted, traceOf } from '../trace.ts'
import { renderError } from '../wire-errors.ts'
import { type InvokeParts, startHeader } from './invoke.ts'
import { streamAnswer } from './url-streams.ts'

/** A request's target: which URL, and which path of it. */
export interface UrlTarget {
  urlId: string
  url: string
  domainName: string
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
  if (byHost) return { urlId: byHost, url, domainName: host.replace(/:\d+$/, '') }
  const [, urlId, rest = ''] = PATH.exec(url) ?? []
  if (!urlId) return undefined
  const domainName = `${urlId}.lambda-url.localhost`
  return { urlId, url: rest.startsWith('/') ? rest : `/${rest}`, domainName }
}

export async function handleUrlRequest(
  request: IncomingMessage,
  response: ServerResponse,
  work: { target: UrlTarget; parts: InvokeParts },
): Promise<void> {
  const requestId = randomUUID()
  try {
    const found = findUrl(work.parts, work.target.urlId)
    if (!found) return send(response, unknownUrl())
    const { cors } = found.url
    const asked = corsRequest(request)
    const headers = corsHeaders(cors, asked) ?? {}
    if (cors && isPreflight(asked)) {
      request.resume()
      return send(response, { status: 200, headers, body: '' })
    }
    const invocation = await toInvocation(request, { ...work, ...found, requestId })
    await run(response, { ...work, ...found, invocation, headers })
  } catch (error) {
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
    return streamAnswer(response, { invocation, parts, headers: own })
  }
  const result = await parts.door.invoke(invocation)
  const made = toAnswer(result.payload, result.functionError !== undefined)
  send(response, {
    ...made,
    headers: { ...made.headers, ...own, ...startHeader(result.report) },
  })
}

async function toInvocation(
  request: IncomingMessage,
  work: FoundUrl & { requestId: string; target: UrlTarget; parts: InvokeParts },
): Promise<InvocationRequest> {
  const { requestId, target, document, qualifier, parts } = work
  const body = await readBody(request, SYNC_PAYLOAD_BYTES_MAX)
  if (!body) throw new ServiceError('RequestEntityTooLargeException', 'Request Entity Too Large')
  const { path, query } = splitUrl(target.url)
  const now = Date.now()
  const { account, name } = document
  const place = { account, region: parts.region }
  const invokedArn = functionArn(place, name, qualifier)
  const qualified = qualifier === undefined ? {} : { qualifier }
  const isSigned = work.url.authType === 'AWS_IAM'
  const identity = isSigned ? signerOf(request, body, parts) : undefined
  const asker = { place, request, ...(identity && { identity }) }
  requireUrlInvoke(asker, { arn: invokedArn, document, url: work.url, ...qualified })
  const traceId = counted(traceOf(request.headers['x-amzn-trace-id'], now), invokedArn, document)
  const event = toEvent({
    requestId,
    urlId: target.urlId,
    domainName: target.domainName,
    method: request.method ?? 'GET',
    path,
    query,
    headers: request.headers,
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
    account,
    functionName: name,
    invokedArn,
    payload: Buffer.from(JSON.stringify(event)),
    traceId,
    wantsLogTail: false,
    ...qualified,
  }
}

function signerOf(request: IncomingMessage, body: Uint8Array, parts: InvokeParts): Identity {
  const { path, query } = splitUrl(request.url ?? '/')
  const { method = 'GET', headers } = request
  try {
    return parts.verify({ method, path, query, headers, body }, Date.now())
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

function unknownUrl(): HttpAnswer {
  return {
    status: 403,
    headers: { 'content-type': 'application/json', 'x-amzn-errortype': 'AccessDeniedException' },
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
