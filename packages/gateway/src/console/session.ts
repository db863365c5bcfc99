// Who is signed in: a sealed cookie, and nothing kept. It names the access key and a digest of its
// secret, so that a key that is deleted or changed ends its sessions at once, on every gateway; and
// it carries the token by which a form of this session is known.

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Envelope } from '@hearth/store/envelope'
import type { Identities, Identity, KnownKey } from '../identities.ts'

export interface Session {
  accessKeyId: string
  /** Of the key's secret. */
  digest: string
  /** In every form; another site's page cannot know it. */
  formToken: string
  /** Milliseconds since the epoch. */
  expiresAt: number
}

export interface SignedIn {
  session: Session
  identity: Identity
}

export interface Sessions {
  /** @returns undefined unless the secret is the key's. */
  begin(accessKeyId: string, secret: string, now: number): string | undefined
  /** @returns undefined for a cookie that is none of ours, is over, or whose key is gone. */
  open(cookie: string, now: number): SignedIn | undefined
}

export const SESSION_SECONDS = 12 * 3_600
const PURPOSE = 'console-session'
const TOKEN_BYTES = 24
/** As long as a cookie of ours can be. */
const COOKIE_LENGTH_MAX = 2_048

export function openSessions(envelope: Envelope, identities: Identities): Sessions {
  return {
    begin(accessKeyId, secret, now) {
      const key = identities.find(accessKeyId, undefined, now)
      const digest = digestOf(secret)
      if (!isSame(digest, digestOf(key?.secret ?? randomBytes(TOKEN_BYTES).toString()))) return
      const formToken = randomBytes(TOKEN_BYTES).toString('base64url')
      const expiresAt = now + SESSION_SECONDS * 1000
      const session: Session = { accessKeyId, digest, formToken, expiresAt }
      return envelope.seal(JSON.stringify(session), PURPOSE)
    },

    open(cookie, now) {
      const session = unseal(envelope, cookie)
      if (!session || session.expiresAt <= now) return undefined
      const key = identities.find(session.accessKeyId, undefined, now)
      if (!key || !isSame(session.digest, digestOf(key.secret))) return undefined
      return { session, identity: withoutSecret(key) }
    },
  }
}

/** In the same time wherever they differ. */
export function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHash('sha256').update(text).digest())
  return timingSafeEqual(a as Buffer, b as Buffer)
}

function unseal(envelope: Envelope, cookie: string): Session | undefined {
  if (cookie.length > COOKIE_LENGTH_MAX) return undefined
  try {
    return JSON.parse(envelope.open(cookie, PURPOSE)) as Session
  } catch {
    return undefined
  }
}

const digestOf = (secret: string) => createHash('sha256').update(secret).digest('base64url')
const withoutSecret = ({ secret: _, ...identity }: KnownKey): Identity => identity
