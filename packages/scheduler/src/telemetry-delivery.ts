// Events on their way to one subscriber, in order: gathered into batches, posted to a port of its
// own sandbox (or written to it, an event a line), one batch at a time. A subscriber that is slow,
// or not there yet, costs nobody anything: what does not fit is dropped, counted and told.

import { request } from 'node:http'
import type { Duplex } from 'node:stream'
import { logsDropped, toJson } from './platform-log.ts'
import type { Destination, Subscription } from './telemetry-subscription.ts'

export interface DeliveryParts {
  dial(port: number): Promise<Duplex>
}

/** So many batches may wait while one is on its way. */
const BATCHES_WAITING_MAX = 4
/** A subscriber that refuses a batch is tried again after each of these; then it is dropped. */
const AGAIN_MS = [50, 200, 1_000, 4_000]
const HTTP_OK_MAX = 299

export class Delivery {
  readonly #subscription: Subscription
  readonly #parts: DeliveryParts
  #waiting: string[] = []
  #bytes = 0
  #dropped = { bytes: 0, records: 0 }
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> | undefined
  #line: Promise<Duplex> | undefined
  #isClosed = false

  constructor(subscription: Subscription, parts: DeliveryParts) {
    this.#subscription = subscription
    this.#parts = parts
  }

  add(event: string): void {
    const { maxItems, maxBytes, timeoutMs } = this.#subscription.buffering
    const isFull =
      this.#waiting.length >= maxItems * BATCHES_WAITING_MAX ||
      this.#bytes + event.length > maxBytes * BATCHES_WAITING_MAX
    if (this.#isClosed) return
    if (isFull) {
      this.#dropped.bytes += event.length
      this.#dropped.records += 1
      return
    }
    this.#waiting.push(event)
    this.#bytes += event.length
    if (this.#waiting.length >= maxItems || this.#bytes >= maxBytes) return void this.flush()
    this.#timer ??= setTimeout(() => void this.flush(), timeoutMs)
  }

  /** Sends what waits. Resolves when that has arrived, or was given up. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined
    })
    return this.#sending
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#waiting = []
    this.#line?.then((line) => line.destroy()).catch(() => {})
  }

  async #send(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#isClosed) {
      const batch = this.#takeBatch()
      const isTaken = await this.#deliver(batch)
      if (!isTaken) {
        this.#dropped.records += batch.length
        this.#dropped.bytes += batch.reduce((sum, event) => sum + event.length, 0)
      }
      // Telling one who takes nothing would have no end.
      if (isTaken) this.#tellDropped()
    }
  }

  #takeBatch(): string[] {
    const { maxItems, maxBytes } = this.#subscription.buffering
    let count = 0
    let bytes = 0
    for (const event of this.#waiting) {
      if (count >= maxItems || (count > 0 && bytes + event.length > maxBytes)) break
      count += 1
      bytes += event.length
    }
    this.#bytes -= bytes
    return this.#waiting.splice(0, count)
  }

  #tellDropped(): void {
    const { bytes, records } = this.#dropped
    if (records === 0 || this.#waiting.length > 0) return
    this.#dropped = { bytes: 0, records: 0 }
    if (this.#subscription.types.includes('platform')) {
      this.add(JSON.stringify(toJson(logsDropped(bytes, records))))
    }
  }

  async #deliver(batch: readonly string[]): Promise<boolean> {
    const { destination } = this.#subscription
    for (const againMs of [...AGAIN_MS, undefined]) {
      if (this.#isClosed) return false
      try {
        if (destination.protocol === 'HTTP') await this.#post(destination, batch)
        else await this.#write(destination.port, batch)
        return true
      } catch {
        if (againMs === undefined) return false
        await new Promise((resolve) => setTimeout(resolve, againMs))
      }
    }
    return false
  }

  async #post(
    { port, path }: Extract<Destination, { protocol: 'HTTP' }>,
    batch: readonly string[],
  ): Promise<void> {
    const body = Buffer.from(`[${batch.join(',')}]`)
    const socket = await this.#parts.dial(port)
    try {
      await new Promise<void>((resolve, reject) => {
        const post = request({
          method: 'POST',
          path,
          headers: {
            host: `sandbox.localdomain:${port}`,
            'content-type': 'application/json',
            'content-length': body.length,
            connection: 'close',
          },
          createConnection: () => socket,
        })
        post.on('error', reject)
        post.on('response', (response) => {
          response.resume()
          const isGood = (response.statusCode ?? 0) <= HTTP_OK_MAX
          if (isGood) resolve()
          else reject(new Error(`the subscriber answered ${response.statusCode}`))
        })
        socket.once('close', () => reject(new Error('the subscriber hung up')))
        post.end(body)
      })
    } finally {
      socket.destroy()
    }
  }

  /** One connection for all, on which each event is a line. */
  async #write(port: number, batch: readonly string[]): Promise<void> {
    this.#line ??= this.#parts.dial(port)
    try {
      const line = await this.#line
      const text = batch.map((event) => `${event}\n`).join('')
      await new Promise<void>((resolve, reject) => {
        line.once('close', reject)
        line.write(text, (error) => {
          line.off('close', reject)
          if (error) reject(error)
          else resolve()
        })
      })
    } catch (error) {
      this.#line = undefined
      throw error
    }
  }
}
