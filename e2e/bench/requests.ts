// The bytes that the load generator sends: plain requests, and Invokes signed as a keep-alive
// client with a cached key signs them.

import { createHash, createHmac } from 'node:crypto'
import { KEYS } from '../hearth.ts'

export const BODY = '{"n":1}'

export function plain(host: string): Buffer {
  return Buffer.from(
    `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${BODY.length}\r\n\r\n${BODY}`,
  )
}

/** A signed Invoke, made anew when the second changes; for an event, one that is only accepted. */
export function signedInvoke(host: string, functionName: string, isEvent = false): () => Buffer {
  const path = `/2015-03-31/functions/${functionName}/invocations`
  let second = 0
  let bytes = Buffer.alloc(0)
  return () => {
    const now = Math.floor(Date.now() / 1000)
    if (now === second) return bytes
    second = now
    const date = `${new Date(now * 1000).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`
    bytes = Buffer.from(
      `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nX-Amz-Date: ${date}\r\n` +
        (isEvent ? 'X-Amz-Invocation-Type: Event\r\n' : '') +
        `Authorization: ${authorization({ path, host, date, isEvent })}\r\n` +
        `Content-Length: ${BODY.length}\r\n\r\n${BODY}`,
    )
    return bytes
  }
}

interface ToSign {
  path: string
  host: string
  date: string
  isEvent: boolean
}

function authorization({ path, host, date, isEvent }: ToSign): string {
  const scope = `${date.slice(0, 8)}/us-east-1/lambda/aws4_request`
  const signed = `host;x-amz-date${isEvent ? ';x-amz-invocation-type' : ''}`
  const type = isEvent ? 'x-amz-invocation-type:Event\n' : ''
  const headers = `host:${host}\nx-amz-date:${date}\n${type}`
  const canonical = ['POST', path, '', headers, signed, sha256(BODY)].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n')
  const key = scope
    .split('/')
    .reduce((k: Buffer | string, part) => hmac(k, part), `AWS4${KEYS.secretAccessKey}`)
  const signature = hmac(key, toSign).toString('hex')
  return (
    `AWS4-HMAC-SHA256 Credential=${KEYS.accessKeyId}/${scope}, ` +
    `SignedHeaders=${signed}, Signature=${signature}`
  )
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const hmac = (key: Buffer | string, text: string) => createHmac('sha256', key).update(text).digest()
