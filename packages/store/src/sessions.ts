// Sessions: keys that end, which a role's bearer signs with. Nothing of one is kept: its token
// holds all there is to know of it, sealed, and whoever has the master key can open it.

import { randomBytes } from 'node:crypto'
import type { Envelope } from './envelope.ts'

/** Who signs with it, and until when. */
export interface Session {
  accessKeyId: string
  secret: string
  account: string
  role: string
  /** As its bearer is called in logs: a function's name, or what AssumeRole was given. */
  name: string
  /** Milliseconds since the epoch. */
  expiresAt: number
}

export interface SessionCredentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken: string
}

const PURPOSE = 'session'
/** AWS's prefix for keys that need a token. */
const PREFIX = 'ASIA'
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const ID_LENGTH = 16
const SECRET_BYTES = 30

export function issueSession(
  envelope: Envelope,
  whose: Pick<Session, 'account' | 'expiresAt' | 'name' | 'role'>,
): SessionCredentials {
  const accessKeyId = newAccessKeyId(PREFIX)
  const secret = newSecret()
  const session: Session = { ...whose, accessKeyId, secret }
  const sessionToken = envelope.seal(JSON.stringify(session), PURPOSE)
  return { accessKeyId, secretAccessKey: secret, sessionToken }
}

/** @returns undefined for a token that is none of ours; it may have expired. */
export function openSession(envelope: Envelope, token: string): Session | undefined {
  try {
    return JSON.parse(envelope.open(token, PURPOSE)) as Session
  } catch {
    return undefined
  }
}

/** @param prefix of four letters, AWS's for the kind. */
export function newAccessKeyId(prefix: string): string {
  const letters = [...randomBytes(ID_LENGTH)].map((byte) => LETTERS[byte % LETTERS.length])
  return `${prefix}${letters.join('')}`
}

export const newSecret = () => randomBytes(SECRET_BYTES).toString('base64')
