// Pages for when something was refused, is not there, or broke: what happened, and what to do next.
// They never tell what a failure of ours was; the log does.

import type { ServiceError } from '@hearth/core/error'
import { html } from 'hono/html'
import { refused } from './elements.ts'
import type { Page } from './visit.ts'

const FORM_STATUS = 403

export function refusalPage(refusal: ServiceError, status: number): Page {
  const title = refusal.code === 'AccessDeniedException' ? 'Not allowed' : 'Refused'
  return page(
    title,
    status,
    html`${refused(refusal)}
<p>Nothing was changed. Go back to where you were, or to the <a href="/console">overview</a>.</p>`,
  )
}

export const missingPage = (): Page =>
  page(
    'Nothing is here',
    404,
    html`<p>This address is no page of the console. Start at the <a href="/console">overview</a>.</p>`,
  )

export const brokenPage = (): Page =>
  page(
    'This page failed',
    500,
    html`<p>That is Hearth’s fault, and its log says more. Try again; <code>hearth status</code> shows
which parts run.</p>`,
  )

export const tooLargePage = (): Page =>
  page(
    'Too large',
    413,
    html`<p>A synchronous event has at most 6 MB, an asynchronous one 1 MB.</p>`,
  )

export const foreignFormPage = (): Page =>
  page(
    'This form is not of this session',
    FORM_STATUS,
    html`<p>Nothing was done. You may have signed in again meanwhile: <a href="/console">open the page
anew</a> and repeat it there.</p>`,
  )

function page(title: string, status: number, content: Page['body']): Page {
  return { title, status, body: html`<div class="page-head"><h1>${title}</h1></div>${content}` }
}
