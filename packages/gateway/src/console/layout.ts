// The frame around every page: head, navigation, who is signed in, and the page itself. A title is
// a page's own; links, scripts and styles come from this gateway and nowhere else.

import { html, raw } from 'hono/html'
import { assetPath } from './assets.ts'
import type { Html } from './elements.ts'

export type Theme = 'dark' | 'light'

export interface Frame {
  title: string
  /** Absent on the page to sign in. */
  signedIn?: { name: string; formToken: string; region: string }
  theme: Theme | undefined
  /** Where the reader is, to come back to. */
  path: string
  body: Html
}

const PAGES = [
  ['/console', 'Overview'],
  ['/console/functions', 'Functions'],
  ['/console/event-sources', 'Event sources'],
  ['/console/queues', 'Queues'],
  ['/console/bill', 'Bill'],
] as const

export function layout({ title, signedIn, theme, path, body }: Frame): Html {
  const scheme = theme ?? 'light dark'
  return html`<!DOCTYPE html>
<html lang="en"${theme ? html` data-theme="${theme}"` : ''}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="${scheme}">
<title>${title} · Hearth</title>
<link rel="icon" href="${assetPath('icon.svg')}" type="image/svg+xml">
<link rel="stylesheet" href="${assetPath('console.css')}">
<script type="module" src="${assetPath('live.mjs')}"></script>
</head>
<body>
<a class="skip" href="#main">Skip to the page</a>
<header class="top">
<a class="brand" href="/console">${flame()}<span>Hearth</span></a>
${signedIn ? navigation(path) : ''}
<div class="self">
${signedIn ? html`<span class="who" title="Signed in">${signedIn.name} <span class="quiet">${signedIn.region}</span></span>` : ''}
${themeForm(theme, path)}
${
  signedIn
    ? html`<form method="post" action="/console/sign-out">${tokenField(signedIn.formToken)}
<button class="plain" type="submit">Sign out</button></form>`
    : ''
}
</div>
</header>
<main id="main" tabindex="-1">
${body}
</main>
</body>
</html>`
}

/** Proves to guard that a form is of this session. */
export const tokenField = (token: string) =>
  html`<input type="hidden" name="token" value="${token}">`

function navigation(path: string): Html {
  const [bare = ''] = path.split('?')
  const isHere = (href: string) =>
    href === '/console' ? bare === href : bare === href || bare.startsWith(`${href}/`)
  return html`<nav class="pages" aria-label="Console"><ul role="list">${PAGES.map(
    ([href, name]) =>
      html`<li><a href="${href}"${isHere(href) ? raw(' aria-current="page"') : ''}>${name}</a></li>`,
  )}</ul></nav>`
}

/** Without a wish the system's own scheme holds; the button asks for the other one of two. */
function themeForm(theme: Theme | undefined, path: string): Html {
  return html`<form method="post" action="/console/theme" class="theme">
<input type="hidden" name="back" value="${path}">
<button class="plain to-dark" name="theme" value="dark" type="submit"
${theme === 'dark' ? raw('hidden') : ''}>Dark</button>
<button class="plain to-light" name="theme" value="light" type="submit"
${theme === 'light' ? raw('hidden') : ''}>Light</button>
</form>`
}

const flame = () => html`<svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
<path class="flame" d="M12 2c1 4 6 6.500 6 12a6 6 0 0 1-12 0c0-2.500 1.200-4 2.500-5.500
.3 1.700 1 2.500 2 3C10.800 8.500 10.500 5 12 2z"/></svg>`
