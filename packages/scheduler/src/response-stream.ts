// A response that leaves while the function still makes it: bytes go in from the runtime's
// connection and out to whoever collects the body. It holds no more than a small buffer, so a slow
// reader makes the runtime wait; a reader that goes away makes nobody wait, since the function runs
// on to its end, as on Lambda.

import { PassThrough, type Readable } from 'node:stream'

const BUFFERED_BYTES_MAX = 64 * 1024

export class ResponseStream {
  readonly bytesMax: number
  readonly #pipe = new PassThrough({ highWaterMark: BUFFERED_BYTES_MAX })
  #bytes = 0
  #onRead: (() => void) | undefined

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
    this.#pipe.on('drain', () => this.#goOn())
    this.#pipe.on('close', () => this.#goOn())
    this.#pipe.on('error', () => {})
  }

  /** What the reader collects; destroying it says that nobody wants the rest. */
  get body(): Readable {
    return this.#pipe
  }

  /** Whether no bytes can follow: it was ended, or its reader went away. */
  get isOver(): boolean {
    return this.#pipe.writableEnded || this.#pipe.destroyed
  }

  /** Bytes that were passed on, or would have been had the reader stayed. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Passes bytes on. `wait`: no more before `whenRead` calls; `too much`: they are over the limit
   * and lost, and the stream has ended.
   */
  write(bytes: Buffer): 'go on' | 'too much' | 'wait' {
    if (this.#bytes + bytes.length > this.bytesMax) {
      this.end()
      return 'too much'
    }
    this.#bytes += bytes.length
    if (this.isOver) return 'go on'
    return this.#pipe.write(bytes) ? 'go on' : 'wait'
  }

  /** Calls once: when the reader has caught up, has gone, or the stream is over. */
  whenRead(goOn: () => void): void {
    this.#onRead = goOn
  }

  /** No more bytes follow. Harmless when repeated. */
  end(): void {
    this.#pipe.end()
    this.#goOn()
  }

  #goOn(): void {
    const goOn = this.#onRead
    this.#onRead = undefined
    goOn?.()
  }
}
