// Cross-origin rules of function URLs: the answer to a preflight, and the headers on every other
// answer. Pure; a URL without rules leaves CORS to its function.

import type { UrlCors } from '@hearth/core/function-url'

export interface CorsRequest {
  method: string
  origin: string | undefined
  requestedMethod: string | undefined
}

/** Whether the browser only asks for permission. */
export function isPreflight(request: CorsRequest): boolean {
  return request.method === 'OPTIONS' && request.requestedMethod !== undefined
}

/** Headers for an answer; `undefined` when the URL has no rules or the origin is none of theirs. */
export function corsHeaders(
  cors: UrlCors | undefined,
  request: CorsRequest,
): Record<string, string> | undefined {
  const origin = cors && allowedOrigin(cors, request.origin)
  if (!cors || origin === undefined) return undefined
  const preflight = isPreflight(request)
  return {
    'access-control-allow-origin': origin,
    vary: 'Origin',
    ...(cors.allowCredentials && { 'access-control-allow-credentials': 'true' }),
    ...(cors.exposeHeaders?.length && {
      'access-control-expose-headers': cors.exposeHeaders.join(','),
    }),
    ...(preflight && preflightHeaders(cors)),
  }
}

function preflightHeaders(cors: UrlCors): Record<string, string> {
  return {
    ...(cors.allowMethods?.length && {
      'access-control-allow-methods': cors.allowMethods.join(','),
    }),
    ...(cors.allowHeaders?.length && {
      'access-control-allow-headers': cors.allowHeaders.join(','),
    }),
    ...(cors.maxAge !== undefined && { 'access-control-max-age': String(cors.maxAge) }),
  }
}

function allowedOrigin(cors: UrlCors, origin: string | undefined): string | undefined {
  if (origin === undefined) return undefined
  const allowed = cors.allowOrigins ?? []
  // Browsers refuse a bare * beside credentials, so the origin itself is named then.
  if (allowed.includes('*')) return cors.allowCredentials ? origin : '*'
  return allowed.some((pattern) => matches(pattern, origin)) ? origin : undefined
}

/** `http://*` and `https://*` allow every host of their scheme. */
function matches(pattern: string, origin: string): boolean {
  if (pattern.endsWith('*')) return origin.startsWith(pattern.slice(0, -1))
  return pattern === origin
}
