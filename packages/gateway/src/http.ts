// Plain node:http in and out for the hot routes: reading a body with a cap, and writing an answer
// in one go. Control routes go through Hono; an invocation should not pay for what it does not use.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { ServiceError, type ThrottleReason } from '@hearth/core/error'
import type { Room } from './body-room.ts'
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
/** What anybody may have us keep in memory, a connection. */
const UNASKED_BYTES_MAX = 256 * 1024
/** Larger bodies are not worth a copy. */
const JOINED_BYTES_MAX = 16 * 1024
/** Whoever has not read a function's answer by then is not reading it. */
const READ_MS_MAX = 300_000

/**
 * Resolves with the body, or undefined as soon as it is larger than `bytesMax`: node reads the rest
 * away. @throws ServiceError when the caller goes away, or `room` is full.
 */
export function readBody(
  request: IncomingMessage,
  bytesMax: number,
  room: Room,
): Promise<Uint8Array | undefined> {
  const declared = Number(request.headers['content-length'] ?? Number.NaN)
  if (declared === 0) return Promise.resolve(EMPTY)
  if (declared > bytesMax) return Promise.resolve(undefined)
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    let isOver = false
    request.on('data', (chunk: Buffer) => {
      if (isOver) return
      bytes += chunk.length
      const fits = bytes <= bytesMax
      if (fits && room.take(request, chunk.length)) return void chunks.push(chunk)
      isOver = true
      chunks.length = 0
      if (fits) reject(crowded())
      else resolve(undefined)
    })
    request.on('end', () => {
      resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks))
    })
    const leave = (cause?: Error) => {
      reject(new ServiceError('SerializationException', 'The request was cut off.', { cause }))
    }
    request.on('error', leave)
    request.on('close', () => {
      if (!request.complete) leave()
    })
  })
}

const crowded = () =>
  new ServiceError('TooManyRequestsException', 'Rate exceeded', {
    members: { Reason: 'CallerRateLimitExceeded' satisfies ThrottleReason },
  })

/** Whether a body is worth asking first who sends it; one in chunks may be of any size. */
export const isLarge = ({ headers }: Pick<IncomingMessage, 'headers'>) =>
  headers['transfer-encoding'] !== undefined ||
  Number(headers['content-length'] ?? 0) > UNASKED_BYTES_MAX

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

/**
 * Sends what a function answered, which is held until its caller has read it. @throws ServiceError
 * when there is no room for what nobody reads.
 */
export function sendAnswer(
  response: ServerResponse,
  answer: Omit<WireAnswer, 'headers'> & { headers: Record<string, string | string[]> },
  room: Room,
): void {
  if (answer.body.length > JOINED_BYTES_MAX) {
    if (!room.take(response.req, answer.body.length)) {
      throw new ServiceError('ServiceException', 'Too many answers wait to be read.')
    }
    const unread = setTimeout(() => response.destroy(), READ_MS_MAX)
    response.once('close', () => clearTimeout(unread))
  }
  send(response, answer)
}

/** Node joins a text with the head and makes one write of both; as latin1 every byte survives. */
function asLatin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}
