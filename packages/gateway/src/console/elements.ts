// What the console's pages are built of: chips, tables, tiles, notes, and what stands where there
// is nothing. Whatever comes in as text is escaped by the template; nothing here says otherwise.

import type { ErrorCode, ServiceError } from '@hearth/core/error'
import { html } from 'hono/html'
import type { Tone } from './chart.ts'
import { ago, moment, NOTHING } from './format.ts'

export type Html = ReturnType<typeof html>
export type Content = Html | string | number

/** What was asked for, or why it is not to be had. */
export type Answered<T> = { value: T } | { refusal: ServiceError }

const TONES: Readonly<Record<string, Tone>> = {
  Active: 'good',
  Successful: 'good',
  Enabled: 'good',
  success: 'good',
  READY: 'good',
  Failed: 'bad',
  FAILED: 'bad',
  Disabled: 'faint',
  Inactive: 'faint',
}

/** The state in words, and in a colour that only repeats them. */
export const chip = (text: string, tone: Tone = TONES[text] ?? 'warn') =>
  html`<span class="chip ${tone}"><i aria-hidden="true"></i>${text}</span>`

export const time = (at: number, now: number) =>
  html`<time datetime="${new Date(at).toISOString()}" title="${moment(at)}">${ago(at, now)}</time>`

export interface Column<T> {
  name: string
  /** Figures stand to the right. */
  isNumber?: boolean
  /** Left out where there is no room. */
  isExtra?: boolean
  cell(row: T): Content
}

/** The first column names the row. @param label says what the table holds. */
export function table<T>(label: string, columns: readonly Column<T>[], rows: readonly T[]): Html {
  const classOf = ({ isNumber, isExtra }: Column<T>) =>
    [isNumber && 'number', isExtra && 'extra'].filter((one) => one).join(' ')
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}"><table>
<thead><tr>${columns.map(
    (one) => html`<th scope="col" class="${classOf(one)}">${one.name}</th>`,
  )}</tr></thead>
<tbody>${rows.map(
    (row) =>
      html`<tr>${columns.map((one, at) =>
        at === 0
          ? html`<th scope="row" class="${classOf(one)}">${one.cell(row)}</th>`
          : html`<td class="${classOf(one)}">${one.cell(row)}</td>`,
      )}</tr>`,
  )}</tbody></table></div>`
}

/** Names and what they have; what is undefined is not there. */
export const facts = (pairs: readonly (readonly [string, Content | undefined])[]) =>
  html`<dl class="facts">${pairs.map(([name, value]) =>
    value === undefined ? '' : html`<div><dt>${name}</dt><dd>${value}</dd></div>`,
  )}</dl>`

export interface Tile {
  name: string
  value: Content | undefined
  /** Small, below: what it is a part of, or since when. */
  note?: Content | undefined
  href?: string
  tone?: Tone
}

export const tiles = (all: readonly Tile[]) =>
  html`<dl class="tiles">${all.map(
    ({ name, value, note, href, tone = 'calm' }) => html`<div class="tile ${tone}">
<dt>${href && value !== undefined ? html`<a href="${href}">${name}</a>` : name}</dt>
<dd><b>${value ?? NOTHING}</b>${note === undefined ? '' : html`<small>${note}</small>`}</dd></div>`,
  )}</dl>`

/** Where there is nothing: why, and what to do next. */
export const empty = (title: string, next: Content) =>
  html`<div class="empty"><p><b>${title}</b></p><p>${next}</p></div>`

export const note = (tone: 'bad' | 'good' | 'warn', content: Content) =>
  html`<div class="note ${tone}" role="${tone === 'bad' ? 'alert' : 'status'}">${content}</div>`

/** Why a part of a page is missing, and what would help. */
export const refused = ({ code, message }: ServiceError) =>
  html`<div class="note warn"><p>${message}</p>${REMEDIES[code] ?? ''}</div>`

const REMEDIES: Partial<Record<ErrorCode, Html>> = {
  AccessDeniedException: html`<p>Your key’s policy does not allow it. Ask the operator for a key that
does.</p>`,
  ServiceUnavailableException: html`<p>Try again in a moment; <code>hearth status</code> says which
parts run.</p>`,
}

/** A part of a page, or why it is not there. */
export const orRefusal = <T>(answered: Answered<T>, show: (value: T) => Html) =>
  'refusal' in answered ? refused(answered.refusal) : show(answered.value)

export const section = (title: string, content: Content, aside: Content = '') =>
  html`<section><div class="section-head"><h2>${title}</h2>${aside}</div>${content}</section>`

export const code = (text: string, label: string) =>
  html`<pre class="code" tabindex="0" role="region" aria-label="${label}"><code>${text}</code></pre>`

/** Links to the pages of a list. */
export function pager(list: { page: number; pages: number; href(page: number): string }): Html {
  const { page, pages, href } = list
  if (pages <= 1) return html``
  const link = (to: number, text: string) =>
    to < 1 || to > pages
      ? html`<span class="quiet">${text}</span>`
      : html`<a href="${href(to)}">${text}</a>`
  return html`<nav class="pager" aria-label="Pages">${link(page - 1, '← Previous')}
<span>Page ${page} of ${pages}</span>${link(page + 1, 'Next →')}</nav>`
}
