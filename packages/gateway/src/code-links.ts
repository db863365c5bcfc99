// Links by which a function's zip can be fetched for ten minutes, as GetFunction gives them out. A
// link carries its own proof, so any gateway of the same keys can answer it.

import { createHmac, timingSafeEqual } from 'node:crypto'

export interface CodeLinks {
  make(origin: string, sha256: string, now: number): string
  /** The hash that a link is for, or undefined when it is forged or too old. */
  check(sha256: string, query: URLSearchParams, now: number): string | undefined
}

export const CODE_PATH = '/hearth/code/'
const VALID_SECONDS = 600

export function createCodeLinks(secret: string): CodeLinks {
  const sign = (sha256: string, expires: string) =>
    createHmac('sha256', secret).update(`code/${sha256}/${expires}`).digest('hex')
  return {
    make(origin, sha256, now) {
      const expires = String(Math.floor(now / 1000) + VALID_SECONDS)
      const signature = sign(sha256, expires)
      return `${origin}${CODE_PATH}${sha256}?expires=${expires}&signature=${signature}`
    },
    check(sha256, query, now) {
      const expires = query.get('expires') ?? ''
      const expected = Buffer.from(sign(sha256, expires))
      const given = Buffer.from(query.get('signature') ?? '')
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
      return Number(expires) * 1000 > now ? sha256 : undefined
    },
  }
}
