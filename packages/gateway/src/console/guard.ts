// What keeps the console to its own pages: headers that forbid a browser everything else, and the
// proof that a form was sent by a page of ours. Pure.

import { isSame } from './session.ts'

export const CONSOLE_PATH = '/console'
/** Of a request, by lower-case name. */
type HeaderOf = (name: string) => string | undefined

const POLICY = [
  "default-src 'none'",
  ...["style-src 'self'", "script-src 'self'", "img-src 'self'", "connect-src 'self'"],
  ...["form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"],
].join('; ')

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  // Not none: browsers would send forms with the origin `null` then.
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

/** Pages are each caller's own, and may be of a session that is over. */
export const PAGE_HEADERS = { ...SECURITY_HEADERS, 'cache-control': 'no-store' }

/**
 * Whether a page of this console sent it. Browsers say so in Sec-Fetch-Site where the connection
 * can be trusted, and no page can forge that: it holds whatever a proxy made of Host. Elsewhere
 * Origin, which comes with every form, has to be the address that was asked.
 */
export function isOwnForm(header: HeaderOf): boolean {
  const site = header('sec-fetch-site')
  if (site !== undefined) return site === 'same-origin'
  const origin = header('origin')
  return origin !== undefined && hostOf(origin) === header('host')
}

export const isToken = (given: string | undefined, wanted: string) =>
  given !== undefined && isSame(given, wanted)

/** Whether the browser is on https, be it by way of a proxy. */
export const isHttps = (header: HeaderOf) =>
  header('x-forwarded-proto') === 'https' || (header('origin') ?? '').startsWith('https://')

/** Where to go after signing in: a page of the console and nothing else. */
export function ownPath(path: string | undefined): string {
  // A browser would follow dots out of the console.
  if (path !== undefined && /\/(\.|%2e){1,2}(\/|\?|$)/i.test(path)) return '/console'
  return path !== undefined && /^\/console(\/[\w\-./%~:$]*)?(\?[\w\-./%~:$=&+]*)?$/.test(path)
    ? path
    : '/console'
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}
