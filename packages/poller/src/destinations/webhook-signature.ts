// Signatures of webhooks, as Standard Webhooks has them: any library of that standard verifies what
// Hearth sends.

import { createHmac } from 'node:crypto'

export interface Signed {
  id: string
  /** Seconds since the epoch. */
  timestamp: number
  body: string
}

/** One signature for each secret, parted by blanks: a receiver needs to know one of them. */
export function signatureOf({ id, timestamp, body }: Signed, secrets: readonly string[]): string {
  return secrets
    .map((secret) => {
      const hmac = createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`)
      return `v1,${hmac.digest('base64')}`
    })
    .join(' ')
}

/** `whsec_` and base64, as the standard writes secrets; any other text is a key as it is. */
function keyOf(secret: string): Buffer {
  const [, encoded] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? []
  return encoded === undefined ? Buffer.from(secret) : Buffer.from(encoded, 'base64')
}
