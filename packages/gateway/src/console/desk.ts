// Between a request and a page: who is signed in, whether a form is one of ours, the frame around
// what a page says, and what is shown when something is refused or goes wrong. Nothing is read or
// changed before these questions are answered.

import { nameOf } from '@hearth/core/authorisation'
import { ServiceError } from '@hearth/core/error'
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import { statusOf } from '../wire-errors.ts'
import { type ConsoleParts, openClient } from './client.ts'
import { readSession, readTheme } from './cookies.ts'
import { isOwnForm, isToken, PAGE_HEADERS } from './guard.ts'
import { layout } from './layout.ts'
import type { Sessions, SignedIn } from './session.ts'
import { brokenPage, foreignFormPage, refusalPage, tooLargePage } from './trouble.ts'
import type { Form, Page, Sequel, Visit } from './visit.ts'

type Handler = (c: Context) => Promise<Response>

export interface Desk {
  signedIn(c: Context): SignedIn | undefined
  /** Answers with a page, in its frame. */
  show(c: Context, page: Page, who?: SignedIn): Response
  page(of: (visit: Visit, c: Context) => Promise<Page>): Handler
  form(of: (visit: Visit, form: Form, c: Context) => Promise<Sequel>): Handler
  /** Answers by itself; `isOver` says that nobody is signed in any more. */
  stream(of: (visit: Visit, isOver: () => boolean, c: Context) => Promise<Response>): Handler
}

/** An event of 6 MB, each of whose bytes may take three in a form. */
const FORM_BYTES_MAX = 20 * 1024 * 1024

export function openDesk(parts: ConsoleParts, sessions: Sessions, isClosing: () => boolean): Desk {
  const signedIn = (c: Context) => {
    const cookie = readSession(c.req.header('cookie'), c.req.header('host'))
    return cookie === undefined ? undefined : sessions.open(cookie, Date.now())
  }
  const show: Desk['show'] = (c, page, who) => {
    const path = c.req.method === 'GET' ? pathOf(c) : c.req.path
    const body = layout({
      ...{ title: page.title, body: page.body, path },
      theme: readTheme(c.req.header('cookie')),
      ...(who && { signedIn: viewOf(who, parts) }),
    })
    const type = 'text/html; charset=utf-8'
    return new Response(String(body), {
      status: page.status ?? 200,
      headers: { ...PAGE_HEADERS, 'content-type': type },
    })
  }
  /** Whoever is not signed in is sent to do so, and comes back to what was asked for. */
  const known = (work: (c: Context, who: SignedIn) => Promise<Response>): Handler => {
    return async (c) => {
      const who = signedIn(c)
      if (!who) return goTo(signInPath(c))
      try {
        return await work(c, who)
      } catch (error) {
        return show(c, troublePage(error), who)
      }
    }
  }
  const visitOf = (c: Context, who: SignedIn) => toVisit(c, who, parts)
  return {
    signedIn,
    show,
    page: (of) => known(async (c, who) => show(c, await of(visitOf(c, who), c), who)),
    form: (of) =>
      known(async (c, who) => {
        const form = await readForm(c, FORM_BYTES_MAX)
        if (form === 'too large') return show(c, tooLargePage(), who)
        const { formToken } = who.session
        const isOurs = isOwnForm(headerOf(c)) && isToken(form.get('token') ?? undefined, formToken)
        if (!isOurs) return show(c, foreignFormPage(), who)
        const sequel = await of(visitOf(c, who), form, c)
        return 'goTo' in sequel ? goTo(sequel.goTo) : show(c, sequel, who)
      }),
    stream: (of) =>
      known(async (c, who) => {
        // The body of an answer to HEAD is dropped and never cancelled: it would stay open.
        if (c.req.method === 'HEAD') return new Response(null, { headers: PAGE_HEADERS })
        return of(visitOf(c, who), () => isClosing() || signedIn(c) === undefined, c)
      }),
  }
}

/** See Other: what follows a form is read, and a reload does not send it again. */
export function goTo(location: string, headers: Record<string, string> = {}): Response {
  return new Response(null, { status: 303, headers: { ...PAGE_HEADERS, location, ...headers } })
}

/** What a form said, with at most so many bytes. */
export async function readForm(c: Context, bytesMax: number): Promise<Form | 'too large'> {
  // Browsers say how long a form is; whoever does not is none.
  const declared = Number(c.req.header('content-length') ?? Number.NaN)
  if (!(declared <= bytesMax)) return 'too large'
  return new URLSearchParams(await c.req.text())
}

export const headerOf = (c: Context) => (name: string) => c.req.header(name)

export const asker = (c: Context) => (c.env as HttpBindings).incoming

/** Path and query, as asked for. */
function pathOf(c: Context): string {
  const { pathname, search } = new URL(c.req.url)
  return `${pathname}${search}`
}

function signInPath(c: Context): string {
  const next = c.req.method === 'GET' ? pathOf(c) : c.req.path
  const hadSession = readSession(c.req.header('cookie'), c.req.header('host')) !== undefined
  const query = new URLSearchParams({ next, ...(hadSession && { over: '1' }) })
  return `/console/sign-in?${query}`
}

function viewOf({ identity, session }: SignedIn, { region }: ConsoleParts) {
  const name = nameOf(identity.principal).replace(/^arn:aws:iam::\d+:/, '')
  return { name, formToken: session.formToken, region }
}

function toVisit(c: Context, { identity, session }: SignedIn, parts: ConsoleParts): Visit {
  const place = { account: parts.account, region: parts.region }
  const origin = `http://${c.req.header('host') ?? 'localhost'}`
  return {
    client: openClient(parts, { identity, place, request: asker(c) }, origin),
    formToken: session.formToken,
    path: pathOf(c),
    query: (name) => c.req.query(name),
    now: Date.now(),
  }
}

function troublePage(error: unknown): Page {
  if (error instanceof ServiceError) return refusalPage(error, statusOf(error.code))
  console.error('a page of the console failed:', error)
  return brokenPage()
}
