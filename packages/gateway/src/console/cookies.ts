// The console's two cookies: the sealed session, which no script may read and no other site's
// request carries, and the theme that somebody wished for. Browsers do not tell ports apart, so the
// session's name does: Hearths on one machine do not sign each other out. Pure.

import type { Theme } from './layout.ts'
import { SESSION_SECONDS } from './session.ts'

const PATH = 'Path=/console'
const YEAR_SECONDS = 365 * 86_400
const THEME = 'hearth-theme'

export function sessionCookie(host: string | undefined, value: string, isHttps: boolean): string {
  const age = value === '' ? 0 : SESSION_SECONDS
  return `${nameFor(host)}=${value}; ${PATH}; Max-Age=${age}; HttpOnly; SameSite=Strict${secure(isHttps)}`
}

export const themeCookie = (theme: Theme, isHttps: boolean) =>
  `${THEME}=${theme}; ${PATH}; Max-Age=${YEAR_SECONDS}; HttpOnly; SameSite=Lax${secure(isHttps)}`

export const readSession = (header: string | undefined, host: string | undefined) =>
  read(header, nameFor(host))

export function readTheme(header: string | undefined): Theme | undefined {
  const theme = read(header, THEME)
  return theme === 'dark' || theme === 'light' ? theme : undefined
}

const nameFor = (host = '') => `hearth-console${/:(\d{1,5})$/.exec(host)?.[1] ?? ''}`
const secure = (isHttps: boolean) => (isHttps ? '; Secure' : '')

function read(header: string | undefined, name: string): string | undefined {
  const pairs = (header ?? '').split(/;\s*/).map((pair) => pair.split('=', 2))
  return pairs.find(([key]) => key === name)?.[1] || undefined
}
