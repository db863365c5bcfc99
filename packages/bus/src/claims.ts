// Large bodies between processes: the sender keeps the bytes under a one-time token and the
// receiver collects them over HTTP, because NATS advises against large messages and one slow
// transfer must not cut everybody's connection. A body is collected once, or forgotten after a
// minute.

import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Claims {
  /** Keeps the bytes and gives the address at which they wait. */
  deposit(body: Uint8Array): string
  /**
   * Fetches what waits at an address. @throws Error when it is gone or larger than a body may be.
   */
  collect(address: string): Promise<Uint8Array>
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
  let bytes = 0
  const forget = (token: string) => {
    const entry = kept.get(token)
    if (!entry) return undefined
    clearTimeout(entry.timer)
    kept.delete(token)
    bytes -= entry.body.length
    return entry.body
  }
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const body = forget((request.url ?? '/').slice(1))
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
    collect,
    close: async () => {
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
