// Large bodies between processes: the sender keeps the bytes under a one-time token and the
// receiver collects them over HTTP, because NATS advises against large messages and one slow
// transfer must not cut everybody's connection. A body is collected once, or forgotten after a
// minute. Streams wait and leave the same way, at the pace of their collector.

import { randomBytes } from 'node:crypto'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline, type Readable } from 'node:stream'

export interface Claims {
  /** Keeps the bytes and gives the address at which they wait. */
  deposit(body: Uint8Array): string
  /** Nobody will come for what waits at an address of ours. */
  withdraw(address: string): void
  /**
   * Fetches what waits at an address. @throws Error when it is gone or larger than a body may be.
   */
  collect(address: string): Promise<Uint8Array>
  /** Offers a stream; it is destroyed when its collector leaves, or nobody comes. */
  depositStream(body: Readable): string
  /**
   * Collects a stream. It errs when it breaks off, so its end means that it is whole. @throws Error
   * when it is gone.
   */
  collectStream(address: string): Promise<Readable>
  close(): Promise<void>
}

const KEPT_MS = 60_000
const KEPT_BYTES_MAX = 256 * 1024 * 1024
const COLLECT_TIMEOUT_MS = 30_000

/**
 * `host` is where we listen; `advertised` what others dial, when that differs (a pod's or
 * container's name).
 */
export async function openClaims(host: string, advertised: string): Promise<Claims> {
  const kept = new Map<string, { body: Uint8Array; timer: NodeJS.Timeout }>()
  const offered = new Map<string, { body: Readable; timer: NodeJS.Timeout }>()
  let bytes = 0
  const forget = (token: string) => {
    const entry = kept.get(token)
    if (!entry) return undefined
    clearTimeout(entry.timer)
    kept.delete(token)
    bytes -= entry.body.length
    return entry.body
  }
  const takeOffered = (token: string) => {
    const entry = offered.get(token)
    clearTimeout(entry?.timer)
    offered.delete(token)
    return entry?.body
  }
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const token = (request.url ?? '/').slice(1)
    const stream = takeOffered(token)
    if (stream) return send(stream, response)
    const body = forget(token)
    if (!body) return response.writeHead(404).end()
    return response.writeHead(200, { 'content-length': body.length }).end(body)
  }
  const server = createServer(answer)
  await new Promise<void>((listening) => server.listen(0, host, listening))
  const { port } = server.address() as AddressInfo
  return {
    deposit(body) {
      if (bytes + body.length > KEPT_BYTES_MAX)
        throw new Error('too many large bodies wait at once')
      const token = randomBytes(32).toString('hex')
      const timer = setTimeout(() => forget(token), KEPT_MS)
      timer.unref()
      kept.set(token, { body, timer })
      bytes += body.length
      return `http://${advertised}:${port}/${token}`
    },
    withdraw: (address) => void forget(address.slice(address.lastIndexOf('/') + 1)),
    collect,
    depositStream(body) {
      const token = randomBytes(32).toString('hex')
      const timer = setTimeout(() => takeOffered(token)?.destroy(), KEPT_MS)
      timer.unref()
      offered.set(token, { body, timer })
      return `http://${advertised}:${port}/${token}`
    },
    collectStream,
    close: async () => {
      for (const token of [...offered.keys()]) takeOffered(token)?.destroy()
      for (const token of [...kept.keys()]) forget(token)
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

async function collect(address: string): Promise<Uint8Array> {
  const answer = await fetch(address, { signal: AbortSignal.timeout(COLLECT_TIMEOUT_MS) })
  if (!answer.ok) throw new Error(`a large body was gone when it was collected (${answer.status})`)
  return new Uint8Array(await answer.arrayBuffer())
}

function send(stream: Readable, response: ServerResponse): void {
  response.writeHead(200)
  // The first byte may be long in coming, and the collector should know that it is at the source.
  response.flushHeaders()
  pipeline(stream, response, () => {})
}

function collectStream(address: string): Promise<Readable> {
  return new Promise((resolve, reject) => {
    // A connection of its own, so that its end is the stream's alone.
    const request = get(address, { agent: false, timeout: COLLECT_TIMEOUT_MS }, (answer) => {
      request.setTimeout(0)
      if (answer.statusCode === 200) return resolve(answer)
      answer.resume()
      reject(new Error(`a stream was gone when it was collected (${answer.statusCode})`))
    })
    request.on('timeout', () => request.destroy(new Error('nobody answers for a stream')))
    request.on('error', reject)
  })
}
