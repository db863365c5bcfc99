// Signing in with an access key and its secret, as clients have them, and out again; and the theme,
// which needs nobody to be signed in. It does not tell which of the two was wrong, and refuses for
// a while whoever is wrong too often.

import type { Context } from 'hono'
import { html } from 'hono/html'
import { sourceIpOf } from '../access.ts'
import { sessionCookie, themeCookie } from './cookies.ts'
import { asker, type Desk, goTo, headerOf, readForm } from './desk.ts'
import { type Html, note } from './elements.ts'
import { openFailedSignIns } from './failed-sign-ins.ts'
import { some } from './format.ts'
import { isHttps, isOwnForm, isToken, ownPath } from './guard.ts'
import type { Sessions } from './session.ts'
import { foreignFormPage, tooLargePage } from './trouble.ts'

type Fault = { kind: 'over' | 'wrong' } | { kind: 'wait'; seconds: number }

interface SignInForm {
  next: string
  fault?: Fault
  accessKeyId?: string
}

const FORM_BYTES_MAX = 16 * 1024
const STATUS = { over: 200, wrong: 403, wait: 429 }

export function openSignIn(desk: Desk, sessions: Sessions) {
  const failed = openFailedSignIns()
  const show = (c: Context, form: SignInForm) => {
    const status = form.fault ? STATUS[form.fault.kind] : 200
    return desk.show(c, { title: 'Sign in', body: page(form), status })
  }
  return {
    page(c: Context): Response {
      const next = ownPath(c.req.query('next'))
      if (desk.signedIn(c)) return goTo(next)
      return show(c, { next, ...(c.req.query('over') && { fault: { kind: 'over' } }) })
    },

    async signIn(c: Context): Promise<Response> {
      const form = await ownForm(c, desk)
      if (form instanceof Response) return form
      const now = Date.now()
      const accessKeyId = (form.get('key') ?? '').trim()
      const one = { address: sourceIpOf(asker(c)), accessKeyId }
      const next = ownPath(form.get('next') ?? undefined)
      const seconds = failed.waitSeconds(one, now)
      if (seconds > 0) return show(c, { next, accessKeyId, fault: { kind: 'wait', seconds } })
      const cookie = sessions.begin(accessKeyId, (form.get('secret') ?? '').trim(), now)
      if (cookie === undefined) {
        failed.add(one, now)
        return show(c, { next, accessKeyId, fault: { kind: 'wrong' } })
      }
      failed.succeeded(one, now)
      const header = sessionCookie(c.req.header('host'), cookie, isHttps(headerOf(c)))
      return goTo(next, { 'set-cookie': header })
    },

    async signOut(c: Context): Promise<Response> {
      const form = await ownForm(c, desk)
      if (form instanceof Response) return form
      const who = desk.signedIn(c)
      if (who && !isToken(form.get('token') ?? undefined, who.session.formToken)) {
        return desk.show(c, foreignFormPage(), who)
      }
      const none = sessionCookie(c.req.header('host'), '', isHttps(headerOf(c)))
      return goTo('/console/sign-in', { 'set-cookie': none })
    },

    async theme(c: Context): Promise<Response> {
      const form = await ownForm(c, desk)
      if (form instanceof Response) return form
      const theme = form.get('theme') === 'dark' ? 'dark' : 'light'
      const back = form.get('back') ?? undefined
      return goTo(ownPath(back), { 'set-cookie': themeCookie(theme, isHttps(headerOf(c))) })
    },
  }
}

async function ownForm(c: Context, desk: Desk): Promise<URLSearchParams | Response> {
  const form = await readForm(c, FORM_BYTES_MAX)
  if (form === 'too large') return desk.show(c, tooLargePage())
  return isOwnForm(headerOf(c)) ? form : desk.show(c, foreignFormPage())
}

function page({ fault, next, accessKeyId = '' }: SignInForm): Html {
  return html`<div class="sign-in"><h1>Sign in to Hearth</h1>
<p class="lead">With an access key, as your AWS CLI has it.</p>
${fault ? note(fault.kind === 'over' ? 'warn' : 'bad', words(fault)) : ''}
<form method="post" action="/console/sign-in">
<input type="hidden" name="next" value="${next}">
<label for="key">Access key id</label>
<input id="key" name="key" value="${accessKeyId}" autocomplete="username" autocapitalize="off"
spellcheck="false" required autofocus>
<label for="secret">Secret access key</label>
<input id="secret" name="secret" type="password" autocomplete="current-password" required>
<button class="main" type="submit">Sign in</button></form>
<p class="quiet small">The operator’s keys are those of <code>HEARTH_ACCESS_KEYS</code>; others come
from <code>hearth keys create --name you --policy policy.json</code>. A key sees and does here what
its policy allows, and nothing more.</p></div>`
}

function words(fault: Fault): Html {
  if (fault.kind === 'over') return html`Your session is over. Sign in to go on where you were.`
  if (fault.kind === 'wait') {
    return html`Too many failed attempts. Try again in ${some(fault.seconds, 'second')}.`
  }
  return html`There is no such key, or this is not its secret. <code>hearth keys ls</code> shows the
keys that there are.`
}
