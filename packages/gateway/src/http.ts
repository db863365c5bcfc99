// Plain node:http in and out for the hot routes: reading a body with a cap, and writing an answer
// in one go. Control routes go through Hono; an invocation should not pay for what it does not use.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { WireAnswer } from './contract.ts'

/** A request with its body read and its address taken apart. */
export interface Received {
  method: string
  /** Percent-encoded, without the query. */
  path: string
  /** Without the question mark. */
  query: string
  headers: IncomingMessage['headers']
  body: Uint8Array
}

const EMPTY = new Uint8Array(0)
/** Larger bodies are not worth a copy. */
const JOINED_BYTES_MAX = 16 * 1024

/**
 * Resolves with the body, or undefined when it is larger than `bytesMax`. Rejects when the caller
 * goes away.
 */
export function readBody(
  request: IncomingMessage,
  bytesMax: number,
): Promise<Uint8Array | undefined> {
  const declared = Number(request.headers['content-length'] ?? Number.NaN)
  if (declared === 0) return Promise.resolve(EMPTY)
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= bytesMax) chunks.push(chunk)
      else chunks.length = 0
    })
    request.on('end', () => {
      if (bytes > bytesMax) resolve(undefined)
      else resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks))
    })
    request.on('error', reject)
    request.on('close', () => {
      if (!request.complete) reject(new Error('the caller went away'))
    })
  })
}

/** Path and query of a request line. */
export function splitUrl(url: string): { path: string; query: string } {
  const at = url.indexOf('?')
  return at < 0 ? { path: url, query: '' } : { path: url.slice(0, at), query: url.slice(at + 1) }
}

export function send(
  response: ServerResponse,
  answer: Omit<WireAnswer, 'headers'> & { headers: Record<string, string | string[]> },
): void {
  if (response.destroyed) return
  const length =
    typeof answer.body === 'string' ? Buffer.byteLength(answer.body) : answer.body.length
  const bodiless = answer.status === 204 || answer.status === 304
  response.writeHead(answer.status, {
    ...answer.headers,
    ...(!bodiless && { 'content-length': String(length) }),
  })
  if (bodiless) response.end()
  else if (typeof answer.body === 'string' || length > JOINED_BYTES_MAX) response.end(answer.body)
  else response.end(asLatin1(answer.body), 'latin1')
}

/** Node joins a text with the head and makes one write of both; as latin1 every byte survives. */
function asLatin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}
