// One request for a page: who asks, what for, and when; and what a page is. Pages take a visit and
// know nothing of HTTP.

import type { Client } from './client.ts'
import type { Html } from './elements.ts'

export interface Visit {
  client: Client
  /** For forms; see layout's tokenField. */
  formToken: string
  /** Path and query. */
  path: string
  query(name: string): string | undefined
  /** Milliseconds since the epoch. */
  now: number
}

export interface Page {
  title: string
  body: Html
  /** 200 unless said. */
  status?: number
}

/** What a form said. */
export type Form = URLSearchParams

/** What became of a form: a page, or the path of one to read next. */
export type Sequel = Page | { goTo: string }

export const functionPath = (name: string, rest = '') =>
  `/console/functions/${encodeURIComponent(name)}${rest}`
